"""The floor on the bus: commands are carried out, events go out with a number each, the plan comes from the keys.

Every call of the floor goes through ``run``, which is the board's one thread. It must not know boards.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import structlog

from cards.host import commands
from cards.host.board import BoardError, LineKind
from cards.host.channel import Line
from cards.host.floor import Floor
from cards.host.listening import Listening
from cards.host.plan import BadPlan, read_plan
from cti.domain.errors import BadRequest, CallyardError, CommandRefused
from cti.domain.switch.commands import TestCall
from cti.domain.switch.events import SwitchEvent
from cti.domain.switch.terms import Capability
from cti.switches.board.wire import (
    BEAT,
    Document,
    command_of,
    command_subject,
    event_document,
    event_subject,
    snapshot_document,
)
from cti.switches.checks import check_command

BUCKET = "cy_boards"
STEP = 0.01

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Run(Protocol):
    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Carry out ``work`` where the board's calls are made."""


class Outside(Protocol):
    """The far side of a simulated board."""

    def begin(self, floor: Floor) -> None: ...
    def step(self, floor: Floor) -> None: ...
    def test_call(self, floor: Floor, command: TestCall) -> None:
        """Raises ``CommandRefused``."""

    def hand(self, line: int, what: str) -> None:
        """Raises ``BadRequest`` or ``CommandRefused``."""


class Beside(Protocol):
    """A gateway that takes the calls in place of the engine."""

    def on_event(self, event: SwitchEvent) -> None: ...
    def step(self) -> None: ...


class HostBus(Protocol):
    def publish(self, subject: str, payload: dict[str, Any]) -> None: ...
    async def serve(
        self, subject: str, handler: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    ) -> Callable[[], None]: ...
    async def kv_watch(
        self, bucket: str, handler: Callable[[str, dict[str, Any] | None], None]
    ) -> Callable[[], None]: ...


