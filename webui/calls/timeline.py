"""A call's legs as rectangles on a time line, for an SVG. Pure: rows in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cti.store.models import Call, CallLeg

WIDTH = 1300
LEFT = 190
ROW = 24
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


@dataclass(frozen=True)
class Bar:
    """``kind`` is ``ring`` or ``talk``; ``x`` and ``width`` in units of the drawing, ``seconds`` for the title."""

    kind: str
    x: float
    width: float
    seconds: float


@dataclass(frozen=True)
class Lane:
    leg: CallLeg
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Timeline:
    width: int
    height: int
    left: int
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, int], ...]  # x, seconds since the start


def draw(call: Call, legs: Sequence[CallLeg], now: datetime) -> Timeline:
    """The drawing from the first ring to the end, or to ``now`` while the call lasts."""
    start, end = call.created_at, max([call.ended_at or now, *[leg.ended_at or call.created_at for leg in legs]])
    whole = max(1.0, (end - start).total_seconds())
    scale = (WIDTH - LEFT - 10) / whole

    def place(moment: datetime) -> float:
        return LEFT + min(whole, max(0.0, (moment - start).total_seconds())) * scale

    def bar(kind: str, a: datetime, b: datetime) -> Bar:
        seconds = max(0.0, (b - a).total_seconds())
        return Bar(kind, round(place(a), 1), round(max(1.5, place(b) - place(a)), 1), seconds)

    lanes = []
    for at, leg in enumerate(legs):
        last = leg.ended_at or (call.ended_at or now)
        bars = [bar("ring", leg.created_at, leg.answered_at or last)]
        if leg.answered_at is not None:
            bars.append(bar("talk", leg.answered_at, last))
        lanes.append(Lane(leg, 24 + at * ROW, tuple(bars)))
    return Timeline(WIDTH, 24 + max(1, len(legs)) * ROW + 6, LEFT, tuple(lanes), ticks(whole, scale))


def ticks(whole: float, scale: float) -> tuple[tuple[float, int], ...]:
    """At most ten marks at round distances."""
    step = next((t for t in TICKS if whole / t <= 10), TICKS[-1])
    return tuple((round(LEFT + s * scale, 1), s) for s in range(0, int(whole) + 1, step))
