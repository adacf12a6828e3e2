"""Calendars, lists, inbound and outbound rules: from rows to the engine's document. What is no row is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.calendar import CalendarConfig, DayRange, Hours, Override, minutes
from cti.domain.config.routes import InboundRule, NumberList, RouteTarget, TargetKind
from cti.domain.config.ways_out import OutboundRule
from cti.store import models
from cti.store.models import Calendar, ListedNumber

LISTED_MOST = 10_000
"""How many numbers all lists together may hold: they are part of the one document that every engine reads whole."""

Target = Callable[[TargetKind, str], RouteTarget]
_T = TypeVar("_T")


def calendars(session: Session) -> tuple[CalendarConfig, ...]:
    return tuple(calendar_config(row) for row in session.scalars(select(Calendar).order_by(Calendar.id)))


def calendar_config(row: Calendar) -> CalendarConfig:
    override = None if row.override_until is None else Override(row.override_open, row.override_until.timestamp())
    closed, worked = (_read(_days, documents) for documents in (row.closed, row.worked))
    return CalendarConfig(row.id, row.name, _read(_hours, row.hours), closed, worked, override)


def number_lists(session: Session) -> tuple[NumberList, ...]:
    numbers: dict[str, dict[str, float]] = {}
    rows = select(ListedNumber.list_id, ListedNumber.number, ListedNumber.until).order_by(ListedNumber.number)
    for list_id, number, until in session.execute(rows):
        numbers.setdefault(list_id, {})[number] = until.timestamp() if until else 0.0
    lists = session.scalars(select(models.NumberList).order_by(models.NumberList.id))
    return tuple(NumberList(row.id, row.name, numbers.get(row.id, {}), row.do_not_call) for row in lists)


def inbound(session: Session, target: Target) -> tuple[InboundRule, ...]:
    """The rules in use, in their order. ``target`` knows what there is."""
    found = select(models.InboundRule).where(models.InboundRule.active.is_(True))
    ordered = session.scalars(found.order_by(models.InboundRule.order, models.InboundRule.id))
    return tuple(_rule(row, target) for row in ordered)


def _rule(row: models.InboundRule, target: Target) -> InboundRule:
    return InboundRule(
        id=row.id,
        name=row.name,
        target=target(row.target_kind, row.target_id),
        numbers=tuple(row.numbers),
        callers=tuple(row.callers),
        lists=tuple(row.lists),
        when=row.when,
        calendar=row.calendar_id,
        say=row.say,
        priority=row.priority,
    )


def outbound(session: Session) -> tuple[OutboundRule, ...]:
    """The rules in use, in their order."""
    found = select(models.OutboundRule).where(models.OutboundRule.active.is_(True))
    ordered = session.scalars(found.order_by(models.OutboundRule.order, models.OutboundRule.id))
    return tuple(_outbound(row) for row in ordered)


def _outbound(row: models.OutboundRule) -> OutboundRule:
    return OutboundRule(
        id=row.id,
        name=row.name,
        trunks=tuple(row.trunks),
        prefixes=tuple(row.prefixes),
        queues=tuple(row.queues),
        agents=tuple(row.agents),
        order=row.trunk_order,
        caller_number=row.caller_number,
    )


def _hours(document: Mapping[str, Any]) -> Hours:
    begin, end = str(document["begin"]), str(document["end"])
    minutes(begin), minutes(end)
    return Hours(tuple(int(day) for day in document["days"]), begin, end)


def _days(document: Mapping[str, Any]) -> DayRange:
    return DayRange(str(document["first"]), str(document["last"]), int(document.get("like", 1)))


def _read(one: Callable[[Mapping[str, Any]], _T], documents: Iterable[Mapping[str, Any]]) -> tuple[_T, ...]:
    found: list[_T] = []
    for document in documents:
        try:
            found.append(one(document))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return tuple(found)
