"""``gateway``: 120 outside lines of a simulated board, each a call of a softswitch that sends everything back.

The board, its floor and the gateway run in a process of their own with the host's own stepping; on most lines the far
end presses keys and gives tones, on every fifth it makes marks, short tones, whose way is timed: from the tick in
which the far end said it to the packet's leaving (and the 20 ms that the packet holds), from there through the switch
to the tick in which the far end hears it. ``python -m tests.bench gateway freeswitch_gateway``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from cards.gateway.gateway import Gateway
from cards.host.floor import Floor
from cards.host.plan import LinePlan, Plan
from cards.host.process import settle
from cards.host.service import Service
from cards.host.simulated import driver
from cards.host.sound import Prompts, from_alaw
from cards.sim.build import Face, library
from cards.sim.control import RATE, TICK, SimBoard, State
from cti.provision.freeswitch import NOT_FOUND
from cti.provision.priority import Priority
from cti.settings import Settings
from cti.switch_settings import GATEWAY_HOST
from tests.bench.stage import quantile
from tests.e2e.rig.centre import until
from tests.e2e.rig.pbx import AsteriskExchange, Exchange, FreeSwitchExchange
from tests.e2e.rig.processes import cpu_seconds
from tests.ports import free_port

LINES, SECONDS = 120, 60.0
MARKED = 5  # every fifth line
SETTLED = 6.0  # seconds, after which what the beginning of so many calls at once has left behind is gone
PAUSE, PATIENCE = 0.5, 0.4  # between the marks of a line; how long one may take
LOUD = 6000
PIECE = round(RATE * TICK)
MARK = (16000 * np.sin(2 * np.pi * 1000 * np.arange(PIECE) / RATE)).astype(np.int16).tobytes()
T = TypeVar("T")


async def measure(switch: str = "asterisk", seconds: float = SECONDS) -> dict[str, Any]:
    """Switch and gateway have the place at the processors that ``cti serve`` gives them."""
    if switch == "freeswitch" and FreeSwitchExchange.missing(Settings()):
        print(f"NOT RUN on freeswitch: {NOT_FOUND}", flush=True)
        return {"not_run": NOT_FOUND}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.gateway", switch, str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=Priority.TELEPHONES.take,
    )
    return await _told_by(child)


async def _told_by(child: asyncio.subprocess.Process) -> dict[str, Any]:
    out, _ = await child.communicate()
    assert child.returncode == 0, f"the measuring process ended with {child.returncode}"
    numbers: dict[str, Any] = json.loads(out.splitlines()[-1])
    return numbers


async def _beside(switch: str, seconds: float) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="cyb-"))
    exchange = AsteriskExchange(folder / "x", "") if switch == "asterisk" else FreeSwitchExchange(folder / "x", "")
    try:
        await asyncio.to_thread(_run, exchange, Settings(var=folder))
        assert exchange.process is not None
        before = cpu_seconds(exchange.process.pid)
        words = (sys.executable, "-m", "tests.bench.gateway", str(folder), str(exchange.port), str(seconds))
        child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        used = f"{switch}_cpu_seconds"
        return await _told_by(child) | {used: round(cpu_seconds(exchange.process.pid) - before, 1)}
    finally:
        await asyncio.to_thread(exchange.stop)
        shutil.rmtree(folder, ignore_errors=True)


def _run(exchange: Exchange, settings: Settings) -> None:
    if isinstance(exchange, AsteriskExchange):
        pjsip = PJSIP.format(host=exchange.host, port=exchange.port, gateway=GATEWAY_HOST)
        exchange.run(settings, pjsip, EXTENSIONS, 4 * LINES)
    elif isinstance(exchange, FreeSwitchExchange):
        exchange.run(settings, {"public/echo.xml": ECHO}, codec="PCMA", sessions=2 * LINES)


PJSIP = """[transport-udp]
type = transport
protocol = udp
bind = {host}:{port}

[gateway]
type = endpoint
context = echo
disallow = all
allow = alaw
dtmf_mode = rfc4733
direct_media = no

[gateway]
type = identify
endpoint = gateway
match = {gateway}
"""
EXTENSIONS = "[echo]\nexten => _X.,1,Answer()\n same => n,Echo()\n"
ECHO = """<extension name="echo">
  <condition field="destination_number" expression="^8000$">
    <action application="answer"/><action application="echo"/>
  </condition>
