"""How satisfied callers say they are after the call: by day, month, queue and agent. A rating counts for the agent who
talked last, on the day it was given; who was asked and gave none counts as asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session

from cti.store.models import Agent, Call, Queue, User
from webui.common.labels import LABELS
from webui.reports.filters import Filters
from webui.reports.registry import NOT_STATED, Column, Figures, Report, Row, percent, register

RATINGS = {1: "very", 2: "satisfied", 3: "unsatisfied"}
COUNTED = ("asked", *RATINGS.values())
Sum = tuple[Any, int | None, int]  # value, rating, how many


def conditions(filters: Filters) -> list[Any]:
    found: list[Any] = [Call.surveyed_at >= filters.begin, Call.surveyed_at < filters.end, Call.test.is_(False)]
    if filters.queue:
        found.append(Call.queue_id == filters.queue)
    if filters.agents is not None:
        found.append(Call.rated_agent_id.in_(sorted(filters.agents)))
    people = select(Agent.id).join(User, User.id == Agent.user_id)
    if filters.agent:
        found.append(Call.rated_agent_id.in_(people.where(User.id == filters.agent)))
    if filters.department:
        found.append(Call.rated_agent_id.in_(people.where(User.department_id == filters.department)))
    return found


def summed(session: Session, filters: Filters, value: Any) -> Iterator[Sum]:
    query = select(value, Call.rating, func.count()).where(*conditions(filters)).group_by(value, Call.rating)
    for key, rating, count in session.execute(query):
        yield key, rating, int(count)


def folded(sums: Iterator[Sum], key: Callable[[Any], str]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for value, rating, count in sums:
        mine = found.setdefault(key(value), Counter())
        mine["asked"] += count
        if rating in RATINGS:
            mine[RATINGS[rating]] += count
    return found


def figures(counted: Counter[str]) -> Figures:
    return {name: counted[name] for name in COUNTED}


# ---------------------------------------------------------------- groups


def by_day(session: Session, filters: Filters) -> list[Row]:
    """Every day of the period up to today, also those on which nobody was asked."""
    found = of_days(session, filters, str)
    last = min(filters.until, datetime.now(ZoneInfo(filters.zone)).date())
    days = [str(filters.since + timedelta(days=n)) for n in range((last - filters.since).days + 1)]
    shown = sorted({*found, *days}) if found and len(days) <= 400 else sorted(found)
    return [Row(day, figures(found.get(day, Counter()))) for day in shown]


def by_month(session: Session, filters: Filters) -> list[Row]:
    found = of_days(session, filters, lambda day: f"{day:%Y-%m}")
    return [Row(month, figures(found[month])) for month in sorted(found)]


def of_days(session: Session, filters: Filters, key: Callable[[date], str]) -> dict[str, Counter[str]]:
    """By what ``key`` makes of the day of the user's zone."""
    zone = ZoneInfo(filters.zone)
    if session.get_bind().dialect.name == "postgresql":
        return folded(summed(session, filters, cast(func.timezone(filters.zone, Call.surveyed_at), Date)), key)
    minutes = summed(session, filters, func.substr(Call.surveyed_at, 1, 16))  # since SQLite knows no zones
    return folded(minutes, lambda text: key(datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone).date()))


def by_queue(session: Session, filters: Filters) -> list[Row]:
    names = {row[0]: row[1] for row in session.execute(select(Queue.id, Queue.name))}
    return most_first(summed(session, filters, Call.queue_id), names)


def by_agent(session: Session, filters: Filters) -> list[Row]:
    people = select(Agent.id, Agent.number, User.name).join(User, User.id == Agent.user_id)
    names = {row[0]: f"{row[1]} {row[2]}" for row in session.execute(people)}
    return most_first(summed(session, filters, Call.rated_agent_id), names)


def most_first(sums: Iterator[Sum], names: dict[str, str]) -> list[Row]:
    found = folded(sums, lambda value: names.get(value, value) or str(NOT_STATED))
    rows = [Row(label, figures(counted)) for label, counted in found.items()]
    return sorted(rows, key=lambda row: (-row.figures["asked"], row.label))


GROUPED: dict[str, Callable[[Session, Filters], list[Row]]] = {
    "day": by_day,
    "month": by_month,
    "queue": by_queue,
    "agent": by_agent,
}


def satisfaction(session: Session, filters: Filters) -> list[Row]:
    return GROUPED[filters.group](session, filters)


# ---------------------------------------------------------------- figures


def answers(row: Figures) -> int:
    return int(sum(row[name] for name in RATINGS.values()))


def average(row: Figures) -> float | None:
    """1 is the best, 3 the worst."""
    points = sum(rating * row[name] for rating, name in RATINGS.items())
    return points / answers(row) if answers(row) else None


def content(row: Figures) -> float | None:
    return (row["very"] + row["satisfied"]) * 100 / answers(row) if answers(row) else None


WORDS = LABELS["rating"]
SATISFACTION = register(
    Report(
        name="satisfaction",
        title=_("Satisfaction"),
        groups={"day": _("Day"), "month": _("Month"), "queue": _("Queue"), "agent": _("Agent")},
        filters=("agent", "department", "queue"),
        columns=(
            Column("asked", lazy_pgettext("survey", "Asked")),
            *(Column(name, WORDS[str(rating)]) for rating, name in RATINGS.items()),
            Column("answers", lazy_pgettext("survey", "Answers"), of=answers),
            Column("answered", _("Gave an answer"), "percent", percent("answers", "asked")),
            Column("content", _("Satisfied or better"), "percent", content),
            Column("average", _("Average (1 is best)"), "ratio", average),
        ),
        run=satisfaction,
        charted=tuple(RATINGS.values()),
    )
)
