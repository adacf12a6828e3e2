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
from cti.domain.switch.terms import Cause


class BoardError(CallyardError):
    """A board or its library does not do what it should; the message says what to check."""

    code = "board.failed"


class LineKind(StrEnum):
    TRUNK = "trunk"
    PRI = "pri"  # a timeslot of an E1 with signalling of its own: who calls, whom, and why a call ended are told
    EXTENSION = "extension"
    RECORDER = "recorder"
    EMPTY = "empty"


OUTSIDE = (LineKind.TRUNK, LineKind.PRI)
"""What callers come in on."""


class Alarm(StrEnum):
    """Why an E1 takes no calls."""

    NONE = ""
    SIGNAL = "signal"  # nothing comes from the far end: is it plugged in?
    D_CHANNEL = "d_channel"  # the signalling is down; calls that are up live on for T309
    HELPER = "helper"  # the process of the signalling is not there


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
class Called:
    """A call came in on a ``PRI`` line, all of its numbers are there; the texts are as they came."""

    line: int
    number: str
    name: str
    dialled: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """The call on a ``PRI`` line was ended by the far side, or could not be made. ``Released`` follows."""

    line: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Released:
    """A ``PRI`` line may be used again."""

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
    """The line is dead (unplugged, out of order), or well again. With an alarm it may live on until its call ends."""

    line: int
    dead: bool
    alarm: Alarm = Alarm.NONE


BoardEvent = (
    Rang
    | NumberRead
    | Progressed
    | FarGone
    | Called
    | Cleared
    | Released
    | Lifted
    | Replaced
    | Flashed
    | Key
    | PlayEnded
    | Fault
)

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
    def on_hook(self, line: int, cause: Cause = Cause.NORMAL) -> None:
        """An analog line cannot say why."""

    def dial(self, line: int, number: str, caller: str = "", hidden: bool = False) -> None:
        """On a trunk that was picked up, or a ``PRI`` line. That one says who calls, ``hidden`` to the network only."""

    def ring(self, line: int, on: bool, caller: str = "") -> None:
        """An extension; off does not change a phone that has been lifted. On a ``PRI`` line: the caller is told."""

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
