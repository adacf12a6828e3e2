"""What the host asks of a board, and what a board tells it: the same for every vendor.

A driver (``cards.donjin``, ``cards.synway``) implements ``Board`` on its library. All calls come from one thread and
return at once. Channels are the library's own numbers, from 0. It must not know calls, agents or the bus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cti.domain.errors import CallyardError


class BoardError(CallyardError):
    """A board or its library does not do what it should; the message says what to check."""

    code = "board.failed"


class LineKind(StrEnum):
    TRUNK = "trunk"
    EXTENSION = "extension"
    RECORDER = "recorder"
    EMPTY = "empty"


class Tone(StrEnum):
    NONE = "none"
    DIAL = "dial"
    BUSY = "busy"


class Progress(StrEnum):
    """What a dialled trunk reports."""

    SENT = "sent"
    RINGBACK = "ringback"
    CONNECTED = "connected"
    NO_DIAL_TONE = "no_dial_tone"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NO_SIGNAL = "no_signal"


# ---------------------------------------------------------------- what a board tells


@dataclass(frozen=True, slots=True)
class Rang:
    """A trunk began to ring, once for each ring."""

    line: int


@dataclass(frozen=True, slots=True)
class NumberRead:
    """Caller-id of a trunk; both texts are as they came. Empty: it could not be read."""

    line: int
    number: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Progressed:
    line: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class FarGone:
    """Busy tone, or whatever else tells on a trunk that the far side has hung up."""

    line: int


@dataclass(frozen=True, slots=True)
class Lifted:
    line: int


@dataclass(frozen=True, slots=True)
class Replaced:
    line: int


@dataclass(frozen=True, slots=True)
class Flashed:
    line: int


@dataclass(frozen=True, slots=True)
class Key:
    line: int
    digit: str


@dataclass(frozen=True, slots=True)
class PlayEnded:
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The line is dead (unplugged, out of order), or well again."""

    line: int
    dead: bool


BoardEvent = Rang | NumberRead | Progressed | FarGone | Lifted | Replaced | Flashed | Key | PlayEnded | Fault

Hearing = Mapping[int, frozenset[int]]
"""By line: the lines that it hears."""


class Board(Protocol):
    vendor: str
    whispers: bool  # it can let one of several who talk hear what the others do not
    names: bool  # caller-id gives the caller's name too

    def open(self) -> list[LineKind]:
        """Start the library; what each channel is. Raises ``BoardError``."""

    def close(self) -> None: ...

    def poll(self) -> list[BoardEvent]:
        """Give the library its time and fetch what happened. Raises ``BoardError`` when the board is lost."""

    def pick_up(self, line: int) -> None: ...
    def on_hook(self, line: int) -> None: ...
    def dial(self, line: int, number: str) -> None:
        """On a trunk that was picked up."""

    def ring(self, line: int, on: bool, caller: str = "") -> None:
        """An extension; off does not change a phone that has been lifted."""

    def tone(self, line: int, tone: Tone) -> None: ...
    def play(self, line: int, file: Path) -> None:
        """A raw A-law file. Raises ``BoardError``; the end is told by ``PlayEnded``."""

    def stop_play(self, line: int) -> None: ...
    def record(self, line: int, file: Path) -> None:
        """What the line says, as raw A-law."""

    def stop_record(self, line: int) -> None: ...
    def send_digits(self, line: int, digits: str) -> None: ...
    def connect(self, hearing: Hearing) -> None:
        """Make exactly these lines hear each other, and no others. Raises ``BoardError`` for what it cannot."""

    def level(self, line: int) -> float | None:
        """Of what comes in, in dBm0; ``None``: the board does not tell."""
