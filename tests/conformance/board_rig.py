"""A voice board as a ``World``: the simulated board under a vendor's interface, that driver, the host's floor.

The board's time is moved by hand: in real time while people talk, as fast as it goes while a line rings, caller-id
comes, a number is dialled or busy tone has to be recognised. Every sample and every tone is there all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from cards.host.channel import Line as HostLine
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.host.service import BUCKET, Service
from cards.host.simulated import Simulated, driver
from cards.host.sound import Prompts, Samples
from cards.sim.build import Face, library
from cards.sim.control import TICK, Line, SimBoard, State
from cti.bus.memory import MemoryBroker, MemoryBus
from cti.domain.switch.events import DeviceRegistered, LinkUp, TrunkChanged
from cti.domain.switch.terms import Cause
from cti.switches.board import BoardSwitch
from tests.conformance.asterisk_rig import make_prompts
from tests.conformance.world import TRUNK
from tests.fakes.events import EventLog
from tests.fakes.rtp import tone_level

TRUNKS, EXTENSIONS = 4, 4
DEVICES = {"1001": TRUNKS, "1002": TRUNKS + 1}
SPARE = TRUNKS + 2  # where a phone is plugged in elsewhere
FAST_AT_MOST = 20.0  # seconds of the board's time
FAST_TICKS = 10
CATCH_UP = 50

T = TypeVar("T")


def running_board(face: Face, folder: Path) -> Path:
    """The path of its library. Raises ``BuildFailed`` where it cannot be made."""
    return library(face, folder)


class Clock:
    """Moves the board's time. ``hurry`` is waited for with the clock running as fast as it can."""

    def __init__(self, sim: SimBoard, each_tick: Callable[[], None]) -> None:
        self._sim, self._each_tick = sim, each_tick
        self._hurries: list[tuple[Callable[[], bool], float]] = []
        self._task = asyncio.create_task(self._run())
        self.changed = asyncio.Event()

    def hurry(self, condition: Callable[[], bool], at_most: float = FAST_AT_MOST) -> None:
        self._hurries.append((condition, self._sim.now + at_most))

    async def until(self, condition: Callable[[], bool], what: str, deadline: float = 5.0) -> None:
        """In real seconds, looked at after each tick."""
        try:
            async with asyncio.timeout(deadline):
                while not condition():
                    self._check()
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {deadline:g} s: {what}") from None

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _check(self) -> None:
        if self._task.done():
            self._task.result()

    def _hurried(self) -> bool:
        self._hurries = [(c, end) for c, end in self._hurries if self._sim.now < end and not c()]
        return bool(self._hurries)

    async def _run(self) -> None:
        origin = time.monotonic() - self._sim.now
        while True:
            if self._hurried():
                for _ in range(FAST_TICKS):
                    self._tick()
                    if not self._hurried():
                        break
                origin = time.monotonic() - self._sim.now
                await asyncio.sleep(0)
            elif self._sim.now <= time.monotonic() - origin:
                for _ in range(CATCH_UP):  # all that is due, so that a busy machine does not make the board's time slow
                    self._tick()
                    if self._sim.now > time.monotonic() - origin:
                        break
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(0.004)

    def _tick(self) -> None:
        self._sim.step()
        self._each_tick()
        self.changed.set()