</extension>
"""


# ---------------------------------------------------------------- in the gateway's process


class Tapped:
    """The board's streams; ``sent`` is when the piece with a line's mark had left."""

    def __init__(self, sim: SimBoard) -> None:
        self.stream, self.sim = sim.stream, sim
        self.waiting: dict[int, float] = {}
        self._leaving: set[int] = set()

    def take(self, lines: Sequence[int]) -> list[bytes | None]:
        """Whatever was taken the last time has been sent by now."""
        now = time.monotonic()
        for line in self._leaving:
            self.waiting[line] = now
        self._leaving.clear()
        pieces = self.sim.take(lines)
        for line, piece in zip(lines, pieces, strict=True):
            if piece is not None and self.waiting.get(line) == 0.0 and np.abs(from_alaw(piece)).max() > LOUD:
                self._leaving.add(line)
        return pieces

    def give(self, pieces: Sequence[tuple[int, bytes]]) -> None:
        self.sim.give(pieces)


class Ticks:
    """When each tick of the board was due, on the monotonic clock."""

    def __init__(self, sim: SimBoard) -> None:
        self._sim, self._zero = sim, time.monotonic()

    def look(self) -> None:
        ticks = self._sim.now
        self._zero = min(self._zero, time.monotonic() - ticks)

    def at(self, tick: int) -> float:
        return self._zero + tick * TICK

    def now(self) -> int:
        return round(self._sim.now / TICK)


class Marks:
    """Milliseconds of each mark's two ways; ``missed`` did not come back whole."""

    def __init__(self, tapped: Tapped, ticks: Ticks) -> None:
        self.out: list[float] = []
        self.back: list[float] = []
        self.missed = 0
        self._tapped, self._sim, self._ticks = tapped, tapped.sim, ticks

    async def make(self, number: int, end: float) -> None:
        line = self._sim.line(number)
        await asyncio.sleep(number / LINES * PAUSE)
        while time.monotonic() < end:
            self._tapped.waiting[number] = 0.0
            tick = self._ticks.now()
            line.say(MARK)
            if self._ticks.now() != tick:  # a tick came between: nobody knows which one said it
                await asyncio.sleep(PAUSE)
                continue
            await asyncio.sleep(PATIENCE)
            self._came(number, tick + 1)
            self._ticks.look()
            await asyncio.sleep(PAUSE - PATIENCE)

    def _came(self, number: int, said: int) -> None:
        samples = np.abs(np.frombuffer(self._sim.line(number).heard(PATIENCE), np.int16).astype(int))
        now, loud, sent = self._ticks.now(), np.flatnonzero(samples > LOUD), self._tapped.waiting.pop(number)
        if not len(loud) or not sent:
            self.missed += 1
            return
        heard = now - (len(samples) - 1 - int(loud[0])) // PIECE
        self.out.append((sent - self._ticks.at(said) + TICK) * 1000)
        self.back.append((self._ticks.at(heard) - sent) * 1000)


class Nobody:
    """The bus of a host that nobody asks anything."""

    def publish(self, subject: str, payload: dict[str, Any]) -> None:
        return

    async def serve(self, subject: str, handler: object) -> Callable[[], None]:
        return lambda: None

    async def kv_watch(self, bucket: str, handler: object) -> Callable[[], None]:
        return lambda: None


async def live(folder: Path, port: int, seconds: float) -> dict[str, Any]:
    path = library(Face.SYNWAY, folder)
    sim = SimBoard(path)
    sim.reset()
    sim.configure(trunks=LINES, extensions=0)
    tapped = Tapped(sim)
    gateway = Gateway(tapped, GATEWAY_HOST, free_port(), ("127.0.0.1", port))
    threads = ThreadPoolExecutor(1)

    def run(work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(threads, work)

    service = Service(Nobody(), run, None, gateway)
    floor = Floor("board", driver("synway", path, folder), Prompts(folder, folder / "p"), folder, service.emit)
    floor.set_plan(Plan({n: LinePlan(n, dialed="8000", trunk="board") for n in range(LINES)}))
    await run(floor.open)
    await run(lambda: gateway.open(floor))
    sim.real_time()
    await service.start(floor)
    settle()
    stepping = asyncio.create_task(service.keep_stepping())
    try:
        return await _calls(sim, tapped, gateway, seconds)
    finally:
        stepping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stepping
        await run(gateway.close)
        await run(floor.close)
        await service.stop()
        sim.reset()
        threads.shutdown()


async def _calls(sim: SimBoard, tapped: Tapped, gateway: Gateway, seconds: float) -> dict[str, Any]:
    for n in range(LINES):
        sim.line(n).do(f"call 1990000{n:04d} dtmf; answered 60; wait 3600")
        await asyncio.sleep(0.05)
    await until("all lines talk", lambda: all(sim.line(n).state is State.TALKING for n in range(LINES)), 60)
    ticks = Ticks(sim)
    for _ in range(1000):
        ticks.look()
        await asyncio.sleep(0.001)
    marked = range(0, LINES, MARKED)
    for n in set(range(LINES)) - set(marked):
        sim.line(n).do(f"wait {1 + n % 7 / 2}; digits 12345; tone {400 + 10 * n} 1; repeat")
    await asyncio.sleep(SETTLED)
    marks = Marks(tapped, ticks)
    sim.clear_statistics()
    before, lost, steps, late = sim.pieces(), gateway.lost, gateway.steps, gateway.late
    began, used = time.monotonic(), _cpu()
    await asyncio.gather(*(marks.make(n, began + seconds) for n in marked))
    took, used = time.monotonic() - began, _cpu() - used
    now, pieces = sim.statistics(), sim.pieces() - before
    up = sum(sim.line(n).state is State.TALKING for n in range(LINES))
    return {
        "channels": up,
        "core_share": round(used / took, 3),
        "board_core_share": round(now.busy_total_s / took, 3),
        "late_p99_ms": now.late_p99_us / 1000,
        "late_max_ms": now.late_max_us / 1000,
        "to_sip_p50_ms": round(quantile(marks.out, 0.5), 1),
        "to_sip_p99_ms": round(quantile(marks.out, 0.99), 1),
        "from_sip_p50_ms": round(quantile(marks.back, 0.5), 1),
        "from_sip_p99_ms": round(quantile(marks.back, 0.99), 1),
        "marks": len(marks.out),
        "marks_missed": marks.missed,
        "lost_frames": pieces.untaken + pieces.too_many + gateway.lost - lost + now.lost,
        "left_out_silence": pieces.silence,
        "left_out_sound": pieces.sound,
        "came_late": pieces.dry,
        "keys_returned": sum(len(sim.line(n).keys) for n in range(LINES)),
        "steps_per_s": round((gateway.steps - steps) / took),
        "steps_late": gateway.late - late,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))))
    else:
        print(json.dumps(asyncio.run(_beside(sys.argv[1], float(sys.argv[2])))))
