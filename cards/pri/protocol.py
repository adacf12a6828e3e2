"""The lines that a helper of one D channel and its host exchange: read strictly, written from whole numbers and digits.

A line is a word and ``key=value`` words, texts with ``%41`` for what is not plain. docs/boards.md has the table. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from cti.domain.errors import CallyardError

LONGEST = 1024
_WORD = re.compile(r"[a-z]{1,12}")
_VALUE = re.compile(r"[A-Za-z0-9*#+._%-]*")
_DIGITS = re.compile(r"[0-9*#]*")
_LARGEST = 2_000_000_000


class BadLine(CallyardError):
    """What came is no line of the protocol: the helper is not what it should be."""

    code = "pri.line"


class Stage(StrEnum):
    """How far a call is that we make."""

    MORE = "more"  # the far side takes digits one by one
    PROCEEDING = "proceeding"
    PROGRESS = "progress"
    RINGING = "ringing"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Up:
    """The D channel works."""


@dataclass(frozen=True, slots=True)
class Down:
    """The D channel is lost. Calls that are up live on for T309."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The far side calls. ``slot`` 0: any. ``complete`` false: more digits may come."""

    call: int
    slot: int
    exclusive: bool
    hidden: bool
    complete: bool
    caller: str
    called: str
    name: str


@dataclass(frozen=True, slots=True)
class Digits:
    call: int
    digits: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Reached:
    call: int
    slot: int
    stage: Stage
    inband: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """By the far side or by a timer; ``cause`` is of Q.850. ``Freed`` follows."""

    call: int
    cause: int


@dataclass(frozen=True, slots=True)
class Freed:
    """Nothing is left of the call, its timeslot may be used again."""

    call: int


@dataclass(frozen=True, slots=True)
class Restarted:
    """A timeslot (0: all) is idle again, by the far side's wish or by ours."""

    slot: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """libpri's own words, or what it could not make of a request."""

    text: str


Told = Up | Down | Setup | Digits | Reached | Ended | Freed | Restarted | Trouble


class _Words:
    def __init__(self, verb: str, words: list[str]) -> None:
        self.verb = verb
        self._values: dict[str, str] = {}
        for word in words:
            key, equals, value = word.partition("=")
            if not (equals and _WORD.fullmatch(key) and _VALUE.fullmatch(value)) or key in self._values:
                raise BadLine(f"{verb}: {word[:40]!r} is no word of a line")
            self._values[key] = value

    def _value(self, key: str) -> str:
        try:
            return self._values[key]
        except KeyError:
            raise BadLine(f"{self.verb}: {key} is missing") from None

    def number(self, key: str, most: int = _LARGEST) -> int:
        value = self._value(key)
        if not (value.isascii() and value.isdigit() and len(value) <= 10 and int(value) <= most):
            raise BadLine(f"{self.verb}: {key} is not a number of at most {most}")
        return int(value)

    def flag(self, key: str) -> bool:
        return bool(self.number(key, 1))

    def text(self, key: str) -> str:
        """Any text; it comes from outside."""
        return "".join(c for c in unquote(self._value(key), "utf-8", "replace") if c.isprintable())[:128]

    def stage(self) -> Stage:
        try:
            return Stage(self._value("what"))
        except ValueError:
            raise BadLine(f"{self.verb}: {self._value('what')[:20]!r} is no stage of a call") from None


_READERS: dict[str, Callable[[_Words], Told]] = {
    "up": lambda _: Up(),
    "down": lambda _: Down(),
    "setup": lambda w: Setup(
        w.number("call"),
        w.number("slot", 31),
        w.flag("exclusive"),
        w.flag("hidden"),
        w.flag("complete"),
        w.text("caller"),
        w.text("called"),
        w.text("name"),
    ),
    "digits": lambda w: Digits(w.number("call"), w.text("digits"), w.flag("complete")),
    "progress": lambda w: Reached(w.number("call"), w.number("slot", 31), w.stage(), w.flag("inband")),
    "cleared": lambda w: Ended(w.number("call"), w.number("cause", 127)),
    "released": lambda w: Freed(w.number("call")),
    "restart": lambda w: Restarted(w.number("slot", 31)),
    "restarted": lambda w: Restarted(w.number("slot", 31)),
    "trouble": lambda w: Trouble(w.text("text")),
    "refused": lambda w: Trouble(w.text("text")),
}


def read(line: bytes) -> Told:
    """Raises ``BadLine``."""
    try:
        verb, *words = line.decode("ascii").split(" ")
    except UnicodeDecodeError:
        raise BadLine("a line of other characters") from None
    reader = _READERS.get(verb)
    if reader is None:
        raise BadLine(f"unknown line {verb[:20]!r}")
    return reader(_Words(verb, words))


class Lines:
    """Puts lines together from pieces that come as they like."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> list[Told]:
        """Raises ``BadLine``."""
        *whole, self._held = (self._held + piece).split(b"\n")
        if any(len(line) > LONGEST for line in (*whole, self._held)):
            raise BadLine(f"a line of more than {LONGEST} octets")
        return [read(line) for line in whole]


def request(verb: str, **words: int | str) -> bytes:
    """What the host asks. Raises ``ValueError`` for a text that is not digits."""
    parts = [verb]
    for key, value in words.items():
        if isinstance(value, str) and not _DIGITS.fullmatch(value):
            raise ValueError(f"{key}: digits only")
        parts.append(f"{key}={int(value) if not isinstance(value, str) else value}")
    return " ".join(parts).encode("ascii") + b"\n"
