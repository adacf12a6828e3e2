"""Recordings on two tracks from a board that records one line a file: left what the line says, right what it hears.

Each line that is on some tape is recorded by the board into a file of its own (a *tap*); which taps, prompts and
silences make up a track is kept as spans of time, and the tape is written along while the call goes on. Times are in
samples of the host's clock. It must not know calls or the bus.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from cards.host.board import BoardError, Hearing
from cards.host.sound import RATE, Samples, from_alaw

CHUNK = 8 * RATE  # the most that is put together at once


class Recorder(Protocol):
    def record(self, line: int, file: Path) -> None: ...
    def stop_record(self, line: int) -> None: ...


class Source(Protocol):
    def until(self) -> int | None:
        """The sample up to which there is sound now; ``None``: as far as one wants."""

    def read(self, begin: int, end: int) -> Samples: ...


@dataclass(slots=True, eq=False)
class Tap:
    """What one line says, from ``begin`` on. Raw A-law that grows while ``open``."""

    line: int
    path: Path
    begin: int
    open: bool = True

    def until(self) -> int | None:
        return self.begin + _size(self.path) if self.open else None

    def read(self, begin: int, end: int) -> Samples:
        first = max(begin - self.begin, 0)
        return _padded(self.path, first, end - self.begin - first, lead=max(self.begin - begin, 0))


@dataclass(slots=True, eq=False)
class Clip:
    """A prompt that is played to a line; music comes round again."""

    path: Path
    begin: int
    loop: bool = False

    def until(self) -> int | None:
        return None

    def read(self, begin: int, end: int) -> Samples:
        size = _size(self.path)
        if not self.loop or size == 0:
            return _padded(self.path, begin - self.begin, end - begin)
        whole = from_alaw(self.path.read_bytes())
        return whole[(np.arange(begin, end) - self.begin) % size]


@dataclass(slots=True)
class Span:
    source: Source
    begin: int
    end: int | None = None


@dataclass(slots=True)
class Tape:
    line: int
    path: Path
    position: int
    both: bool = False  # the line carries both directions: they are on both tracks
    says: list[Span] = field(default_factory=list)
    hears: list[Span] = field(default_factory=list)
    pauses: list[tuple[int, int | None]] = field(default_factory=list)

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None


class Tapes:
    def __init__(self, recorder: Recorder, folder: Path, clock: Callable[[], float]) -> None:
        self._recorder, self._folder, self._clock = recorder, folder, clock
        self._tapes: dict[str, Tape] = {}
        self._taps: dict[int, Tap] = {}
        self._playing: dict[int, Clip] = {}
        self._hearing: dict[int, frozenset[int]] = {}
        self._count = itertools.count(1)

    def start(self, recording: str, line: int, path: Path, both: bool = False) -> None:
        """Raises ``OSError`` or ``BoardError``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        tape = self._tapes[recording] = Tape(line, path, self._now(), both)
        try:
            tape.says.append(self._span(self._tap(line)))
            self._hears_anew(tape)
        except (OSError, BoardError):
            del self._tapes[recording]
            self._close_unused()
            raise

    def stop(self, recording: str) -> None:
        """The file is complete when this returns."""
        tape = self._tapes.pop(recording, None)
        if tape is None:
            return
        try:
            for line in {span.source.line for span in _spans(tape) if isinstance(span.source, Tap)}:
                self._turn_over(line)
            self._write(tape, self._now())
        finally:
            self._close_unused()

    def pause(self, recording: str, paused: bool) -> None:
        tape = self._tapes[recording]
        if paused and not tape.paused:
            tape.pauses.append((self._now(), None))
        elif not paused and tape.paused:
            tape.pauses[-1] = (tape.pauses[-1][0], self._now())

    def clean(self) -> None:
        """Take away what a process before this one has left."""
        self._close_unused()

    def hearing(self, hearing: Hearing) -> None:
        """These lines hear each other from now on."""
        before, self._hearing = self._hearing, dict(hearing)
        for tape in self._tapes.values():
            if before.get(tape.line) != self._hearing.get(tape.line):
                self._hears_anew(tape)
        self._close_unused()

    def playing(self, line: int, file: Path | None, loop: bool = False) -> None:
        """This prompt is played to the line from now on; ``None``: none."""
        if file is None:
            if self._playing.pop(line, None) is None:
                return
        else:
            self._playing[line] = Clip(file, self._now(), loop)
        for tape in self._tapes.values():
            if tape.line == line:
                self._hears_anew(tape)

    def advance(self) -> None:
        """Write what is known by now."""
        for tape in self._tapes.values():
            known = [until for span in (*tape.says, *tape.hears) if (until := span.source.until()) is not None]
            self._write(tape, min([self._now(), *known]))

    # ------------------------------------------------------------ inside

    def _now(self) -> int:
        return int(self._clock() * RATE)

    def _tap(self, line: int) -> Tap:
        tap = self._taps.get(line)
        if tap is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tap = Tap(line, self._folder / f"line{line}-{next(self._count)}.al", self._now())
            self._recorder.record(line, tap.path)
            self._taps[line] = tap
        return tap

    def _span(self, source: Source) -> Span:
        return Span(source, self._now())

    def _hears_anew(self, tape: Tape) -> None:
        _end(tape.hears, self._now())
        heard = {tape.line} if tape.both else self._hearing.get(tape.line, frozenset())
        sources: list[Source] = [self._tap(line) for line in sorted(heard)]
        if tape.line in self._playing:
            sources.append(self._playing[tape.line])
        tape.hears.extend(self._span(source) for source in sources)

    def _turn_over(self, line: int) -> None:
        """End the line's file, so that all of it can be read, and go on in another where it is wanted."""
        old = self._taps.get(line)
        if old is None:
            return
        self._end_tap(old)
        for tape in self._tapes.values():
            for spans in (tape.says, tape.hears):
                if any(span.source is old and span.end is None for span in spans):
                    for span in spans:
                        if span.source is old:
                            span.end = span.end or self._now()
                    spans.append(self._span(self._tap(line)))

    def _end_tap(self, tap: Tap) -> None:
        del self._taps[tap.line]
        try:
            self._recorder.stop_record(tap.line)
        finally:
            tap.open = False

    def _close_unused(self) -> None:
        """End what nobody records any more; take away files that are on their tapes."""
        wanted = {id(span.source) for tape in self._tapes.values() for span in _spans(tape) if span.end is None}
        for tap in list(self._taps.values()):
            if id(tap) not in wanted:
                self._end_tap(tap)
        named = {span.source.path for tape in self._tapes.values() for span in _spans(tape)
                 if isinstance(span.source, Tap)}  # fmt: skip
        if self._folder.exists():
            for file in self._folder.glob("line*.al"):
                if file not in named:
                    file.unlink(missing_ok=True)

    def _write(self, tape: Tape, until: int) -> None:
        while tape.position < until:
            end = min(until, tape.position + CHUNK)
            both = np.zeros((end - tape.position, 2), dtype="<i2")
            both[:, 0] = _mixed(tape.says, tape.position, end)
            both[:, 1] = _mixed(tape.hears, tape.position, end)
            for begin, over in tape.pauses:
                both[max(begin - tape.position, 0) : max((over or end) - tape.position, 0)] = 0
            with tape.path.open("ab") as file:
                file.write(both.tobytes())
            tape.position = end
        for spans in (tape.says, tape.hears):
            spans[:] = [span for span in spans if span.end is None or span.end > tape.position]


def _spans(tape: Tape) -> Iterable[Span]:
    return (*tape.says, *tape.hears)


def _end(spans: list[Span], now: int) -> None:
    for span in spans:
        span.end = span.end or now


def _mixed(spans: Iterable[Span], begin: int, end: int) -> Samples:
    total = np.zeros(end - begin, dtype=np.int32)
    for span in spans:
        first, last = max(begin, span.begin), min(end, span.end if span.end is not None else end)
        if first < last:
            total[first - begin : last - begin] += span.source.read(first, last)
    return np.clip(total, -32768, 32767).astype(np.int16)


def _padded(path: Path, first: int, count: int, lead: int = 0) -> Samples:
    """``count`` samples from ``first``, silence where there are none."""
    found = np.zeros(lead + max(count, 0), dtype=np.int16)
    try:
        with path.open("rb") as file:
            file.seek(max(first, 0))
            data = from_alaw(file.read(max(count, 0)))
    except OSError:
        return found
    found[lead : lead + len(data)] = data
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