class Ear:
    """What the far end of a line hears, from ``forget`` on."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._heard: list[Samples] = []

    def listen(self) -> None:
        self._heard.append(np.frombuffer(self._line.heard(TICK), dtype=np.int16))
        del self._heard[:-200]

    def forget(self) -> None:
        self._heard.clear()

    def heard(self, seconds: float = 0.4) -> Samples:
        parts = self._heard[-round(seconds / TICK) :]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def hears(self, hertz: float, share: float = 0.5) -> bool:
        return len(self._heard) >= 10 and tone_level(self.heard(), hertz) > share

    def hears_sound(self) -> bool:
        return len(self._heard) >= 10 and bool(np.abs(self.heard()).max() > 500)

    def is_silent(self) -> bool:
        return bool(np.abs(self.heard(0.3)).max(initial=0) < 200)


class BoardLeg:
    """The far end of a line: a caller, somebody called, or an agent's telephone."""

    def __init__(self, world: BoardWorld, number: int) -> None:
        self._world, self.number = world, number
        self.line = world.sim.line(number)
        self.rtp = world.ear(number)
        self._hertz = 0.0

    # what tests of several ears ask a call for
    @property
    def call(self) -> BoardLeg:
        return self

    @property
    def phone(self) -> BoardLeg:
        return self

    async def until(self, condition: Callable[[], bool], what: str, deadline: float = 5.0) -> None:
        await self._world.clock.until(condition, f"line {self.number}: {what}", deadline)

    @property
    def is_phone(self) -> bool:
        return self.number >= TRUNKS

    @property
    def host(self) -> HostLine:
        return self._world.floor.lines[self.number]

    @property
    def digits(self) -> str:
        return self.line.keys

    def _do(self, *steps: str) -> None:
        talk = [f"tone {self._hertz:g} 86400 -12"] if self._hertz else []
        self.line.do("; ".join([*steps, *talk]))

    def answer(self) -> None:
        self._do("lift" if self.is_phone else "answer")
        self._world.clock.hurry(lambda: self.host.channel is None or self.host.channel.answered)

    def reject(self, cause: Cause) -> None:
        """A telephone cannot: it is lifted and replaced."""
        self._do("lift; wait 0.5; replace")

    def hangup(self) -> None:
        self._hertz = 0.0
        self._do("hush; replace" if self.is_phone else "hush; hangup")
        channel = self.host.channel
        self._world.clock.hurry(lambda: self.host.channel is not channel or channel is None)

    def press(self, digits: str) -> None:
        self._do(f"digits {digits}")

    def hold(self, held: bool) -> None:
        self._do("flash; wait 0.6")

    def say(self, hertz: float) -> None:
        self._hertz = hertz
        self._do()

    async def talking(self) -> None:
        await self.until(lambda: self.line.state is State.TALKING, "talking")

    async def ended(self) -> None:
        """It hears that the call is over, and the handset is put back."""
        over = (LineState.BUSY_TONE, LineState.IDLE) if self.is_phone else (LineState.IDLE,)
        self._world.clock.hurry(lambda: self.host.state in over)
        await self.until(lambda: self.host.state in over, f"over (is {self.host.state})")
        self._hertz = 0.0
        self._do("hush; replace" if self.is_phone else "hush; hangup")
        self._world.clock.hurry(lambda: self.line.state is State.IDLE)
        await self.until(lambda: self.line.state is State.IDLE, "idle")

    async def was_sent(self, digits: str) -> None:
        await self.until(lambda: self.digits == digits, f"digits {digits} (has {self.digits})")

    async def hears(self, hertz: float) -> None:
        await self._in_the_ear(lambda: self.rtp.hears(hertz), f"{hertz} Hz heard")

    async def hears_sound(self) -> None:
        await self._in_the_ear(self.rtp.hears_sound, "any sound heard")

    async def hears_silence(self) -> None:
        await self._in_the_ear(lambda: len(self.rtp.heard(0.3)) >= 2400 and self.rtp.is_silent(), "silence")

    async def _in_the_ear(self, condition: Callable[[], bool], what: str) -> None:
        """From now on; as fast as it goes where no recording is compared with real time."""
        self.rtp.forget()
        if not any(channel.recordings for channel in self._world.floor.channels.values()):
            self._world.clock.hurry(condition, 1.0)
        await self.until(condition, what)


