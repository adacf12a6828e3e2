"""Merging customers and parting them again, on both databases; several who do it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import customer_search, merging, points
from cti.store.merging import MergeRefused
from cti.store.models import (
    Address,
    CallNote,
    Customer,
    CustomerKey,
    CustomerPhone,
    Order,
    PointEntry,
    Role,
    Sex,
    Task,
    User,
)
from tests.stores import Store

SHARED, HOME = "+8613700000077", "+862166667788"


@pytest.fixture
def pair(store: Store) -> tuple[int, int]:
    """The winner has one order and a default address; the loser an order, a note, a task, two phones, an address."""
    with store.sessions() as session:
        user = User(username="u", name="Demo", password_hash="x", role=Role.AGENT)
        winner = Customer(
            name="演示一",
            phones=[CustomerPhone(number=SHARED)],
            addresses=[Address(city="上海市浦东新区", line="甲", is_default=True)],
        )
        loser = Customer(
            name="演示二",
            sex=Sex.FEMALE,
            birthday=date(1990, 5, 1),
            email="demo@example.com",
            phones=[CustomerPhone(number=SHARED), CustomerPhone(number=HOME, label="home")],
            addresses=[Address(city="北京市海淀区", line="乙", is_default=True)],
        )
        session.add_all([user, winner, loser])
        session.flush()
        session.add_all([Order(customer=winner, agent_user=user), Order(customer=loser, agent_user=user)])
        session.add(CallNote(call_id="c1", customer_id=loser.id, user_id=user.id))
        session.add(Task(user_id=user.id, customer_id=loser.id, text="x", due_at=datetime.now(UTC)))
        session.commit()
        return winner.id, loser.id


def state(session: Session, *ids: int) -> list[Any]:
    """All that a merge may change of these customers."""
    session.expire_all()
    found: list[Any] = []
    for id in ids:
        customer = session.get_one(Customer, id)
        found.append({name: getattr(customer, name) for name in (*merging.FIELDS, "region", "merged_into_id")})
        found.append([(p.id, p.number) for p in customer.phones])
        found.append([(a.id, a.line, a.is_default) for a in customer.addresses])
        for table in (Order.id, CallNote.call_id, Task.id):
            column = table.class_.customer_id
            found.append(sorted(map(str, session.scalars(select(table).where(column == id)))))
        found.append(sorted(session.scalars(select(CustomerKey.key).where(CustomerKey.customer_id == id))))
    return found


def test_everything_goes_to_the_winner_and_comes_back(store: Store, pair: tuple[int, int]) -> None:
    winner, loser = pair
    with store.sessions() as session:
        before = state(session, winner, loser)
        made = merging.merge(session, winner, loser, {"birthday", "sex", "name", "nonsense"})
        session.commit()
        one = session.get_one(Customer, winner, populate_existing=True)
        assert (one.name, one.sex, one.birthday, one.email) == ("演示二", Sex.FEMALE, date(1990, 5, 1), "")
        assert sorted(p.number for p in one.phones) == sorted([SHARED, HOME])
        assert [(a.line, a.is_default) for a in one.addresses] == [("甲", True), ("乙", False)]
        assert session.scalars(select(Order.customer_id)).all() == [winner, winner]
        assert session.scalars(select(CallNote.customer_id)).all() == [winner]
        assert session.scalars(select(Task.customer_id)).all() == [winner]
        assert [c.id for c in customer_search.by_phone(session, HOME)] == [winner]
        assert [c.id for c in customer_search.find(session, "演示").rows] == [winner]
        gone = session.get_one(Customer, loser)
        assert [c.id for c in customer_search.find(session, str(gone.number)).rows] == [winner]
        assert merging.current_id(session, loser) == winner
        assert merging.family(session, winner) == [winner, loser]
        merging.undo(session, made.id)
        session.commit()
        assert state(session, winner, loser) == before


def test_what_came_since_stays_with_the_winner(store: Store, pair: tuple[int, int]) -> None:
    winner, loser = pair
    with store.sessions() as session:
        made = merging.merge(session, winner, loser, {"name", "email"})
        session.commit()
        user = session.scalars(select(User)).one()
        since = Order(customer_id=winner, agent_user=user)
        session.add(since)
        session.get_one(Customer, winner).email = "later@example.com"
        session.commit()
        merging.undo(session, made.id)
        session.commit()
        one = session.get_one(Customer, winner, populate_existing=True)
        assert (one.name, one.email) == ("演示一", "later@example.com")
        assert session.get_one(Order, since.id).customer_id == winner
        assert len(session.scalars(select(Order.id).where(Order.customer_id == loser)).all()) == 1


def test_own_fields_of_the_winner_hold_and_empty_ones_are_filled(store: Store, pair: tuple[int, int]) -> None:
    winner, loser = pair
    with store.sessions() as session:
        session.get_one(Customer, winner).custom = {"club": "blue", "vegan": False}
        session.get_one(Customer, loser).custom = {"club": "red", "vegan": True, "size": 38, "nick": "N"}
        session.commit()
        made = merging.merge(session, winner, loser, {"name"})
        session.commit()
        one = session.get_one(Customer, winner, populate_existing=True)
        assert one.custom == {"club": "blue", "vegan": False, "size": 38, "nick": "N"}
        one.custom = {**one.custom, "nick": "changed since", "new": 1}
        session.commit()
        merging.undo(session, made.id)
        session.commit()
        parted = session.get_one(Customer, winner, populate_existing=True)
        assert parted.custom == {"club": "blue", "vegan": False, "nick": "changed since", "new": 1}
        assert session.get_one(Customer, loser).custom == {"club": "red", "vegan": True, "size": 38, "nick": "N"}


def test_points_go_along_with_the_day_they_end_and_what_is_left_comes_back(store: Store, pair: tuple[int, int]) -> None:
    winner, loser = pair
    ends = datetime(2030, 1, 1, tzinfo=UTC)
    with store.sessions() as session:
        points.ensure_member(session, loser)
        points.adjust(session, loser, 30, expires_at=ends)
        points.adjust(session, loser, 20)
        made = merging.merge(session, winner, loser)
        session.commit()
        assert (points.balance(session, winner), points.balance(session, loser)) == (50, 0)
        lots = select(PointEntry.remaining, PointEntry.expires_at).where(PointEntry.customer_id == winner)
        assert {tuple(lot) for lot in session.execute(lots)} == {(30, ends), (20, None)}
        points.adjust(session, winner, -35)
        merging.undo(session, made.id)
        session.commit()
        assert (points.balance(session, winner), points.balance(session, loser)) == (0, 15)


def test_a_merge_under_another_is_undone_after_it(store: Store, pair: tuple[int, int]) -> None:
    winner, loser = pair
    with store.sessions() as session:
        third = Customer(name="演示三")
        session.add(third)
        session.flush()
        first = merging.merge(session, winner, loser)
        second = merging.merge(session, third.id, winner)
        session.commit()
        assert merging.current_id(session, loser) == third.id
        assert merging.family(session, third.id) == [third.id, winner, loser]
        assert refused(session, lambda: merging.undo(session, first.id)) == "further"
        assert refused(session, lambda: merging.merge(session, winner, third.id)) == "further"
        assert refused(session, lambda: merging.merge(session, winner, winner)) == "same"
        assert refused(session, lambda: merging.merge(session, winner, 99_999)) == "further"
        merging.undo(session, second.id)
        merging.undo(session, first.id)
        session.commit()
        assert refused(session, lambda: merging.undo(session, first.id)) == "undone"
        assert refused(session, lambda: merging.undo(session, 99_999)) == "gone"


def refused(session: Session, work: Callable[[], object]) -> object:
    with pytest.raises(MergeRefused) as caught:
        work()
    session.rollback()
    return caught.value.params["why"]


def test_of_several_at_once_one_merges(store: Store, pair: tuple[int, int]) -> None:
    outcome: list[str] = []
    ready = threading.Barrier(6)

    def merge(first: int, second: int) -> None:
        with store.sessions() as session:
            ready.wait(10)
            try:
                merging.merge(session, first, second)
                session.commit()
                outcome.append("merged")
            except MergeRefused as error:
                session.rollback()
                outcome.append(str(error.params["why"]))

    threads = [threading.Thread(target=merge, args=pair if n % 2 else pair[::-1]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcome) == ["further"] * 5 + ["merged"]
    with store.sessions() as session:
        customers = session.scalars(select(Customer)).all()
        [one] = [c for c in customers if c.merged_into_id is None]
        assert set(session.scalars(select(Order.customer_id))) == {one.id}


def test_tables_that_point_at_customers_take_part_by_themselves() -> None:
    labels = {f"{column.table.name}.{column.name}" for column in merging.pointing()}
    assert {
        "orders.customer_id",
        "call_notes.customer_id",
        "tasks.customer_id",
        "customer_phones.customer_id",
    } <= labels
