"""When the centre works: weekly hours, closed days, days worked in exchange, and an override with an end.

Times are epoch seconds; hours and days are those of the centre's time zone, also across a change of the clocks. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

MINUTES = 24 * 60


class OpenBecause(StrEnum):
    """Why a calendar says open or closed."""

    OVERRIDE = "override"
    CLOSED_DAY = "closed_day"
    HOURS = "hours"
    OUT_OF_HOURS = "out_of_hours"


@dataclass(frozen=True, slots=True)
class Hours:
    """``begin`` up to ``end`` as ``HH:MM`` on ``days`` (1 Monday to 7 Sunday); ``24:00`` is the end of the day.

    An end that is not after the begin is the next day's.
    """

    days: tuple[int, ...]
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Override:
    """Open or closed whatever the hours say, until ``until``."""

    open: bool
    until: float


@dataclass(frozen=True, slots=True)
class DayRange:
    """Dates as ``YYYY-MM-DD``, both included. ``like`` is the weekday whose hours count on days worked in exchange."""

    first: str
    last: str
    like: int = 1


@dataclass(frozen=True, slots=True)
class CalendarConfig:
    """``worked`` beats ``closed``, which beats the weekly hours."""

    id: str
    name: str
    hours: tuple[Hours, ...] = ()
    closed: tuple[DayRange, ...] = ()
    worked: tuple[DayRange, ...] = ()
    override: Override | None = None


def is_open(calendar: CalendarConfig, at: float, zone: tzinfo) -> tuple[bool, OpenBecause]:
    """Whether the calendar is open at a moment, and why."""
    if calendar.override is not None and at < calendar.override.until:
        return calendar.override.open, OpenBecause.OVERRIDE
    now = datetime.fromtimestamp(at, UTC).astimezone(zone)
    today, minute = now.date(), now.hour * 60 + now.minute
    yesterday = today - timedelta(days=1)
    for hours in calendar.hours:
        begin, end = minutes(hours.begin), minutes(hours.end)
        overnight = end <= begin
        if _weekday(calendar, today) in hours.days and begin <= minute and (overnight or minute < end):
            return True, OpenBecause.HOURS
        if overnight and _weekday(calendar, yesterday) in hours.days and minute < end:
            return True, OpenBecause.HOURS
    closed_day = _weekday(calendar, today) == 0
    return False, OpenBecause.CLOSED_DAY if closed_day else OpenBecause.OUT_OF_HOURS


def next_change(calendar: CalendarConfig, at: float, zone: tzinfo, days: int = 15) -> float | None:
    """The next moment at which it is open where it is closed now, or the other way; ``None``: not in so many days."""
    is_it = is_open(calendar, at, zone)[0]
    today = datetime.fromtimestamp(at, UTC).astimezone(zone).date()
    edges = {0} | {minutes(text) for hours in calendar.hours for text in (hours.begin, hours.end)}
    midnights = [datetime.combine(today + timedelta(days=n), time(), zone) for n in range(days)]
    moments = [(midnight + timedelta(minutes=edge)).timestamp() for midnight in midnights for edge in edges]
    moments += [calendar.override.until] if calendar.override is not None else []
    later = (moment for moment in sorted(moments) if moment > at)
    return next((moment for moment in later if is_open(calendar, moment, zone)[0] is not is_it), None)


def minutes(text: str) -> int:
    """``HH:MM`` as minutes since midnight, up to ``24:00``. Raises ``ValueError``."""
    hour, _, minute = text.partition(":")
    if not (len(hour) == len(minute) == 2 and (hour + minute).isdecimal() and (hour + minute).isascii()):
        raise ValueError(f"{text[:20]!r} is not a time as HH:MM")
    value = int(hour) * 60 + int(minute)
    if int(minute) > 59 or value > MINUTES:
        raise ValueError(f"{text[:20]!r} is not a time of the day")
    return value


def _weekday(calendar: CalendarConfig, day: date) -> int:
    """The weekday whose hours count on ``day``; 0 for none."""
    worked = _covering(calendar.worked, day)
    if worked is not None:
        return worked.like
    return 0 if _covering(calendar.closed, day) is not None else day.isoweekday()


def _covering(ranges: Iterable[DayRange], day: date) -> DayRange | None:
    return next((r for r in ranges if r.first <= day.isoformat() <= r.last), None)
