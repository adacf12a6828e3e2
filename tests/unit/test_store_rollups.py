"""Sums by day on both databases: at any moment they are those of the rows, whoever changed what since."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from cti.store import marks, media, rollups
from cti.store.models import (
    Airing,
    Call,
    Customer,
    Medium,
    Order,
    OrderDay,
    OrderLine,
    OrderStatus,
    Payment,
    Product,
    ReportDay,
    ReportMark,
    Role,
    RollUp,
    User,
)
from tests.stores import Store

FIRST, TODAY = date(2026, 10, 29), date(2026, 11, 3)
MIDNIGHT = datetime(2026, 10, 29, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.sessions() as session:
        session.add_all([Medium(id=1, name="Channel 5"), Medium(id=2, name="Paper")])
        session.add_all(Product(id=n, code=f"P{n}", name="Demo", price=Decimal("9.90")) for n in (1, 2, 3))
        session.add(User(id="u", username="u", name="U", password_hash="-", role=Role.AGENT))
        session.add(Customer(id=1, name="Demo"))
        session.commit()
        yield session


def order(session: Session, at: datetime, total: str = "10.00", **values: Any) -> Order:
    made = Order(customer_id=1, agent_user_id="u", total=Decimal(total), created_at=at, **values)
    made.lines = [OrderLine(product_id=n, quantity=n, price=Decimal(1), amount=Decimal(n)) for n in (1, 2)]
    session.add(made)
    session.commit()
    return made


def ring(session: Session, name: str, at: datetime, dnis: str = "8000", **values: Any) -> None:
    row = {"version": 1, "direction": "inbound", "dnis": dnis, "created_at": at, "document": {}} | values
    session.add(Call(id=name, **row))
    session.commit()


def air(session: Session, at: datetime, dnis: str = "8000", hours: float = 0.5) -> Airing:
    airing = Airing(medium_id=1, programme="show", dnis=dnis, starts_at=at, ends_at=at + hours * HOUR)
    media.save(session, airing)
    session.commit()
    return airing


def sums(session: Session, begin: datetime, end: datetime) -> tuple[dict[Any, Any], ...]:
    """What is read of a time: orders, products and calls by their keys."""
    found = []
    for each, keys, figures in (
        (rollups.orders(session, begin, end), ("medium_id", "airing_id", "status", "payment"), ("orders", "total")),
        (rollups.products(session, begin, end), ("product_id", "status"), ("pieces", "amount")),
        (rollups.calls(session, begin, end), ("airing_id",), ("calls",)),
    ):
        columns = [func.sum(each.c[name], type_=each.c[name].type) for name in figures]
        rows = session.execute(select(*(each.c[key] for key in keys), *columns).group_by(*(each.c[k] for k in keys)))
        cut = len(keys)
        found.append({tuple(row[:cut]): tuple(row[cut:]) for row in rows if row[cut]})
    session.rollback()
    return tuple(found)


def straight(session: Session, begin: datetime, end: datetime, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same without any sums by day."""
    with monkeypatch.context() as patch:
        nothing = rollups.Period(date.max, date.min, (), [(begin, end)])
        patch.setattr(rollups, "period", lambda *_: nothing)
        return sums(session, begin, end)


def test_whatever_is_changed_the_sums_are_those_of_the_rows(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)

    def moment() -> datetime:
        return MIDNIGHT + timedelta(minutes=chance.randrange(6 * 24 * 60))

    def new() -> None:
        medium = chance.choice((None, 1, 2))
        order(session, moment(), str(chance.randrange(1, 900)), medium_id=medium, payment=chance.choice(list(Payment)))

    def some() -> Any:
        return select(Order.id).where(Order.id % 5 == chance.randrange(5)).scalar_subquery()

    airings = [air(session, MIDNIGHT + n * 20 * HOUR) for n in range(6)]

    def moved() -> None:
        airing = chance.choice(airings)
        airing.starts_at += HOUR
        airing.ends_at += HOUR
        media.save(session, airing)

    changes = (
        new,
        lambda: ring(session, f"c{chance.random()}", moment(), chance.choice(("8000", "8001"))),
        lambda: session.execute(update(Order).where(Order.id.in_(some())).values(status=OrderStatus.CANCELLED)),
        lambda: session.execute(update(Order).where(Order.id.in_(some())).values(total=Decimal("1.50"))),
        lambda: session.execute(update(Order).where(Order.id.in_(some())).values(airing_id=airings[0].id)),
        lambda: session.execute(update(Order).where(Order.id.in_(some())).values(created_at=moment())),
        lambda: session.execute(update(OrderLine).where(OrderLine.order_id.in_(some())).values(quantity=7)),
        lambda: session.execute(delete(OrderLine).where(OrderLine.order_id.in_(some()))),
        lambda: session.execute(update(Call).where(Call.dnis == "8000").values(test=chance.random() < 0.3)),
        moved,
        lambda: rollups.fold_due(session, TODAY),
    )
    for change in (*[new] * 8, *(lambda n=n: ring(session, f"r{n}", moment()) for n in range(12))):
        change()
    rollups.fold_due(session, TODAY)
    for _ in range(24):
        chance.choice(changes)()
        session.commit()
        begin = moment()
        end = begin + timedelta(hours=chance.randrange(1, 120))
        assert sums(session, begin, end) == straight(session, begin, end, monkeypatch)
    rollups.fold_due(session, TODAY)
    whole = (MIDNIGHT - 9 * HOUR, MIDNIGHT + 200 * HOUR)
    assert sums(session, *whole) == straight(session, *whole, monkeypatch)
    assert rollups.rebuild(session, TODAY) == 2 * (TODAY - FIRST).days
    assert sums(session, *whole) == straight(session, *whole, monkeypatch)


