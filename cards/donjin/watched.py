"""Lines that recording channels hang on: their hook by the voltage, as nothing of them is ours to ask for otherwise.

Two looks must agree: while a contact moves, or the polarity turns, the voltage is anything for a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cards.donjin import rings
from cards.host.board import BoardEvent, Fault, Lifted, Replaced
from cards.host.library import Library

EVERY = 5  # rounds
LIFTED_BELOW = 24  # volts: an idle line has about 48, a lifted one about 9


class Hook(Enum):
    DOWN = "down"
    UP = "up"
    DEAD = "dead"


@dataclass(slots=True)
class Watched:
    hook: Hook = Hook.DOWN
    seen: Hook = Hook.DOWN
    rung: rings.Rung = field(default_factory=rings.Rung)


def look(lib: Library, ch: int, line: Watched, round_number: int, found: list[BoardEvent]) -> None:
    """What happened on the line since the last round; its digits are asked for by whoever calls."""
    if line.hook is Hook.DOWN:
        rings.look(lib, ch, line.rung, found)
    if round_number % EVERY:
        return
    before, line.seen = line.seen, _hook(int(lib.D080D_GetVoltageValue(ch)))
    if line.seen is not before or line.seen is line.hook:
        return
    if Hook.DEAD in (line.seen, line.hook):
        found.append(Fault(ch, line.seen is Hook.DEAD))
    if line.seen is Hook.UP:
        lib.InitDtmfBuf(ch)
        found.append(Lifted(ch))
    elif line.hook is Hook.UP:
        line.rung = rings.Rung()
        lib.ResetCallerIDBuffer(ch)
        found.append(Replaced(ch))
    line.hook = line.seen


def _hook(volts: int) -> Hook:
    if volts == 0:
        return Hook.DEAD
    return Hook.UP if volts < LIFTED_BELOW else Hook.DOWN
