"""The dial plan of a board: what each line is for. Read from a document that the site wrote; checked here again.

It must not know the database or the board.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cti.domain.errors import CallyardError

_NUMBER = re.compile(r"[0-9*#]{1,20}")
_DEVICE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_TRUNK = re.compile(r"[A-Za-z0-9_-]{1,40}")
MAX_LINES = 512


class BadPlan(CallyardError):
    """The dial plan of a board is not as it should be; the message names the line and the field."""

    code = "board.plan"


class Hunt(StrEnum):
    """How a free outside line is looked for."""

    FIRST = "first"  # always from the first
    ROUND = "round"  # after the one that was taken last
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class LinePlan:
    """``dialed``: the number that a trunk's callers have dialled. ``device``: whose telephone an extension is."""

    line: int
    dialed: str = ""
    trunk: str = ""
    device: str = ""
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    lines: dict[int, LinePlan] = field(default_factory=dict)
    hunt: Hunt = Hunt.ROUND
    extension_digits: int = 0  # an extension that has dialled as many waits no longer; 0: not known

    def of(self, line: int) -> LinePlan:
        return self.lines.get(line, LinePlan(line))

    def of_device(self, device: str) -> list[int]:
        """The lines of an agent: the telephone that is rung, and others that are only listened to."""
        return [one.line for one in self.lines.values() if one.device == device]

    def trunks(self) -> set[str]:
        return {one.trunk for one in self.lines.values() if one.trunk}


def read_plan(document: dict[str, Any]) -> Plan:
    """Raises ``BadPlan``."""
    lines: dict[int, LinePlan] = {}
    given = document.get("lines", [])
    if not isinstance(given, list) or len(given) > MAX_LINES:
        raise BadPlan(f"lines: a list of at most {MAX_LINES} is wanted")
    for entry in given:
        line = _line(entry)
        if line.line in lines:
            raise BadPlan(f"line {line.line} is there twice")
        lines[line.line] = line
    try:
        hunt = Hunt(document.get("hunt", Hunt.ROUND))
    except ValueError:
        raise BadPlan("hunt: first, round or random is wanted") from None
    digits = document.get("extension_digits", 0)
    if not isinstance(digits, int) or not 0 <= digits <= 20:
        raise BadPlan("extension_digits: 0 to 20 is wanted")
    return Plan(lines, hunt, digits)


def _line(entry: object) -> LinePlan:
    if not isinstance(entry, dict):
        raise BadPlan("a line is no object")
    number = entry.get("line")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < MAX_LINES:
        raise BadPlan(f"line: 0 to {MAX_LINES - 1} is wanted")
    for name, pattern in (("dialed", _NUMBER), ("trunk", _TRUNK), ("device", _DEVICE)):
        text = entry.get(name, "")
        if not isinstance(text, str) or (text and not pattern.fullmatch(text)):
            raise BadPlan(f"line {number}: {name} is not allowed")
    return LinePlan(
        number, entry.get("dialed", ""), entry.get("trunk", ""), entry.get("device", ""), bool(entry.get("blocked"))
    )


def choose(hunt: Hunt, free: Sequence[int], last: int, chance: random.Random, busy: Collection[int] = ()) -> int | None:
    """Which of the free lines of a trunk is taken; ``last`` is the one taken before."""
    left = sorted(line for line in free if line not in busy)
    if not left:
        return None
    if hunt is Hunt.RANDOM:
        return chance.choice(left)
    if hunt is Hunt.ROUND:
        return next((line for line in left if line > last), left[0])
    return left[0]
