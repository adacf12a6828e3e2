"""Keeps the sums by UTC day, and reads them: whole days that are summed from there, everything else as it stands.

So a report is right at any moment and in any zone, however far the worker is. Must not know pages.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Select,
    Subquery,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from cti.store.media import answers
from cti.store.models import (
    Airing,
    Call,
    CallDay,
    Order,
    OrderDay,
    OrderLine,
    ProductDay,
    ReportDay,
    ReportMark,
    RollUp,
)

Rows = Select[*tuple[Any, ...]]
DAY = timedelta(days=1)
OLDEST = timedelta(days=20 * 366)  # one row with a wrong year does not make a million days
LOCK = 4_357_021  # any number, the same for every process of ours
PIECES = 40  # stretches of days read by themselves; with more of them nothing is read from the sums
NOBODY = cast(null(), BigInteger)
INBOUND = (Call.direction == "inbound", Call.test.is_(False))


# ---------------------------------------------------------------- keeping


def fold_due(session: Session, today: date, seconds: float = 2) -> int:
    """Sum the days before ``today`` that are not, newest first, for ``seconds``; how many. Each is a transaction."""
    ends, done = time.monotonic() + seconds, 0
    session.execute(delete(ReportMark).where(ReportMark.day >= today))
    session.commit()
    for kind in RollUp:
        for day in due(session, kind, today):
            if time.monotonic() > ends:
                return done
            fold(session, kind, day)
            done += 1
    return done


def due(session: Session, kind: RollUp, today: date) -> list[date]:
    """Newest first."""
    marked = set(session.scalars(select(ReportMark.day).where(ReportMark.kind == kind).distinct()))
    wanted = {*days_of(session, kind, today), *marked}
    summed = set(session.scalars(select(ReportDay.day).where(ReportDay.kind == kind)))
    session.commit()
    return sorted((day for day in wanted if day < today and (day not in summed or day in marked)), reverse=True)


def days_of(session: Session, kind: RollUp, today: date) -> Iterator[date]:
    """From the first row of the kind up to yesterday, ``OLDEST`` at most."""
    first = session.scalar(select(func.min(created(kind))))
    day = max(first.astimezone(UTC).date(), today - OLDEST) if first else today
    while day < today:
        yield day
        day += DAY


def rebuild(session: Session, today: date) -> int:
    """Sum every day anew; how many. Reports stay right meanwhile."""
    days = [(kind, day) for kind in RollUp for day in days_of(session, kind, today)]
    for kind, day in days:
        fold(session, kind, day)
    return len(days)


def fold(session: Session, kind: RollUp, day: date) -> None:
    """Sum ``day`` and commit. Marks go first: a change that comes in between keeps its own."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    session.execute(delete(ReportMark).where(ReportMark.kind == kind, ReportMark.day == day))
    if kind is RollUp.ORDERS:
        _fold_orders(session, day)
    else:
        _fold_calls(session, day)
    session.merge(ReportDay(kind=kind, day=day))
    session.commit()


def _fold_orders(session: Session, day: date) -> None:
    taken = within(RollUp.ORDERS, *moments(day, day))
    keys: tuple[Any, ...] = (Order.medium_id, Order.airing_id, Order.status, Order.payment)
    sums: tuple[Any, ...] = (func.count(Order.id), func.sum(Order.total, type_=Order.total.type))
    orders = select(literal(day, Date), *keys, *sums).where(*taken).group_by(*keys)
    _replace(session, OrderDay, day, ("medium_id", "airing_id", "status", "payment", "orders", "total"), orders)
    keys = (OrderLine.product_id, Order.status)
    sums = (func.sum(OrderLine.quantity), func.sum(OrderLine.amount, type_=OrderLine.amount.type))
    lines = select(literal(day, Date), *keys, *sums).join(Order, Order.id == OrderLine.order_id)
    _replace(
        session, ProductDay, day, ("product_id", "status", "pieces", "amount"), lines.where(*taken).group_by(*keys)
    )


def _replace(session: Session, table: Any, day: date, columns: tuple[str, ...], rows: Rows) -> None:
    session.execute(delete(table).where(table.day == day))
    session.execute(insert(table).from_select(["day", *columns], rows))


def _fold_calls(session: Session, day: date) -> None:
    begin, end = moments(day, day)
    session.execute(delete(CallDay).where(CallDay.day == day))
    found: dict[int | None, int] = {row[0]: row[1] for row in session.execute(_brought(begin, end))}
    others = session.execute(_came(begin, end)).one()[1] - sum(found.values())
    rows = [{"day": day, "airing_id": id, "calls": calls} for id, calls in [*found.items(), (None, others)] if calls]
    if rows:
        session.execute(insert(CallDay), rows)