def test_a_day_that_is_summed_is_not_read_again_until_it_changes(session: Session) -> None:
    made = order(session, MIDNIGHT + 5 * HOUR)
    later = order(session, MIDNIGHT + 100 * HOUR)
    assert rollups.fold_due(session, TODAY) == (TODAY - FIRST).days
    assert rollups.fold_due(session, TODAY) == 0
    session.execute(update(OrderDay).values(orders=50))
    session.commit()

    def count(first: float, last: float) -> int:
        each = rollups.orders(session, MIDNIGHT + first * HOUR, MIDNIGHT + last * HOUR)
        return int(session.scalar(select(func.sum(each.c.orders))) or 0)

    assert (count(0, 24), count(-8, 30), count(0, 120)) == (50, 50, 100)
    assert count(1, 24) == count(0, 23) == 1  # not a whole day
    made.status = OrderStatus.COMPLETED
    session.commit()
    assert (count(0, 24), count(0, 120)) == (1, 51)
    later.remarks = "no figure"
    session.commit()
    assert count(0, 120) == 51
    assert rollups.fold_due(session, TODAY) == 1
    assert (count(0, 24), count(0, 120)) == (1, 51)


def test_an_airing_that_is_moved_or_removed_gives_its_calls_to_another(session: Session) -> None:
    first, second = air(session, MIDNIGHT), air(session, MIDNIGHT + HOUR)
    ring(session, "c", MIDNIGHT + 1.5 * HOUR)
    rollups.fold_due(session, TODAY)

    def brought() -> dict[Any, int]:
        return {key[0]: int(value[0]) for key, value in sums(session, MIDNIGHT, MIDNIGHT + 48 * HOUR)[2].items()}

    assert brought() == {second.id: 1}
    session.execute(delete(Airing).where(Airing.id == second.id))
    session.commit()
    assert brought() == {first.id: 1}
    rollups.fold_due(session, TODAY)
    assert brought() == {first.id: 1}
    first.dnis = "8009"
    media.save(session, first)
    session.commit()
    assert brought() == {None: 1}


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_a_change_that_is_committed_after_the_day_was_summed_counts(store: Store, session: Session) -> None:
    made = order(session, MIDNIGHT + HOUR)
    with store.sessions() as other:
        other.execute(update(Order).values(total=Decimal("99.00")))
        assert rollups.fold_due(session, TODAY) == (TODAY - FIRST).days
        other.commit()
    session.expire(made)
    (found,) = sums(session, MIDNIGHT, MIDNIGHT + 24 * HOUR)[0].values()
    assert found == (1, Decimal("99.00"))


def test_an_order_with_a_wrong_year_does_not_make_a_million_days(session: Session) -> None:
    order(session, datetime(1, 1, 2, tzinfo=UTC))
    order(session, MIDNIGHT)
    assert len(rollups.due(session, RollUp.ORDERS, TODAY)) <= 20 * 366 + 1
    each = rollups.orders(session, datetime(1, 1, 1, tzinfo=UTC), MIDNIGHT + HOUR)
    assert session.scalar(select(func.sum(each.c.orders))) == 2


def test_marks_of_days_that_are_not_over_go(store: Store, session: Session) -> None:
    order(session, datetime(2026, 11, 3, 1, tzinfo=UTC))
    rollups.fold_due(session, TODAY)
    assert session.scalar(select(func.count()).select_from(ReportMark)) == 0


def test_triggers_that_were_lost_are_put_back_and_nothing_counts_as_summed(store: Store, session: Session) -> None:
    order(session, MIDNIGHT)
    rollups.fold(session, RollUp.ORDERS, FIRST)
    connection = session.connection()
    assert not marks.put(connection)
    assert session.scalar(select(func.count()).select_from(ReportDay)) == 1
    marks.take_away(connection)
    assert marks.put(connection)
    assert session.scalar(select(func.count()).select_from(ReportDay)) == 0
    session.commit()


def test_with_many_holes_everything_is_read_as_it_stands(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    order(session, MIDNIGHT)
    monkeypatch.setattr(rollups, "PIECES", 1)
    for day in (0, 2, 4):
        rollups.fold(session, RollUp.ORDERS, FIRST + timedelta(days=day))
    found = rollups.period(session, RollUp.ORDERS, MIDNIGHT, MIDNIGHT + 120 * HOUR)
    assert list(found.pieces) == [(MIDNIGHT, MIDNIGHT + 120 * HOUR)]
    assert rollups.period(session, RollUp.ORDERS, MIDNIGHT, MIDNIGHT + 72 * HOUR).without == [FIRST + timedelta(days=1)]