class Service:
    def __init__(self, bus: HostBus, run: Run, outside: Outside | None = None, beside: Beside | None = None) -> None:
        self._bus, self._run, self._outside, self._beside = bus, run, outside, beside
        self._seq = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._undo: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: Listening | None = None
        self.floor: Floor

    def emit(self, event: SwitchEvent) -> None:
        """The floor's, in the board's thread."""
        if self._beside is not None:
            self._beside.on_event(event)
            return
        self._seq += 1
        document = {"boot": self.floor.boot, "seq": self._seq, "event": event_document(event)}
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._bus.publish, event_subject(self.floor.name), document)

    async def start(self, floor: Floor) -> None:
        """The floor is open."""
        self.floor, self._loop = floor, asyncio.get_running_loop()
        self._listening = Listening(floor.tapes, floor.spool / ".taps" / f"{floor.name}-listening", floor.clock)
        self._undo = [
            await self._bus.kv_watch(BUCKET, self._planned),
            await self._bus.serve(command_subject(floor.name), self._answer),
        ]
        self._start(self._beats())

    async def stop(self) -> None:
        for undo in self._undo:
            undo()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listening is not None:
            await self._run(self._listening.close)
        self._loop = None

    async def keep_stepping(self) -> None:
        """Give the board its time until it is lost. Raises ``BoardError``."""
        while True:
            try:
                await self._run(self._step)
            except BoardError:
                await self._run(self.floor.lose_everything)
                raise
            await asyncio.sleep(STEP)

    # ------------------------------------------------------------ inside

    def _step(self) -> None:
        self.floor.step()
        if self._beside is not None:
            self._beside.step()
        if self._outside is not None:
            self._outside.step(self.floor)
        if self._listening is not None:
            self._listening.step()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beats(self) -> None:
        while True:
            await self._run(self._beat)
            await asyncio.sleep(BEAT)

    def _beat(self) -> None:
        document = {"boot": self.floor.boot, "seq": self._seq}
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._bus.publish, event_subject(self.floor.name), document)

    def _planned(self, key: str, document: Document | None) -> None:
        if key == self.floor.name and document is not None:
            self._start(self._plan(document))

    async def _plan(self, document: Document) -> None:
        try:
            plan = read_plan(document)
        except BadPlan as error:
            log.error("board.bad_plan", board=self.floor.name, error=str(error))
            return
        await self._run(lambda: self.floor.set_plan(plan))

    async def _answer(self, request: Document) -> Document:
        match request.get("op"):
            case "execute":
                return await self._execute(request)
            case "snapshot":
                taken = await self._run(lambda: commands.snapshot(self.floor))
                return {"ok": True, "snapshot": snapshot_document(taken)}
            case "hello":
                return await self._run(self._hello)
            case "lines":
                return await self._run(self._lines)
            case "listen" | "hear" | "deafen":
                return await self._run(lambda: self._listen(request))
            case "test":
                line = self._line(request)
                await self._run(lambda: self.floor.begin_test(line))
                return {"ok": True}
            case "hand":
                line, what = self._line(request), str(request.get("what"))
                await self._run(lambda: self._hand(line, what))
                return {"ok": True}
        raise BadRequest(f"unknown operation {str(request.get('op'))[:40]!r}")

    async def _execute(self, request: Document) -> Document:
        command = command_of(request.get("command"))

        def work() -> None:
            if isinstance(command, TestCall):
                check_command(command)
                if self._outside is None:
                    raise CommandRefused("a board cannot make its own line ring")
                self._outside.test_call(self.floor, command)
            else:
                commands.execute(self.floor, command)

        await self._run(work)
        return {"ok": True}

    def _listen(self, request: Document) -> Document:
        if self._listening is None:
            raise CommandRefused("the board is not open yet")
        match request["op"]:
            case "listen":
                return self._listening.begin(self._line(request).number)
            case "hear":
                return self._listening.hear(request.get("listener"))
        return self._listening.end(request.get("listener"))

    def _hand(self, line: Line, what: str) -> None:
        if self._outside is None:
            raise CommandRefused("nobody moves the telephones of a real board from here")
        self._outside.hand(line.number, what)

    def _hello(self) -> Document:
        named = [Capability.SPY] if self.floor.board.whispers else []
        named += [Capability.CALLER_NAME] if self.floor.board.names else []
        named += [Capability.TEST_CALL] if self._outside is not None else []
        recorders = any(line.kind is LineKind.RECORDER for line in self.floor.lines.values())
        named += [Capability.WATCH] if recorders else []
        playing = [chan.playing.play_id for chan in self.floor.channels.values() if chan.playing is not None]
        return {
            "ok": True,
            "boot": self.floor.boot,
            "seq": self._seq,
            "playing": playing,
            "capabilities": [one.value for one in named],
        }

    def _line(self, request: Document) -> Line:
        number = request.get("line")
        line = self.floor.lines.get(number) if isinstance(number, int) else None
        if line is None:
            raise BadRequest("there is no such line")
        return line

    def _lines(self) -> Document:
        return {
            "ok": True,
            "board": self.floor.name,
            "vendor": self.floor.board.vendor,
            "simulated": self._outside is not None,
            "listens": True,
            "lines": [self._shown(line) for line in self.floor.lines.values()],
        }

    def _shown(self, line: Line) -> Document:
        plan, chan = self.floor.plan.of(line.number), line.channel
        with contextlib.suppress(CallyardError):
            level = self.floor.board.level(line.number)
            return {
                "line": line.number,
                "kind": line.kind.value,
                "state": line.state.value,
                "since": max(self.floor.clock() - line.since, 0.0),
                "dead": line.dead,
                "alarm": line.alarm.value,
                "blocked": plan.blocked,
                "dialed": plan.dialed,
                "trunk": plan.trunk,
                "device": plan.device,
                "level": level,
                "channel": chan.id if chan is not None else "",
                "number": _number(line),
                "incoming": chan.incoming if chan is not None else False,
                "recording": bool(chan.recordings) if chan is not None else False,
                "testing": bool(line.test_until),
            }
        return {"line": line.number, "kind": LineKind.EMPTY.value, "state": "", "dead": True}


def _number(line: Line) -> str:
    """Of whoever is at the other end of the call."""
    chan = line.channel
    if chan is None:
        return ""
    return chan.caller_number if chan.incoming or line.kind is LineKind.EXTENSION else line.dialled