def _brought(begin: datetime, end: datetime) -> Rows:
    """Ids of airings, and how many of these calls they brought."""
    near = (Airing.starts_at < end, Airing.counts_until > begin)
    calls = select(Airing.id, func.count()).join(Call, answers())
    return calls.where(*near, *within(RollUp.CALLS, begin, end)).group_by(Airing.id)


def _came(begin: datetime, end: datetime) -> Rows:
    """No airing, and how many calls there were from outside."""
    return select(NOBODY, func.count()).select_from(Call).where(*within(RollUp.CALLS, begin, end), *INBOUND)


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class Period:
    """``first`` to ``last`` are read from the sums but ``without``; ``pieces`` of time are not."""

    first: date
    last: date
    without: Collection[date]
    pieces: Collection[tuple[datetime, datetime]]

    def days(self, column: InstrumentedAttribute[date]) -> tuple[Any, ...]:
        inside = (column >= self.first, column <= self.last)
        return (*inside, column.not_in(sorted(self.without))) if self.without else inside


def period(session: Session, kind: RollUp, begin: datetime, end: datetime) -> Period:
    """How the time from ``begin`` to before ``end`` is best read."""
    marked = select(ReportMark.id).where(ReportMark.kind == kind, ReportMark.day == ReportDay.day)
    whole = (ReportDay.day >= begin.astimezone(UTC).date(), ReportDay.day < end.astimezone(UTC).date())
    days = session.scalars(select(ReportDay.day).where(ReportDay.kind == kind, *whole, ~marked.exists()))
    summed = sorted(day for day in days if moments(day, day)[0] >= begin)
    pieces, at = [], begin
    for day in summed:
        midnight, next_one = moments(day, day)
        if at < midnight:
            pieces.append((at, midnight))
        at = next_one
    if at < end:
        pieces.append((at, end))
    if not summed or len(pieces) > PIECES:
        return Period(date.max, date.min, (), [(begin, end)])
    known, first = set(summed), summed[0]
    span = (first + DAY * n for n in range((summed[-1] - first).days))
    return Period(first, summed[-1], [day for day in span if day not in known], pieces)


def orders(session: Session, begin: datetime, end: datetime) -> Subquery:
    """Rows of ``medium_id``, ``airing_id``, ``status``, ``payment`` with ``orders`` and ``total``, several of a key."""
    time_of = period(session, RollUp.ORDERS, begin, end)
    names = ("medium_id", "airing_id", "status", "payment")
    summed = select(*(getattr(OrderDay, name) for name in (*names, "orders", "total")))
    keys = [getattr(Order, name) for name in names]
    sums = (func.count(Order.id).label("orders"), func.sum(Order.total, type_=Order.total.type).label("total"))
    read = select(*keys, *sums).group_by(*keys)
    return _together(summed.where(*time_of.days(OrderDay.day)), RollUp.ORDERS, read, time_of)


def products(session: Session, begin: datetime, end: datetime) -> Subquery:
    """Rows of ``product_id`` and ``status`` with ``pieces`` and ``amount``, several of a key."""
    time_of = period(session, RollUp.ORDERS, begin, end)
    summed = select(ProductDay.product_id, ProductDay.status, ProductDay.pieces, ProductDay.amount)
    pieces = func.sum(OrderLine.quantity).label("pieces")
    amount = func.sum(OrderLine.amount, type_=OrderLine.amount.type).label("amount")
    keys = (OrderLine.product_id, Order.status)
    read = select(*keys, pieces, amount).join(Order, Order.id == OrderLine.order_id).group_by(*keys)
    return _together(summed.where(*time_of.days(ProductDay.day)), RollUp.ORDERS, read, time_of)


def calls(session: Session, begin: datetime, end: datetime) -> Subquery:
    """Rows of ``airing_id`` with its ``calls``, several of a key; without an airing those that none brought."""
    time_of = period(session, RollUp.CALLS, begin, end)
    parts: list[Rows] = [select(CallDay.airing_id, CallDay.calls).where(*time_of.days(CallDay.day))]
    for since, until in time_of.pieces:
        brought = _brought(since, until).subquery()
        count = brought.c[1]
        parts.append(select(brought.c.id, count))
        parts.append(_came(since, until))
        parts.append(select(NOBODY, -func.coalesce(func.sum(count), 0)))
    return union_all(*parts).subquery("each_call")


def _together(summed: Rows, kind: RollUp, read: Rows, time_of: Period) -> Subquery:
    parts = [read.where(*within(kind, since, until)) for since, until in time_of.pieces]
    return union_all(summed, *parts).subquery("each")


def created(kind: RollUp) -> InstrumentedAttribute[datetime]:
    return Order.created_at if kind is RollUp.ORDERS else Call.created_at


def within(kind: RollUp, begin: datetime, end: datetime) -> tuple[Any, ...]:
    return (created(kind) >= begin, created(kind) < end)


def moments(first: date, last: date) -> tuple[datetime, datetime]:
    """When ``first`` begins and ``last`` ends."""
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last + DAY))
    return begin, end
