"""What becomes of money that a carrier hands over differently: decided by people, and the books still add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from cti.domain.errors import CallyardError, IllegalTransition, MoneyRefused, NotPermitted
from cti.domain.orders import DifferenceKind as K
from cti.domain.orders import DifferenceState as S
from cti.domain.orders import LineDecision, ParcelState
from cti.machines.difference import OF, TABLE, WHO, possible
from cti.machines.difference import DifferenceEvent as D_
from cti.machines.order import OrderEvent as E
from cti.store import differences, settling
from cti.store.actors import Actor
from cti.store.differences import Facts
from cti.store.models import (
    AuditEntry,
    CarrierDifference,
    Order,
    Parcel,
    Receipt,
    Settlement,
    SettlementLine,
    utc_now,
)
from cti.store.money import Account, account
from cti.store.reconciling import books, by_carrier
from tests.shop import Shop, open_shop

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
_COUNT = count(1)


@pytest.fixture
def shop(shop_sessions: sessionmaker[Session]) -> Shop:
    return open_shop(shop_sessions)


def close(shop: Shop, told: dict[str, str], decision: LineDecision = LineDecision.CARRY) -> list[str]:
    """A statement on which the carrier reports ``told`` and the rest as expected; the waybills of its lines."""
    today, end = utc_now().date(), utc_now() + timedelta(hours=1)
    with shop.sessions() as session:
        made = settling.open_statement(session, shop.carrier_id, today, today, end, shop.boss)
        settling.report(session, made.id, [settling.Reported(k, D(v)) for k, v in told.items()], shop.boss)
        settling.agree(session, made.id, shop.boss)
        lines = {line.id: line.waybill for line in made.lines}
        settling.explain(session, made.id, dict.fromkeys(lines, "why"), shop.boss, dict.fromkeys(lines, decision))
        settling.close(session, made.id, shop.boss)
        session.commit()
        return list(lines.values())


def signed(shop: Shop, pieces: int = 1) -> tuple[int, str]:
    """An order of 100.00 a piece that was signed for, and its waybill."""
    order_id = shop.until(shop.order(pieces), E.SIGN)
    with shop.sessions() as session:
        return order_id, session.scalars(select(Parcel.waybill).where(Parcel.order_id == order_id)).one()


def the(shop: Shop, waybill: str, **like: object) -> CarrierDifference:
    with shop.sessions() as session:
        query = select(CarrierDifference).where(CarrierDifference.waybill == waybill).filter_by(**like)
        return session.scalars(query).one()


def go(shop: Shop, difference: CarrierDifference, event: D_, actor: Actor | None = None, **facts: Any) -> None:
    with shop.sessions() as session:
        given = Facts(**facts)
        differences.advance(session, difference.id, event, actor or shop.boss, "so it is", given)
        session.commit()


def of(shop: Shop, order_id: int) -> Account:
    with shop.sessions() as session:
        return account(session, session.get_one(Order, order_id))


def adds_up(shop: Shop) -> None:
    """Customers' accounts, carriers' accounts, and each statement against what was booked and kept apart by it."""
    with shop.sessions() as session:
        found = books(session, *EVER)
        assert found.whole.adds_up
        assert not found.odd, found.odd
        parcels = session.scalars(select(Parcel).where(Parcel.state == ParcelState.SIGNED)).all()
        for sums in by_carrier(session):
            mine = [parcel for parcel in parcels if parcel.carrier_id == sums.carrier_id]
            assert sums.to_settle == sum(differences.owed(session, mine).values()) >= 0
        for closed in session.scalars(select(Settlement).where(Settlement.number.is_not(None))):
            booked = session.scalar(select(func.sum(Receipt.amount)).where(Receipt.settlement_id == closed.id))
            surplus = select(func.sum(CarrierDifference.amount)).where(
                CarrierDifference.settlement_id == closed.id, CarrierDifference.kind.in_((K.OVER, K.UNKNOWN))
            )
            assert closed.reported == (booked or 0) + (session.scalar(surplus) or 0)


def test_what_is_claimed_stands_on_no_statement_until_it_is_paid(shop: Shop) -> None:
    order_id, waybill = signed(shop)
    close(shop, {waybill: "60.00"}, LineDecision.CLAIM)
    claim = the(shop, waybill)
    assert (claim.kind, claim.state, claim.amount, claim.number > 1000) == (K.SHORT, S.CLAIMED, D("40.00"), True)
    _other, another = signed(shop)
    assert close(shop, {}) == [another]
    assert (of(shop, order_id).received, of(shop, order_id).with_carriers) == (D("60.00"), D("40.00"))
    with pytest.raises(MoneyRefused):
        go(shop, claim, D_.PAID, amount=D("40.01"))
    go(shop, claim, D_.PAID, amount=D("30.00"), reference="B-1")
    rest = the(shop, waybill, state=S.CLAIMED)
    assert (rest.amount, rest.parent_id, the(shop, waybill, state=S.SETTLED).amount) == (D("10.00"), claim.id, 30)
    assert of(shop, order_id).with_carriers == D("10.00")
    adds_up(shop)
    go(shop, rest, D_.CARRY)
    assert close(shop, {}) == [waybill]
    assert (of(shop, order_id).with_carriers, of(shop, order_id).received) == (0, D("100.00"))
    adds_up(shop)
    with shop.sessions() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.object == f"difference/{claim.id}")).all()
        assert [entry.action for entry in told] == ["difference.create", "difference.step", "difference.step"]


def test_a_loss_needs_a_second_person(shop: Shop) -> None:
    order_id, waybill = signed(shop)
    close(shop, {waybill: "60.00"}, LineDecision.WRITE_OFF)
    asked = the(shop, waybill)
    with pytest.raises(MoneyRefused):
        go(shop, asked, D_.APPROVE)
    with pytest.raises(NotPermitted):
        go(shop, asked, D_.APPROVE, Actor(shop.other.user_id, "x", lambda name: name == "finance.settle"))
    go(shop, asked, D_.DECLINE, shop.other)
    with pytest.raises(IllegalTransition):
        go(shop, asked, D_.APPROVE, shop.other)
    assert of(shop, order_id).with_carriers == D("40.00")
    go(shop, asked, D_.ASK)
    go(shop, asked, D_.APPROVE, shop.other)
    now = of(shop, order_id)
    assert (now.received, now.written_off, now.with_carriers, now.due) == (D("60.00"), D("40.00"), 0, 0)
    adds_up(shop)
    _next, another = signed(shop)
    assert close(shop, {}) == [another]


def test_money_for_an_unknown_waybill_finds_its_parcel(shop: Shop) -> None:
    (first, short), (second, _unpaid) = signed(shop), signed(shop)
    stranger = f"typo{next(_COUNT)}"
    close(shop, {short: "50.00", stranger: "80.00"}, LineDecision.CLAIM)
    surplus = the(shop, stranger)
    assert (surplus.kind, surplus.state, surplus.amount) == (K.UNKNOWN, S.OPEN, D("80.00"))
    for nothing in ("nowhere", _unpaid):
        with pytest.raises(MoneyRefused):
            go(shop, surplus, D_.ASSIGN, waybill=nothing)
    with pytest.raises(IllegalTransition):
        go(shop, surplus, D_.CARRY)
    go(shop, surplus, D_.ASSIGN, waybill=short)
    assert (of(shop, first).with_carriers, of(shop, second).with_carriers) == (0, 0)
    rest = the(shop, stranger, state=S.OPEN)
    assert rest.amount == D("30.00")
    third, waybill = signed(shop)
    go(shop, rest, D_.ASSIGN, waybill=waybill)
    assert of(shop, third).with_carriers == D("70.00")
    adds_up(shop)
    assert close(shop, {waybill: "75.00"}) == [waybill]
    over = the(shop, waybill)
    assert (over.kind, over.amount) == (K.OVER, D("5.00"))
    go(shop, over, D_.GIVE_BACK, reference="B-2")
    adds_up(shop)


def test_broken_goods_are_claimed_and_are_no_money_of_the_order(shop: Shop) -> None:
    order_id = shop.until(shop.order(2), E.SHIP)
    shop.go(order_id, E.LOSE)
    with shop.sessions() as session:
        waybill = session.scalars(select(Parcel.waybill).where(Parcel.order_id == order_id)).one()
        for name, amount, reason in ((waybill, "200.01", "x"), (waybill, "1.00", " "), ("none", "1.00", "x")):
            with pytest.raises(MoneyRefused):
                differences.damage(session, name, D(amount), reason, shop.boss)
        differences.damage(session, waybill, D("150.00"), "fell off", shop.boss)
        session.commit()
        with pytest.raises(MoneyRefused):
            differences.damage(session, waybill, D("50.01"), "again", shop.boss)
        session.rollback()
    claim = the(shop, waybill)
    before = of(shop, order_id)
    go(shop, claim, D_.PAID, amount=D("100.00"))
    assert the(shop, waybill, state=S.CLAIMED).amount == D("50.00")
    assert of(shop, order_id) == before
    adds_up(shop)


def test_a_claim_that_is_paid_while_it_stands_on_a_statement_is_not_booked_twice(shop: Shop) -> None:
    order_id, waybill = signed(shop)
    close(shop, {waybill: "60.00"})
    close(shop, {waybill: "30.00", "x": "10.00"}, LineDecision.CLAIM)
    today, end = utc_now().date(), utc_now() + timedelta(hours=1)
    other, second = signed(shop)
    with shop.sessions() as session:
        begun = settling.open_statement(session, shop.carrier_id, today, today, end, shop.boss).id
        session.commit()
    go(shop, the(shop, "x"), D_.ASSIGN, waybill=second)
    with shop.sessions() as session:
        settling.agree(session, begun, shop.boss)
        with pytest.raises(MoneyRefused):
            settling.close(session, begun, shop.boss)
        settling.explain(session, begun, {line.id: "paid before" for line in begun_lines(session, begun)}, shop.boss)
        settling.close(session, begun, shop.boss)
        session.commit()
    assert of(shop, other).with_carriers == 0
    assert the(shop, second).kind is K.OVER
    assert of(shop, order_id).with_carriers == D("10.00")
    adds_up(shop)


def begun_lines(session: Session, settlement_id: int) -> list[SettlementLine]:
    return list(session.get_one(Settlement, settlement_id).lines)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(st.integers(0, 130), min_size=2, max_size=2),
    decisions=st.lists(st.sampled_from(list(LineDecision)), min_size=2, max_size=2),
    events=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(list(D_)), st.integers(1, 60)), max_size=6),
)
def test_any_decisions_keep_the_sums(
    shop: Shop, told: list[int], decisions: list[LineDecision], events: list[tuple[int, D_, int]]
) -> None:
    waybills = [signed(shop)[1] for _ in told]
    for decision in decisions:
        close(shop, {w: f"{n}.00" for w, n in zip(waybills, told, strict=True)} | {"odd": "7.00"}, decision)
    for at, event, amount in events:
        with shop.sessions() as session:
            known = session.scalars(
                select(CarrierDifference).where(CarrierDifference.carrier_id == shop.carrier_id)
            ).all()
            actor = shop.other if event in (D_.APPROVE, D_.DECLINE) else shop.boss
            facts = Facts(D(amount) if event is D_.PAID else None, "", waybills[at % len(waybills)])
            try:
                differences.advance(session, known[at % len(known)].id, event, actor, "x", facts)
                session.commit()
            except CallyardError:
                session.rollback()
    adds_up(shop)


def test_the_table_is_whole() -> None:
    assert set(WHO) == set(D_) == {event for _state, event in TABLE}
    assert {event for events in OF.values() for event in events} == set(D_)
    ends = {S.CARRIED, S.WRITTEN_OFF, S.SETTLED}
    assert {state for state in S if not any(possible(kind, state) for kind in K)} == ends