class BoardWorld:
    def __init__(self, face: Face, path: Path, spool: Path) -> None:
        self.face, self.spool = face, spool
        self.log = EventLog()
        self.sim = SimBoard(path)
        self.sim.reset()
        self.sim.configure(trunks=TRUNKS, extensions=EXTENSIONS)
        self._prompts = spool / "prompts"
        make_prompts(self._prompts)
        self.broker = MemoryBroker()
        self._host_bus, self._bus = MemoryBus(self.broker), MemoryBus(self.broker)
        self.service = Service(self._host_bus, in_this_thread, Callers(self))
        self.floor = Floor(
            face.value,
            driver(face.value, path, spool),
            Prompts(self._prompts, spool / "made"),
            spool,
            self.service.emit,
            clock=lambda: self.sim.now,
        )
        self.service.floor = self.floor
        self._ears: dict[int, Ear] = {}
        self._plugged = dict(DEVICES)
        self._blocked = set(DEVICES)
        self.switch = BoardSwitch(face.value, self._bus)

    async def __aenter__(self) -> BoardWorld:
        await self._host_bus.start()
        await self._bus.start()
        self.floor.open()
        for number in range(TRUNKS):
            self.sim.line(number).when("dialled", "ring 3600")
        await self.service.start(self.floor)
        self.clock = Clock(self.sim, self._each_tick)
        await self.switch.start(self.log)
        await self.log.until(LinkUp)
        await self._publish()
        await self.log.until(TrunkChanged, trunk=TRUNK)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.switch.stop()
        await self.clock.stop()
        self.floor.close()
        await self.service.stop()
        await self._bus.stop(0)
        await self._host_bus.stop(0)
        self.sim.reset()

    def _each_tick(self) -> None:
        self.floor.step()
        for ear in self._ears.values():
            ear.listen()

    def ear(self, number: int) -> Ear:
        return self._ears.setdefault(number, Ear(self.sim.line(number)))

    async def _publish(self) -> None:
        lines: list[dict[str, Any]] = [{"line": n, "trunk": TRUNK, "dialed": "8000"} for n in range(TRUNKS)]
        lines += [
            {"line": line, "device": device, "blocked": device in self._blocked}
            for device, line in self._plugged.items()
        ]
        await self._bus.kv_put(BUCKET, self.face.value, {"lines": lines, "hunt": "round", "extension_digits": 4})

    async def register(self, device: str) -> None:
        if device in self._blocked:
            self._blocked.discard(device)
            since = self.log.mark()
            await self._publish()
            await self.log.until(DeviceRegistered, device=device, registered=True, since=since)

    async def unregister(self, device: str) -> None:
        self._blocked.add(device)
        await self._publish()

    async def register_elsewhere(self, device: str) -> None:
        """The telephone is plugged in at another line."""
        self._plugged[device] = SPARE
        await self._publish()
        await self.clock.until(lambda: self.floor.plan.of(SPARE).device == device, "the plan is there")

    async def call_in(self, dialed: str, number: str, name: str = "") -> BoardLeg:
        line = next(n for n in range(TRUNKS) if self._free(n))
        shown = name.encode("utf-8", "replace").decode().replace('"', "")[:20].strip()
        self.sim.line(line).do(f'call {number} fsk "{shown}"; answered 86400' if shown else f"call {number} fsk")
        leg = BoardLeg(self, line)
        self.clock.hurry(lambda: leg.host.channel is not None)
        await self.clock.until(lambda: leg.host.channel is not None, f"the call is offered (line is {leg.line.now()})")
        return leg

    def _free(self, line: int) -> bool:
        return self.sim.line(line).state is State.IDLE and self.floor.lines[line].state is LineState.IDLE

    async def dial_from(self, device: str, dialed: str) -> BoardLeg:
        leg = BoardLeg(self, self._plugged[device])
        leg.line.do(f"lift; wait 1; digits {dialed}")
        self.clock.hurry(lambda: leg.host.channel is not None)
        await self.clock.until(lambda: leg.host.channel is not None, "the number is dialled")
        return leg

    async def rings(self, device: str) -> BoardLeg:
        leg = BoardLeg(self, self._plugged[device])
        rung = (State.RINGING, State.TALKING)
        self.clock.hurry(lambda: leg.line.state in rung)
        await self.clock.until(lambda: leg.line.state in rung, f"{device} rings ({leg.host.state})")
        return leg

    async def rings_outside(self, number: str) -> BoardLeg:
        def dialled() -> list[int]:
            lines = ((n, self.sim.line(n)) for n in range(TRUNKS))
            return [n for n, line in lines if line.state is State.PROCEEDING and line.dialled == number]

        self.clock.hurry(lambda: bool(dialled()))
        await self.clock.until(lambda: bool(dialled()), f"{number} is rung")
        leg = BoardLeg(self, dialled()[0])
        self.clock.hurry(lambda: leg.host.state is not LineState.PROCEEDING)
        return leg

    async def nothing_rings(self, device: str) -> None:
        """The board has had time to begin."""
        line, end = self.sim.line(self._plugged[device]), self.sim.now + 0.5
        self.clock.hurry(lambda: self.sim.now >= end)
        await self.clock.until(lambda: self.sim.now >= end, "half a second")
        assert line.state is not State.RINGING

    async def cut_link(self) -> None:
        self.broker.cut()

    async def restore_link(self) -> None:
        self.broker.restore()

    async def restart_driver(self) -> None:
        await self.switch.stop()
        since = self.log.mark()
        self.switch = BoardSwitch(self.face.value, self._bus)
        await self.switch.start(self.log)
        await self.log.until(LinkUp, since=since)


class Callers:
    """The simulated far side, for ``TestCall``."""

    def __init__(self, world: BoardWorld) -> None:
        self._world = world

    def begin(self, floor: Floor) -> None: ...
    def step(self, floor: Floor) -> None: ...
    def hand(self, line: int, what: str) -> None: ...

    def test_call(self, floor: Floor, command: Any) -> None:
        Simulated(self._world.sim, self._world._prompts).test_call(floor, command)
        self._world.clock.hurry(lambda: bool(floor.channels))


def in_this_thread(work: Callable[[], T]) -> Awaitable[T]:
    async def done() -> T:
        return work()

    return done()
