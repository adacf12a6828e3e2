"""An order on its way: states, history, stock and money go together, whoever does what at the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from cti.domain.errors import CallyardError, MoneyRefused, NotPermitted, OrderChanged, OrderRefused
from cti.domain.orders import OrderStatus as S
from cti.domain.orders import RefundState, ReturnKind
from cti.machines.order import TABLE, WHO, OrderEvent, possible
from cti.machines.order import OrderEvent as E
from cti.store import money, sorting
from cti.store.actors import Actor
from cti.store.models import (
    AuditEntry,
    Order,
    OrderStep,
    Parcel,
    Payment,
    Refund,
    Return,
    Stock,
    StockMovement,
    StockReservation,
    utc_now,
)
from cti.store.order_effects import Sent
from cti.store.reconciling import books, wrong
from tests.shop import Shop, account, one_refund, open_shop, pay

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def shop(shop_sessions: sessionmaker[Session]) -> Shop:
    return open_shop(shop_sessions)


# ---------------------------------------------------------------- one order


def test_from_review_to_the_signature(shop: Shop) -> None:
    order_id = shop.order(2, 1)
    assert shop.level() == (100, 2)
    shop.until(order_id, E.SHIP)
    assert shop.level() == (98, 0)
    assert account(shop, order_id).due == D("233.33")
    shop.go(order_id, E.SIGN)
    now = account(shop, order_id)
    assert (now.with_carriers, now.due) == (D("233.33"), 0)
    with shop.sessions() as session:
        history = session.scalars(select(OrderStep).where(OrderStep.order_id == order_id).order_by(OrderStep.id)).all()
        assert (history[0].event, history[0].after) == ("confirm", S.CONFIRMED)
        assert history[-2].facts["waybill"].startswith("W")
        told = session.scalars(select(AuditEntry).where(AuditEntry.object == f"order/{order_id}")).all()
        assert len(told) == len(history) == 5
        assert told[-1].before == {"status": "shipped"}


def test_void_gives_goods_back_and_asks_for_the_money_to_be_paid_back(shop: Shop) -> None:
    order_id = shop.order(1, payment=Payment.ONLINE)
    pay(shop, order_id, "100.00")
    shop.go(order_id, E.CONFIRM)
    with pytest.raises(OrderRefused):
        shop.go(order_id, E.VOID, reason=" ")
    shop.go(order_id, E.VOID, reason="wrong number")
    assert shop.level() == (100, 0)
    asked = one_refund(shop, order_id)
    assert (asked.amount, asked.reason, asked.state) == (D("100.00"), "wrong number", RefundState.REQUESTED)
    assert account(shop, order_id).due == 0


def test_what_is_paid_before_goes_only_when_it_is_paid(shop: Shop) -> None:
    order_id = shop.until(shop.order(1, payment=Payment.BANK_TRANSFER), E.PACK)
    with pytest.raises(OrderRefused) as refused:
        shop.go(order_id, E.SHIP)
    assert refused.value.params["why"] == "unpaid"
    assert shop.level() == (100, 1)
    with pytest.raises(MoneyRefused):
        pay(shop, order_id, "100.01")
    pay(shop, order_id, "100.00")
    shop.go(order_id, E.SHIP)
    with shop.sessions() as session:
        assert session.scalars(select(Parcel.cod_amount).where(Parcel.order_id == order_id)).one() == 0


def test_a_part_comes_back_some_of_it_broken(shop: Shop) -> None:
    order_id = shop.until(shop.order(3, 1, discount="10.00", fee="8.00"), E.SIGN)
    first = next(iter(shop.lines(order_id)))
    shop.send_back(order_id, {first: 2})
    with pytest.raises(OrderRefused):
        shop.inspect(order_id, E.RECEIVE, {first: 2})  # not everything, so not this event
    shop.inspect(order_id, E.RECEIVE_PART, {first: 1}, {first: 1})
    assert shop.read(order_id).status is S.COMPLETED
    assert shop.level() == (98, 0)
    share = (D("323.33") * 200 / D("333.33")).quantize(D("0.01"))
    assert one_refund(shop, order_id).amount == share
    shop.send_back(order_id, shop.lines(order_id) | {first: 1})
    shop.inspect(order_id, E.RECEIVE, shop.lines(order_id) | {first: 1})
    now = account(shop, order_id)
    assert (now.credited, now.to_refund, now.due) == (D("331.33"), D("331.33"), 0)
    assert shop.level() == (99, 0)


def test_a_refused_parcel_owes_nothing_once_it_is_back(shop: Shop) -> None:
    order_id = shop.until(shop.order(2), E.SHIP)
    shop.go(order_id, E.REFUSE, reason="not at home")
    assert account(shop, order_id).due == D("200.00")
    shop.inspect(order_id, E.RECEIVE, shop.lines(order_id))
    assert (account(shop, order_id).due, shop.level()) == (0, (100, 0))
    with shop.sessions() as session:
        assert session.scalars(select(Return).where(Return.order_id == order_id)).one().kind is ReturnKind.REFUSAL
        assert session.scalars(select(Refund).where(Refund.order_id == order_id)).first() is None


def test_an_exchange_is_a_new_order_that_is_paid_already(shop: Shop) -> None:
    order_id = shop.until(shop.order(1, payment=Payment.CASH_ON_DELIVERY), E.SIGN)
    shop.send_back(order_id, shop.lines(order_id), ReturnKind.EXCHANGE)
    shop.inspect(order_id, E.EXCHANGE, {}, shop.lines(order_id))
    with shop.sessions() as session:
        new_id = session.scalars(select(Return).where(Return.order_id == order_id)).one().replacement_id
    assert new_id is not None
    assert (shop.read(order_id).status, shop.read(new_id).status) == (S.EXCHANGED, S.NEW)
    old, new = account(shop, order_id), account(shop, new_id)
    assert (old.due, new.due, new.received, old.with_carriers) == (0, 0, D("100.00"), D("100.00"))
    assert shop.level() == (99, 1)
    shop.until(new_id, E.SIGN)
    assert account(shop, new_id).with_carriers == 0
    with shop.sessions() as session:
        assert not books(session, *EVER).odd


def test_a_lost_parcel_is_off_the_bill(shop: Shop) -> None:
    order_id = shop.order(1, payment=Payment.ONLINE)
    pay(shop, order_id, "100.00")
    shop.until(order_id, E.SHIP)
    shop.go(order_id, E.LOSE, reason="carrier says so")
    assert one_refund(shop, order_id).amount == D("100.00")
    assert shop.level() == (99, 0)


def test_who_may_not_cannot_whatever_the_page_says(shop: Shop) -> None:
    order_id = shop.order(1)
    agent = Actor(shop.boss.user_id, "agent", lambda permission: permission == "orders.write")
    for event in (E.CONFIRM, E.VOID, E.SHIP):
        with pytest.raises(NotPermitted):
            shop.go(order_id, event, agent)
    shop.go(order_id, E.TAKE_BACK, agent)
    assert shop.read(order_id).status is S.CANCELLED


def test_a_page_that_is_too_old_does_nothing(shop: Shop) -> None:
    order_id = shop.order(1)
    shop.go(order_id, E.CONFIRM)
    with pytest.raises(OrderChanged):
        shop.go(order_id, E.HOLD, seen=S.NEW)
    assert shop.read(order_id).status is S.CONFIRMED


def test_a_waybill_is_used_once(shop: Shop) -> None:
    first, second = (shop.until(shop.order(1), E.PACK) for _ in range(2))
    shop.go(first, E.SHIP, sent=Sent(shop.carrier_id, f"SF{first}"))
    with pytest.raises(OrderRefused) as refused:
        shop.go(second, E.SHIP, sent=Sent(shop.carrier_id, f"SF{first}"))
    assert refused.value.params["why"] == "waybill_used"
    assert shop.level() == (99, 1)


# ---------------------------------------------------------------- review


def test_a_reviewer_sees_what_is_wrong(shop: Shop) -> None:
    alone = shop.order(1, created_at=utc_now() - timedelta(days=5))
    twice = [shop.order(1), shop.order(1)]
    with shop.sessions() as session:
        orders = {key: session.get_one(Order, key) for key in (alone, *twice)}
        orders[alone].line = ""
        orders[twice[0]].phone = "12"
        orders[twice[1]].lines[0].price = D("99.99")
        found = sorting.flags(session, list(orders.values()))
        assert found[alone] == ["address"]
        assert found[twice[0]] == ["phone", "double"]
        assert found[twice[1]] == ["double", "price"]


def test_a_split_keeps_money_and_promises(shop: Shop) -> None:
    order_id = shop.order(3, 2, discount="10.00", fee="8.00", payment=Payment.ONLINE)
    total = shop.read(order_id).total
    pay(shop, order_id, str(total))
    first, second = shop.lines(order_id)
    with shop.sessions() as session:
        with pytest.raises(OrderRefused):
            sorting.split(session, order_id, {first: 3, second: 2}, shop.boss)
        new_id = sorting.split(session, order_id, {first: 1, second: 2}, shop.boss).id
        session.commit()
    old, new = shop.read(order_id), shop.read(new_id)
    assert old.total + new.total == total
    assert [(line.quantity, line.amount) for line in old.lines] == [(2, D("200.00"))]
    assert (account(shop, order_id).due, account(shop, new_id).due) == (0, 0)
    assert shop.level() == (100, 3)
    shop.go(new_id, E.VOID)
    assert shop.level() == (100, 2)
    shop.until(order_id, E.SIGN)
    assert shop.level() == (98, 0)


def test_two_orders_become_one(shop: Shop) -> None:
    kept, gone = shop.order(1, fee="8.00"), shop.order(0, 2)
    with shop.sessions() as session:
        sorting.merge(session, kept, gone, shop.boss)
        session.commit()
    assert shop.read(kept).total == D("174.66")
    assert shop.read(gone).status is S.CANCELLED
    assert shop.level(1) == (100, 2)
    shop.until(kept, E.SIGN)
    assert shop.level(1) == (98, 0)
    with shop.sessions() as session:
        assert not books(session, *EVER).odd


def test_orders_to_different_places_are_not_merged(shop: Shop) -> None:
    one, two = shop.order(1), shop.order(1)
    with shop.sessions() as session:
        session.get_one(Order, two).line = "别处"
        session.commit()
        with pytest.raises(OrderRefused):
            sorting.merge(session, one, two, shop.boss)


# ---------------------------------------------------------------- whatever happens


def held(session: Session, products: tuple[int, ...]) -> None:
    """Stock is the sum of its ledger and of what orders hold; the books add up."""
    for row in session.scalars(select(Stock).where(Stock.product_id.in_(products))):
        moved = select(func.sum(StockMovement.on_hand), func.sum(StockMovement.reserved))
        assert session.execute(moved.where(StockMovement.product_id == row.product_id)).one() == (
            row.on_hand,
            row.reserved,
        )
        kept = select(func.coalesce(func.sum(StockReservation.reserved), 0))
        assert session.scalar(kept.where(StockReservation.product_id == row.product_id)) == row.reserved
    found = books(session, *EVER)
    assert found.whole.adds_up
    assert not found.odd, [(odd.number, odd.status, odd.why, odd.account) for odd in found.odd]


ALONE = [event for event in OrderEvent if event is not E.MERGE]
"""``sorting.merge`` moves goods and money before its event."""


def attempt(shop: Shop, order_id: int, event: OrderEvent, good: bool) -> None:
    """The event with facts as a person might give them; what the table or the facts forbid changes nothing."""
    lines = shop.lines(order_id)
    first = dict(list(lines.items())[:1])
    try:
        if event is E.RETURN:
            shop.send_back(order_id, lines if good else first)
        elif event in (E.RECEIVE, E.RECEIVE_PART, E.EXCHANGE):
            pieces = first if event is E.RECEIVE_PART else lines
            shop.inspect(order_id, event, pieces if good else {}, {} if good else pieces)
        else:
            shop.go(order_id, event)
    except CallyardError:
        pass


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.tuples(st.sampled_from(ALONE), st.booleans()), max_size=8),
    begin=st.sampled_from([None, E.PACK, E.SHIP, E.SIGN]),
    online=st.booleans(),
    pieces=st.tuples(st.integers(1, 3), st.integers(0, 2)),
)
def test_any_events_keep_stock_and_money_together(
    shop: Shop,
    events: list[tuple[OrderEvent, bool]],
    begin: OrderEvent | None,
    online: bool,
    pieces: tuple[int, int],
) -> None:
    order_id = shop.order(*pieces, payment=Payment.ONLINE if online else Payment.CASH_ON_DELIVERY, discount="3.33")
    if online:
        pay(shop, order_id, str(shop.read(order_id).total))
    if begin is not None:
        shop.until(order_id, begin)
    for event, good in events:
        attempt(shop, order_id, event, good)
    with shop.sessions() as session:
        held(session, shop.product_ids)


def test_the_table_is_whole() -> None:
    assert set(WHO) == set(OrderEvent) == {event for _state, event in TABLE}
    assert {state for state in S if not possible(state)} == {S.LOST, S.RETURNED, S.EXCHANGED, S.CANCELLED}
    assert {target for target, _effects in TABLE.values()} == set(S)
    assert wrong(S.NEW, money.Account(total=D(1))) == ""
    assert wrong(S.COMPLETED, money.Account(total=D(1))) == "unpaid"
