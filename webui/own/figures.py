"""An agent's own days: the time in each state, calls, and a drawing of them. Must not know databases or requests.

Days begin at midnight of the centre's zone; a stretch over midnight counts for both days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

KINDS = {
    "talking": "talk",
    "hold": "hold",
    "workingAfterCall": "wrapup",
    "ready": "ready",
    "notReady": "busy",
    "reserved": "ringing",
    "alerting": "ringing",
}
DRAWN = ("talk", "hold", "wrapup")
DAYS = 7
HEIGHT = 90.0
STEP = 60


@dataclass(frozen=True)
class Stretch:
    """Aware times; ``state`` as in the agent document."""

    state: str
    began: datetime
    ended: datetime


@dataclass
class Figures:
    """Seconds by kind of state, and calls that were answered."""

    seconds: Counter[str] = field(default_factory=Counter)
    inbound: int = 0
    outbound: int = 0
    types: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        return self.inbound + self.outbound

    @property
    def handling(self) -> float:
        """Seconds of talking, holding and wrap-up."""
        return float(sum(self.seconds[kind] for kind in DRAWN))

    @property
    def average(self) -> float | None:
        """Seconds of handling a call."""
        return self.handling / self.calls if self.calls else None

    @property
    def occupancy(self) -> float | None:
        """Handling as a share of handling and waiting for calls; time not ready is left out."""
        on = self.handling + self.seconds["ready"]
        return self.handling / on if on else None

    def add(self, other: Figures) -> None:
        self.seconds += other.seconds
        self.types += other.types
        self.inbound += other.inbound
        self.outbound += other.outbound


def midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def last_days(today: date) -> list[date]:
    return [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def by_day(stretches: Iterable[Stretch], today: date, zone: tzinfo) -> dict[date, Figures]:
    """The last days up to ``today``, with the time in each state."""
    days = {day: Figures() for day in last_days(today)}
    edges = [(day, midnight(day, zone), midnight(day + timedelta(days=1), zone)) for day in days]
    for stretch in stretches:
        kind = KINDS.get(stretch.state)
        for day, begin, end in edges:
            inside = (min(stretch.ended, end) - max(stretch.began, begin)).total_seconds()
            if kind and inside > 0:
                days[day].seconds[kind] += inside  # type: ignore[assignment]
    return days


def total(days: dict[date, Figures], since: date) -> Figures:
    found = Figures()
    for day, figures in days.items():
        if day >= since:
            found.add(figures)
    return found


@dataclass(frozen=True)
class Bar:
    x: int
    y: float
    height: float
    kind: str
    seconds: float


@dataclass(frozen=True)
class Chart:
    """``hours`` is the height of the drawing."""

    hours: int
    bars: list[Bar]
    days: list[tuple[int, date, Figures]]


def draw(days: dict[date, Figures]) -> Chart:
    """A column a day: talking at the bottom, then hold, then wrap-up."""
    most = max((figures.handling for figures in days.values()), default=0.0)
    hours = max(1, -int(-most // 3600))
    bars, places = [], []
    for at, (day, figures) in enumerate(days.items()):
        x, y = at * STEP, HEIGHT
        places.append((x, day, figures))
        for kind in DRAWN:
            height = figures.seconds[kind] / (hours * 3600) * HEIGHT
            y -= height
            if height:
                bars.append(Bar(x, round(y, 1), round(height, 1), kind, figures.seconds[kind]))
    return Chart(hours, bars, places)
