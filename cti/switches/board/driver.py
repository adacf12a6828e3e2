"""A board as a switch: its host process (``cards.host``) holds every channel, this speaks to it over the bus.

Each event of the host has a number. One that is missing, a silence of ``SILENT`` seconds, or another ``boot`` means
that what is known here is not the truth any more: the link counts as lost and is taken up anew. It must not know
boards, nor which bus it is.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from cti.domain.errors import CallyardError, DeadlineExceeded, LinkDown
from cti.domain.switch.commands import Command, Play
from cti.domain.switch.events import LinkLost, LinkUp, PlayEnd, PlayFinished, SwitchEvent
from cti.domain.switch.snapshot import Snapshot
from cti.domain.switch.terms import Capability
from cti.switches.base import EventSink
from cti.switches.board.capabilities import OPEN, of_host
from cti.switches.board.wire import (
    Document,
    command_document,
    command_subject,
    error_of,
    event_of,
    event_subject,
    snapshot_of,
)
from cti.switches.checks import check_command

SILENT = 2.5
LOOK_EVERY = 0.05
HELLO_WITHIN = 2.0
BACK_OFF = (0.1, 3.0)

log = structlog.get_logger(__name__)


class BoardBus(Protocol):
    """What is needed of a bus."""

    @property
    def connected(self) -> bool: ...
    async def request(self, subject: str, payload: dict[str, Any], deadline: float = ...) -> dict[str, Any]: ...
    async def subscribe(self, subject: str, handler: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]: ...


class BoardSwitch:
    capabilities: frozenset[Capability] = OPEN

    def __init__(self, name: str, bus: BoardBus) -> None:
        self.name = name
        self._bus = bus
        self._sink: EventSink | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = False
        self._told_lost = False
        self._boot, self._seq = "", 0
        self._heard_at = 0.0
        self._gap = ""
        self._early: list[Document] | None = None  # events that came while the hello was under way
        self._plays: dict[str, str] = {}

    # ------------------------------------------------------------ the contract

    async def start(self, sink: EventSink) -> None:
        self._sink = sink
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        task, self._task, self._sink = self._task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._up = False

    async def execute(self, command: Command, deadline: float = 5.0) -> None:
        check_command(command)
        if isinstance(command, Play):
            self._plays[command.play_id] = command.channel
        try:
            await self._ask({"op": "execute", "command": command_document(command)}, deadline)
        except CallyardError:
            if isinstance(command, Play):
                self._plays.pop(command.play_id, None)
            raise

    async def snapshot(self, deadline: float = 5.0) -> Snapshot:
        reply = await self._ask({"op": "snapshot"}, deadline)
        return snapshot_of(reply.get("snapshot"))

    async def _ask(self, payload: Document, deadline: float) -> Document:
        if not self._up or not self._bus.connected:
            raise LinkDown(f"{self.name}: no link to its host")
        try:
            reply = await self._bus.request(command_subject(self.name), payload, deadline)
        except CallyardError as error:
            kind = DeadlineExceeded if self._bus.connected else LinkDown
            raise kind(f"{self.name}: {error}") from error
        if not reply.get("ok"):
            raise error_of(reply)
        return reply

    # ------------------------------------------------------------ the link

    async def _keep(self) -> None:
        undo = await self._bus.subscribe(event_subject(self.name), self._heard)
        try:
            wait = BACK_OFF[0]
            while True:
                try:
                    await self._hello()
                    wait = BACK_OFF[0]
                except (CallyardError, TimeoutError, KeyError, TypeError, ValueError) as error:
                    self._lost(f"{self.name}: the host of the board does not answer: {error}")
                    await asyncio.sleep(wait * random.uniform(0.7, 1.3))
                    wait = min(wait * 2, BACK_OFF[1])
                    continue
                reason = await self._watch()
                self._up = False
                self._lost(reason)
        finally:
            undo()

    async def _hello(self) -> None:
        if not self._bus.connected:
            raise LinkDown("the bus is down")
        self._early = []
        try:
            reply = await self._bus.request(command_subject(self.name), {"op": "hello"}, HELLO_WITHIN)
            if not reply.get("ok"):
                raise error_of(reply)
            self._boot, self._seq = str(reply["boot"]), int(reply["seq"])
            playing = {str(one) for one in reply["playing"]}
            self.capabilities = of_host(reply["capabilities"])
        finally:
            early, self._early = self._early, None
        self._gap, self._heard_at = "", time.monotonic()
        self._up, self._told_lost = True, False
        self._emit(LinkUp(time.time()))
        for play_id, channel in [*self._plays.items()]:
            if play_id not in playing:
                self._emit(PlayFinished(time.time(), channel, play_id, PlayEnd.FAILED))
        for document in early or ():
            self._take(document)

    async def _watch(self) -> str:
        """Return the reason when the link is lost."""
        while True:
            if not self._bus.connected:
                return f"{self.name}: the bus is lost"
            if self._gap:
                return f"{self.name}: {self._gap}"
            if time.monotonic() - self._heard_at > SILENT:
                return f"{self.name}: nothing heard of the host of the board for {SILENT:g} s"
            await asyncio.sleep(LOOK_EVERY)

    def _lost(self, reason: str) -> None:
        self._up = False
        if not self._told_lost:
            self._told_lost = True
            self._emit(LinkLost(time.time(), reason))

    # ------------------------------------------------------------ events

    def _heard(self, _subject: str, document: Document) -> None:
        if self._early is not None:
            self._early.append(document)
        elif self._up and not self._gap:
            self._take(document)

    def _take(self, document: Document) -> None:
        boot, seq, event = document.get("boot"), document.get("seq"), document.get("event")
        if boot != self._boot:
            self._gap = "the host of the board has started anew"
        elif not isinstance(seq, int):
            self._gap = "a document of the host cannot be read"
        elif event is None:
            self._heard_at = time.monotonic()
            if seq > self._seq:
                self._gap = "events of the host were missed"
        elif seq == self._seq + 1:
            self._seq, self._heard_at = seq, time.monotonic()
            try:
                self._emit(event_of(event))
            except CallyardError as error:
                log.warning("board.bad_event", board=self.name, error=str(error))
        elif seq > self._seq:
            self._gap = "events of the host were missed"

    def _emit(self, event: SwitchEvent) -> None:
        if isinstance(event, PlayFinished):
            self._plays.pop(event.play_id, None)
        if self._sink is not None:
            self._sink(event)
