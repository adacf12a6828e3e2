"""Points on both databases: the ledger is the balance, nothing is spent twice, what is returned is taken back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cti.domain.errors import BadRequest
from cti.store import points, shop
from cti.store.models import (
    Customer,
    CustomerPhone,
    Member,
    Order,
    OrderLine,
    PointEntry,
    PointKind,
    PointRule,
    Product,
    Role,
    RuleKind,
    User,
    utc_now,
)
from tests.stores import Store

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop_with_rules(store: Store) -> Store:
    """1 point for each 10.00; 5 for each piece of A that end after 30 days; customer 1."""
    with store.sessions() as session:
        session.add(User(id="u", username="u", name="Demo", password_hash="x", role=Role.AGENT))
        session.add(Customer(id=1, name="Demo", phones=[CustomerPhone(number="+8619900000001")]))
        session.add(Product(id=1, code="A", name="A", price=Decimal("25.00")))
        session.flush()
        session.add(PointRule(name="spend", spend=Decimal(10), points=1, starts_at=BEGAN))
        piece = {"kind": RuleKind.PRODUCT, "product_id": 1, "points": 5, "valid_days": 30}
        session.add(PointRule(name="piece", starts_at=BEGAN, **piece))
        session.add(PointRule(name="over", points=1000, starts_at=BEGAN, ends_at=BEGAN + timedelta(days=1)))
        session.commit()
    return store


def order(session: Session, quantity: int = 4, **values: Any) -> Order:
    amount = Decimal("25.00") * quantity
    made = Order(customer_id=1, agent_user_id="u", goods_total=amount, total=amount)
    made.lines.append(OrderLine(product_id=1, quantity=quantity, price=Decimal("25.00"), amount=amount))
    for name, value in values.items():
        setattr(made, name, value)
    session.add(made)
    session.flush()
    return made


def assert_the_ledger_is_the_balance(session: Session) -> None:
    sums = func.sum(PointEntry.change), func.sum(PointEntry.remaining)
    for customer_id, change, remaining in session.execute(
        select(PointEntry.customer_id, *sums).group_by(PointEntry.customer_id)
    ):
        balance = points.balance(session, customer_id)
        assert (balance, balance) == (change, remaining)
        last = select(PointEntry.balance).where(PointEntry.customer_id == customer_id).order_by(PointEntry.id.desc())
        assert session.scalars(last.limit(1)).one() == balance


def test_a_purchase_makes_a_member_and_completion_gives_points_once(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        made = order(session)
        points.ensure_member(session, 1)
        points.ensure_member(session, 1)
        number = session.get_one(Member, 1).number
        assert points.order_completed(session, made) == 10 + 20
        assert points.order_completed(session, made) == 0
        session.commit()
        assert (points.balance(session, 1), session.get_one(Member, 1).number) == (30, number)
        assert points.balance(session, 99) == 0
        assert_the_ledger_is_the_balance(session)


def test_points_are_spent_in_the_order_in_which_they_end(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        points.order_completed(session, order(session))
        points.redeem(session, order(session, points_used=25))
        left = {e.rule_id: e.remaining for e in session.scalars(select(PointEntry)) if e.kind is PointKind.EARN}
        assert sorted(left.values()) == [0, 5]
        with pytest.raises(points.NotEnoughPoints) as refused:
            points.redeem(session, order(session, points_used=6))
        assert refused.value.left == 5
        assert_the_ledger_is_the_balance(session)


def test_a_customer_without_points_cannot_spend_any(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session, pytest.raises(points.NotEnoughPoints):
        points.redeem(session, order(session, points_used=1))


def test_parts_that_come_back_take_their_share_and_never_more(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        points.ensure_member(session, 1)
        points.adjust(session, 1, 100, text="gift")
        made = order(session, 4, points_used=30)
        points.redeem(session, made)
        points.order_completed(session, made)
        assert points.balance(session, 1) == 100 - 30 + 30
        points.order_returned(session, made, Decimal("33.33"))
        assert points.balance(session, 1) == 100 - 9 + 9
        points.order_returned(session, made, Decimal("33.33"))
        points.order_returned(session, made, Decimal("33.34"))
        assert points.balance(session, 1) == 100
        points.order_returned(session, made, Decimal("100.00"))
        points.order_cancelled(session, made)
        assert points.balance(session, 1) == 100
        assert_the_ledger_is_the_balance(session)


def test_points_that_were_spent_before_the_return_are_owed(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        made = order(session)
        points.order_completed(session, made)
        points.redeem(session, order(session, points_used=28))
        points.order_returned(session, made, made.total)
        assert (points.balance(session, 1), session.get_one(Member, 1).owed) == (0, 28)
        points.order_completed(session, order(session, 2))
        assert (points.balance(session, 1), session.get_one(Member, 1).owed) == (0, 13)
        points.order_completed(session, order(session, 2))
        assert (points.balance(session, 1), session.get_one(Member, 1).owed) == (2, 0)
        assert_the_ledger_is_the_balance(session)


def test_an_order_that_is_called_off_gives_points_back(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        points.order_completed(session, order(session))
        made = order(session, points_used=20)
        points.redeem(session, made)
        points.order_cancelled(session, made)
        points.order_cancelled(session, made)
        assert points.balance(session, 1) == 30
        given = session.scalars(select(PointEntry).where(PointEntry.kind == PointKind.GIVE_BACK)).one()
        assert given.expires_at is not None
        assert_the_ledger_is_the_balance(session)


def test_points_end_and_are_told_before(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        points.order_completed(session, order(session))
        ends_at, count = points.ends_next(session, 1)
        assert ends_at is not None
        assert count == 20
        assert points.expire(session, ends_at - timedelta(seconds=1)) == 0
        assert points.end_due(session, ends_at + timedelta(seconds=1)) == 1
        assert points.end_due(session, ends_at + timedelta(seconds=1)) == 0
        assert points.balance(session, 1) == 10
        assert_the_ledger_is_the_balance(session)


def test_twenty_who_spend_at_once_never_spend_more_than_there_is(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        points.ensure_member(session, 1)
        points.adjust(session, 1, 50)
        made = [order(session, 1, points_used=7).id for _ in range(20)]
        session.commit()
    gate = threading.Barrier(len(made))

    def spend(order_id: int) -> int:
        gate.wait(20)
        with shop_with_rules.sessions() as session:
            try:
                points.redeem(session, session.get_one(Order, order_id))
                session.commit()
            except points.NotEnoughPoints:
                return 0
            return 1

    with ThreadPoolExecutor(len(made)) as pool:
        assert sum(pool.map(spend, made)) == 7
    with shop_with_rules.sessions() as session:
        assert points.balance(session, 1) == 1
        assert_the_ledger_is_the_balance(session)


def test_a_statement_adds_up(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        points.order_completed(session, order(session))
        session.execute(update(PointEntry).values(at=BEGAN))
        points.adjust(session, 1, -4, text="mistake", user_id="u")
        now = utc_now()
        whole = points.statement(session, 1, BEGAN, now + timedelta(hours=1))
        assert (whole.opening, len(whole.entries), whole.closing) == (0, 3, 26)
        month = points.statement(session, 1, now - timedelta(days=1), now + timedelta(hours=1))
        assert (month.opening, [e.change for e in month.entries], month.closing) == (30, [-4], 26)


def test_periods_follow_each_other_and_end_at_the_balance(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        points.order_completed(session, order(session))
        session.execute(update(PointEntry).values(at=BEGAN))
        points.adjust(session, 1, -4, text="mistake", user_id="u")
        now = utc_now()
        edges = [BEGAN, now - timedelta(days=1), now + timedelta(hours=1)]
        first, second = points.periods(session, 1, edges)
        assert first == points.Period(opening=0, earned=30, spent=0, closing=30)
        assert second == points.Period(opening=30, earned=0, spent=4, closing=26)
        asked = {"number": "19900000001", "since": edges[1].timestamp(), "until": edges[2].timestamp()}
        (told,) = points.of_number(session, asked)["members"]
        assert told["period"] == {"opening": 30, "earned": 0, "spent": 4, "closing": 26}
        for wrong in ({"since": 1}, {"since": "x", "until": 2}, {"since": 2, "until": 1}, {"since": 1, "until": 1e300}):
            with pytest.raises(BadRequest):
                points.of_number(session, {"number": "19900000001"} | wrong)


def test_a_number_is_answered_with_its_members(shop_with_rules: Store) -> None:
    with shop_with_rules.sessions() as session:
        assert points.of_number(session, {"number": "19900000001"}) == {"members": []}
        points.order_completed(session, order(session))
        (found,) = points.of_number(session, {"number": "19900000001"})["members"]
        assert (found["name"], found["balance"], found["ending"]) == ("Demo", 30, 20)
        for wrong in ({}, {"number": 5}, {"number": ""}):
            with pytest.raises(BadRequest):
                points.of_number(session, wrong)


@pytest.mark.parametrize("value", [None, 7, [], {"discounts": 3, "points_per_unit": 0}, {"shipping_fee": "NaN"}])
def test_damaged_parameters_are_the_usual_ones(value: Any) -> None:
    assert shop.read(value) == shop.Parameters()


def test_parameters_come_back_as_they_were_stored(store: Store) -> None:
    wanted = shop.Parameters(10, 30, {"agent": 5, "supervisor": 6, "admin": 7}, Decimal("8.00"), Decimal("99.00"))
    with store.sessions() as session:
        shop.store(session, wanted)
        session.commit()
        assert shop.parameters(session) == wanted
    assert (wanted.worth(155), wanted.most_points(Decimal("99.99"))) == (Decimal("15.50"), 299)
    assert wanted.most_discount("agent", Decimal("99.99")) == Decimal("4.99")
    assert [wanted.shipping(Decimal(total)) for total in ("98.99", "99")] == [Decimal("8.00"), Decimal("0.00")]
