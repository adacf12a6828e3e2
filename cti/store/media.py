"""Airings: which one a call or an order comes from, what is put on the air, what it brought.

A call belongs to the airing on its number that began last, up to ``AFTER`` past its end. Must not know pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.orm import Session, aliased

from cti.domain.errors import CallyardError
from cti.store.models import Airing, Call, Counter, Medium, Order
from cti.store.numbers import next_number

AFTER = timedelta(hours=2)
SERIES = "airing"


class AiringsOverlap(CallyardError):
    """On ``dnis`` the airing ``number`` (``programme``) is shown at that time already."""

    code = "airing.overlap"


def airing_of(session: Session, dnis: str, at: datetime) -> Airing | None:
    """The airing that a call to ``dnis`` at ``at`` answers, if any."""
    if not dnis:
        return None
    begun = select(Airing).where(Airing.dnis == dnis, Airing.starts_at <= at)
    found = session.scalars(begun.order_by(Airing.starts_at.desc()).limit(1)).first()
    return found if found is not None and at < found.counts_until else None


def save(session: Session, airing: Airing) -> Airing:
    """Put a new or changed airing into the plan, one after the other. Raises ``AiringsOverlap``."""
    airing.counts_until = airing.ends_at + AFTER
    with session.no_autoflush:
        if not airing.number:
            airing.number = next_number(session.connection(), SERIES)
        else:
            lock(session)
        same_time = (Airing.dnis == airing.dnis, Airing.starts_at < airing.ends_at, Airing.ends_at > airing.starts_at)
        others = select(Airing).where(*same_time, Airing.number != airing.number)
        other = session.scalars(others.order_by(Airing.starts_at).limit(1)).first()
    if other is not None:
        raise AiringsOverlap(
            f"{other.number} {other.programme}",
            dnis=airing.dnis,
            number=other.number,
            programme=other.programme,
            starts_at=other.starts_at.isoformat(),
        )
    session.add(airing)
    session.flush()
    return airing


def lock(session: Session) -> None:
    """Nobody else plans until this transaction ends. On SQLite it also begins it: a savepoint alone would not."""
    session.execute(update(Counter).where(Counter.name == SERIES).values(value=Counter.value))


def between(session: Session, since: datetime, until: datetime) -> Sequence[Airing]:
    """Airings that begin in the time, in its order."""
    begun = select(Airing).where(Airing.starts_at >= since, Airing.starts_at < until)
    return session.scalars(begun.order_by(Airing.starts_at, Airing.number)).unique().all()


def media(session: Session, *, active: bool = False) -> Sequence[Medium]:
    query = select(Medium).order_by(Medium.active.desc(), Medium.name)
    return session.scalars(query.where(Medium.active) if active else query).all()


# ---------------------------------------------------------------- what they brought


def calls_of(session: Session, airings: Select[*tuple[Any, ...]]) -> dict[int, int]:
    """How many calls each airing whose id ``airings`` selects brought; those without any are left out."""
    counted = select(Airing.id, func.count()).join(Call, answers()).where(Airing.id.in_(airings)).group_by(Airing.id)
    return {row[0]: row[1] for row in session.execute(counted)}


def call_times(session: Session, airing_id: int) -> list[datetime]:
    """When the calls of one airing came."""
    came = select(Call.created_at).join(Airing, answers()).where(Airing.id == airing_id)
    return list(session.scalars(came.order_by(Call.created_at)))


def order_times(session: Session, airing_id: int, seen: ColumnElement[bool] | None = None) -> list[datetime]:
    """When its orders were taken, those of the condition ``seen`` if there is one."""
    taken = select(Order.created_at).where(Order.airing_id == airing_id)
    return list(session.scalars((taken if seen is None else taken.where(seen)).order_by(Order.created_at)))


def answers() -> ColumnElement[bool]:
    """A call that an airing brought: on its number, in its time, before the next one's."""
    later = aliased(Airing)
    following = (
        select(func.min(later.starts_at))
        .where(later.dnis == Airing.dnis, later.starts_at > Airing.starts_at)
        .correlate(Airing)
        .scalar_subquery()
    )
    end = func.coalesce(following, Airing.counts_until)
    in_time = and_(Call.created_at >= Airing.starts_at, Call.created_at < Airing.counts_until, Call.created_at < end)
    return and_(Call.dnis == Airing.dnis, in_time, Call.direction == "inbound", Call.test.is_(False))


def by_minute(times: Sequence[datetime], start: datetime, most: int = 180) -> list[int]:
    """How many of ``times`` fall into each minute after ``start``, up to the last one with any."""
    minutes = [int((at - start).total_seconds() // 60) for at in times]
    counted = [0] * min(most, max(minutes, default=-1) + 1)
    for minute in minutes:
        if 0 <= minute < len(counted):
            counted[minute] += 1
    return counted
