"""Opening hours and dates as people write them: ``9-12 13:30-18:00``, ``2026-10-01 - 2026-10-07 National Day``.

Must not know requests, tables or words of a language; what is not understood is given back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cti.domain.calendar import MINUTES, minutes

WHOLE_DAY = ("00:00", "24:00")
_TO = r"\s*(?:-|–|—|~|～|至|到|to|\.\.)\s*"
_CLOCK = r"(\d{1,2})(?:[:：.](\d{2}))?"
_SPAN = re.compile(_CLOCK + _TO + _CLOCK)
_ALL_DAY = re.compile(r"24\s*h|全天", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,;，；、]*")
_DATE = r"(?<!\d)(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?!\d)"
_SHORT = r"(?:(\d{1,2})月)?(\d{1,2})日"
_RANGE = re.compile(f"{_DATE}(?:{_TO}(?:{_DATE}|{_SHORT}))?")

Span = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Days:
    """Dates from ``first`` to ``last``, both included, with what they are."""

    first: date
    last: date
    name: str = ""


def read_spans(text: str) -> list[Span]:
    """Times of one day, in order. Raises ``ValueError`` for what is none."""
    if _ALL_DAY.fullmatch(text.strip()):
        return [WHOLE_DAY]
    found = [(_clock(*match.group(1, 2)), _clock(*match.group(3, 4))) for match in _SPAN.finditer(text)]
    if not _BETWEEN.fullmatch(_SPAN.sub(" ", text)) or any(begin in (end, "24:00") for begin, end in found):
        raise ValueError(text[:40])
    return sorted(set(found))


def write_spans(spans: Iterable[Span]) -> str:
    return " ".join(f"{begin}-{end}" for begin, end in spans)


def by_weekday(hours: Iterable[Mapping[str, Any]]) -> dict[int, list[Span]]:
    """Weekday (1 to 7) to its times, out of a calendar's rows."""
    found: dict[int, list[Span]] = {day: [] for day in range(1, 8)}
    for document in hours:
        for day in document["days"]:
            found[day].append((document["begin"], document["end"]))
    return {day: sorted(spans) for day, spans in found.items()}


def as_hours(days: Mapping[int, Iterable[Span]]) -> list[dict[str, Any]]:
    """The rows of a calendar: days with the same times together."""
    together: dict[Span, list[int]] = {}
    for day in sorted(days):
        for span in days[day]:
            together.setdefault(span, []).append(day)
    return [{"days": together[span], "begin": span[0], "end": span[1]} for span in sorted(together)]


def bars(days: Mapping[int, Iterable[Span]]) -> dict[int, list[tuple[int, int]]]:
    """Weekday to open minutes (begin, length) as they fall on that day; what goes past midnight is the next day's."""
    found: dict[int, list[tuple[int, int]]] = {day: [] for day in range(1, 8)}
    for day, spans in days.items():
        for begin, end in ((minutes(a), minutes(b)) for a, b in spans):
            overnight = end <= begin
            found[day].append((begin, (MINUTES if overnight else end) - begin))
            if overnight and end:
                found[day % 7 + 1].append((0, end))
    return found


def read_dates(text: str) -> tuple[list[Days], list[str]]:
    """Dates and ranges, one or more a line, the rest of a line being their name; and the lines without any."""
    found: list[Days] = []
    wrong: list[str] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name = _RANGE.sub(" ", line).strip(" \t,;:，；：、|-")[:64]
        try:
            here = [_days(match, name) for match in _RANGE.finditer(line)]
        except ValueError:
            here = []
        found += here
        wrong += [] if here else [line]
    return found, wrong


def _days(match: re.Match[str], name: str) -> Days:
    first = _date(*match.group(1, 2, 3, 4, 5))
    last = first
    if match.group(6):
        last = _date(*match.group(6, 7, 8, 9, 10))
    elif match.group(12):
        last = date(first.year, int(match.group(11) or first.month), int(match.group(12)))
    if last < first:
        raise ValueError(match.group())
    return Days(first, last, " ".join(name.split()))


def _date(year: str, *parts: str | None) -> date:
    month, day = (int(part) for part in parts if part)
    return date(int(year), month, day)


def _clock(hour: str, minute: str | None) -> str:
    text = f"{int(hour):02d}:{minute or '00'}"
    minutes(text)
    return text
