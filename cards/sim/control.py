"""The clock and the far ends of a simulated board, for tests, training and the demo. It must not know the drivers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

from cffi import FFI

from cards.sim.build import SOURCES
from cti.domain.errors import CallyardError

TICK = 0.02
RATE = 8000
PIECE = 160


class SimRefused(CallyardError):
    """The simulated board was asked something that it cannot do."""

    code = "board.sim"


class State(IntEnum):
    IDLE = 0
    RINGING = 1
    DIALLING = 2
    PROCEEDING = 3
    TALKING = 4
    RELEASED = 5
    DEAD = 6


class Slot(IntEnum):
    """A timeslot of E1, as its exchange sees the call on it."""

    IDLE = 0
    ARRIVING = 1
    OFFERED = 2
    ACCEPTED = 3
    CONNECTING = 4
    TALKING = 5
    SETUP = 6
    PROCEEDING = 7
    ALERTING = 8
    GONE = 9
    CLEARING = 10
    DOWN = 11


@dataclass(frozen=True, slots=True)
class SlotNow:
    state: Slot
    cause: int
    called: str
    calling: str


@dataclass(frozen=True, slots=True)
class LineNow:
    kind: int
    state: State
    off_hook: bool
    reversed: bool
    script_running: bool
    rings: int
    heard_dbm0: float
    said_dbm0: float


@dataclass(frozen=True, slots=True)
class Statistics:
    ticks: int
    late: int
    lost: int
    late_p50_us: int
    late_p99_us: int
    late_max_us: int
    busy_p50_us: int
    busy_p99_us: int
    busy_total_s: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """20 ms of the streamed lines. Lost: ``untaken`` in time, or given when ``too_many`` waited. Left out so that delay
    stays short: of ``silence``, of ``sound``. ``dry``: how often a line had to wait for its next piece."""

    untaken: int
    too_many: int
    silence: int
    sound: int
    dry: int

    def __sub__(self, before: Pieces) -> Pieces:
        return Pieces(*(getattr(self, name) - getattr(before, name) for name in Pieces.__dataclass_fields__))


@cache
def _declarations() -> FFI:
    ffi = FFI()
    ffi.cdef((SOURCES / "control.h").read_text("utf-8"))
    return ffi


class SimBoard:
    """The board behind a library; open the same path that the driver opens."""

    def __init__(self, library: Path) -> None:
        self._ffi = _declarations()
        self._lib: Any = self._ffi.dlopen(str(library))

    def configure(self, **words: object) -> None:
        """Before the driver starts the board; see docs/boards.md for the words."""
        self._check(self._lib.cysim_configure(" ".join(f"{key}={value}" for key, value in words.items()).encode()))

    def reset(self) -> None:
        self._check(self._lib.cysim_reset())

    def real_time(self, on: bool = True) -> None:
        self._check(self._lib.cysim_real_time(int(on)))

    def step(self, ticks: int = 1) -> int:
        return int(self._check(self._lib.cysim_step(ticks)))

    def run(self, seconds: float) -> None:
        """Let so much of the board's own time go by at once."""
        self.step(round(seconds / TICK))

    def until(self, condition: Callable[[], object], seconds: float, poll: Callable[[], object] | None = None) -> float:
        """Tick by tick until it holds; the board's seconds that it took. Raises ``TimeoutError``."""
        for tick in range(round(seconds / TICK) + 1):
            if poll is not None:
                poll()
            if condition():
                return tick * TICK
            self.step()
        raise TimeoutError(f"not within {seconds} s of the board's time")

    @property
    def now(self) -> float:
        return float(self._lib.cysim_ticks()) * TICK

    @property
    def lines(self) -> int:
        return int(self._lib.cysim_lines())

    def line(self, number: int) -> Line:
        return Line(self, number)

    def stream(self, line: int, on: bool) -> None:
        """Carry this line's sound, or no longer: ``take`` and ``give``."""
        self._check(self._lib.cysim_stream(line, int(on)))

    def take(self, lines: Sequence[int]) -> list[bytes | None]:
        """The next 20 ms of A-law that each of these lines said; ``None``: there is nothing yet."""
        ffi, count = self._ffi, len(lines)
        pieces, got = ffi.new("unsigned char[]", count * PIECE or 1), ffi.new("unsigned char[]", count or 1)
        if not self._lib.cysim_stream_take(ffi.new("int[]", lines), count, pieces, got):
            return [None] * count
        sound = bytes(ffi.buffer(pieces))
        return [sound[n * PIECE : (n + 1) * PIECE] if got[n] else None for n in range(count)]

    def give(self, pieces: Sequence[tuple[int, bytes]]) -> None:
        """20 ms of A-law for each of these lines."""
        lines = self._ffi.new("int[]", [line for line, _ in pieces])
        self._lib.cysim_stream_give(lines, len(pieces), b"".join(piece for _, piece in pieces))

    def pieces(self) -> Pieces:
        """What has become of the sound of all streams."""
        now = self._ffi.new("cysim_stream_counts *")
        self._check(self._lib.cysim_stream_counted(now))
        return Pieces(**{name: getattr(now, name) for name in Pieces.__dataclass_fields__})

    def statistics(self) -> Statistics:
        now = self._ffi.new("cysim_statistics *")
        self._check(self._lib.cysim_statistics_now(now))
        names = Statistics.__dataclass_fields__
        return Statistics(**{name: getattr(now, name) for name in names})

    def clear_statistics(self) -> None:
        self._check(self._lib.cysim_statistics_clear())

    def _check(self, result: int) -> int:
        if result < 0:
            raise SimRefused(self._ffi.string(self._lib.cysim_error()).decode("utf-8", "replace"))
        return result


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and who is at its far end."""

    board: SimBoard
    number: int

    def do(self, script: str) -> None:
        """Run this script at the far end, in place of the one that runs."""
        self.board._check(self.board._lib.cysim_do(self.number, script.encode()))

    def when(self, event: str, script: str) -> None:
        """What the far end does by itself when a number was ``dialled``, or the telephone is ``rung``."""
        self.board._check(self.board._lib.cysim_when(self.number, event.encode(), script.encode()))

    def now(self) -> LineNow:
        ffi = self.board._ffi
        now = ffi.new("cysim_line *")
        self.board._check(self.board._lib.cysim_line_now(self.number, now))
        return LineNow(
            now.kind,
            State(now.state),
            bool(now.off_hook),
            bool(now.reversed),
            bool(now.script_running),
            now.rings,
            now.heard_dbm0,
            now.said_dbm0,
        )

    @property
    def state(self) -> State:
        return self.now().state

    def timeslot(self) -> SlotNow:
        ffi = self.board._ffi
        now = ffi.new("cysim_timeslot *")
        self.board._check(self.board._lib.cysim_timeslot_now(self.number, now))
        called, calling = (bytes(ffi.string(text)).decode("ascii", "replace") for text in (now.called, now.calling))
        return SlotNow(Slot(now.state), now.cause, called, calling)

    def exchange_call(self, called: str, calling: str) -> None:
        """The board's side calls this number by other signalling. Raises ``SimRefused``, as those below."""
        self._move(0, called, calling)

    def exchange_accept(self) -> None:
        self._move(1)

    def exchange_answer(self) -> None:
        self._move(2)

    def exchange_clear(self, cause: int) -> None:
        self._move(3, cause=cause)

    def _move(self, what: int, called: str = "", calling: str = "", cause: int = 16) -> None:
        board, texts = self.board, (called.encode("ascii", "replace"), calling.encode("ascii", "replace"))
        board._check(board._lib.cysim_timeslot_do(self.number, what, *texts, cause))

    def say(self, samples: Sequence[int] | bytes) -> int:
        """Queue what the far end says: 16-bit samples at 8 kHz, a sequence or their bytes; how many were taken."""
        ffi = self.board._ffi
        given = ffi.from_buffer("short[]", samples) if isinstance(samples, bytes) else ffi.new("short[]", samples)
        return self.board._check(self.board._lib.cysim_say(self.number, given, len(given)))

    @property
    def unsaid(self) -> int:
        return self.board._check(self.board._lib.cysim_unsaid(self.number))

    def heard(self, seconds: float = 1.0) -> bytes:
        """What the far end heard of late: 16-bit samples at 8 kHz, in the machine's byte order."""
        ffi = self.board._ffi
        samples = ffi.new("short[]", round(seconds * RATE))
        self.board._check(self.board._lib.cysim_heard(self.number, samples, len(samples)))
        return bytes(ffi.buffer(samples))

    @property
    def dialled(self) -> str:
        return self._text(self.board._lib.cysim_dialled)

    @property
    def keys(self) -> str:
        """Digits that the far end has heard since the call was answered."""
        return self._text(self.board._lib.cysim_keys)

    @property
    def shown(self) -> str:
        """The caller's number on the display of an extension's telephone."""
        return self._text(self.board._lib.cysim_shown)

    def _text(self, ask: Callable[..., int]) -> str:
        text = self.board._ffi.new("char[256]")
        self.board._check(ask(self.number, text, len(text)))
        return bytes(self.board._ffi.string(text)).decode("ascii", "replace")
