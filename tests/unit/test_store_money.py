"""Money of orders: by two people, at the same moment, in numbers without gaps, and from carriers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from cti.domain.errors import CallyardError, IllegalTransition, MoneyRefused
from cti.domain.orders import OrderStatus as S
from cti.machines.order import OrderEvent as E
from cti.store import money, settling
from cti.store.models import Invoice, Order, Payment, Refund, SettlementLine, utc_now
from cti.store.orders import advance, lock
from cti.store.reconciling import books
from tests.shop import Shop, account, one_refund, open_shop, pay

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def shop(shop_sessions: sessionmaker[Session]) -> Shop:
    return open_shop(shop_sessions)


# ---------------------------------------------------------------- money by two people, numbers without gaps


def test_a_refund_needs_a_second_person(shop: Shop) -> None:
    order_id = shop.order(1, payment=Payment.ONLINE)
    pay(shop, order_id, "100.00")
    shop.go(order_id, E.VOID)
    refund = one_refund(shop, order_id)
    for actor, call in (
        (shop.boss, lambda s, a: money.decide(s, refund.id, True, a)),
        (shop.other, lambda s, a: money.pay_back(s, refund.id, "x", a)),
    ):
        with shop.sessions() as session, pytest.raises(MoneyRefused):
            call(session, actor)
    with shop.sessions() as session:
        money.decide(session, refund.id, True, shop.other)
        money.pay_back(session, refund.id, "bank 1", shop.boss)
        session.commit()
    with shop.sessions() as session, pytest.raises(MoneyRefused):
        money.pay_back(session, refund.id, "bank 2", shop.boss)
    assert account(shop, order_id) == money.Account(*map(D, ("100.00", "100.00", "100.00", "100.00", "0", "0")))


def test_an_invoice_keeps_its_number_when_it_is_void(shop: Shop) -> None:
    order_id = shop.until(shop.order(1), E.SIGN)
    with shop.sessions() as session:
        invoice = money.issue_invoice(session, lock(session, order_id), "演示公司", "", shop.boss)
        with pytest.raises(MoneyRefused):
            money.issue_invoice(session, lock(session, order_id), "演示公司", "", shop.boss)
        with pytest.raises(MoneyRefused):
            money.void_invoice(session, invoice.id, "", shop.boss)
        money.void_invoice(session, invoice.id, "title", shop.boss)
        again = money.issue_invoice(session, lock(session, order_id), "演示有限公司", "", shop.boss)
        assert again.number == invoice.number + 1
        session.commit()


def at_once(count: int, work: Callable[[int], None]) -> list[Exception]:
    """``work`` in so many threads that begin together; what they raised."""
    gate, raised = threading.Barrier(count), list[Exception]()

    def go(n: int) -> None:
        gate.wait(20)
        try:
            work(n)
        except CallyardError as error:
            raised.append(error)

    threads = [threading.Thread(target=go, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_two_people_at_one_order_one_gets_it(shop: Shop) -> None:
    order_id = shop.until(shop.order(1), E.PACK)
    raised = at_once(6, lambda n: shop.go(order_id, E.SHIP if n % 2 else E.VOID))
    assert len(raised) == 5
    assert all(isinstance(error, IllegalTransition) for error in raised)
    on_hand, reserved = shop.level()
    assert reserved == 0
    assert on_hand == (99 if shop.read(order_id).status is S.SHIPPED else 100)


def test_numbers_of_money_have_no_gaps_whoever_gives_up(shop: Shop) -> None:
    """20 at once; every second one takes a number and gives it back."""
    orders = [shop.order(1) for _ in range(20)]

    def invoice(n: int) -> None:
        with shop.sessions() as session:
            money.issue_invoice(session, lock(session, orders[n]), "演示公司", "", shop.boss)
            if n % 2:
                session.rollback()
            else:
                session.commit()

    assert not at_once(20, invoice)
    with shop.sessions() as session:
        numbers = sorted(session.scalars(select(Invoice.number).where(Invoice.order_id.in_(orders))))
    assert numbers == list(range(numbers[0], numbers[0] + 10))


def test_two_people_close_one_settlement_once(shop: Shop) -> None:
    order_id = shop.until(shop.order(1), E.SIGN)
    today = utc_now().date()
    with shop.sessions() as session:
        end = utc_now() + timedelta(hours=1)
        opened = settling.open_statement(session, shop.carrier_id, today, today, end, shop.boss).id
        settling.agree(session, opened, shop.boss)
        session.commit()

    def close(_n: int) -> None:
        with shop.sessions() as session:
            settling.close(session, opened, shop.boss)
            session.commit()

    assert [error.code for error in at_once(5, close)] == ["money.refused"] * 4
    assert (account(shop, order_id).received, account(shop, order_id).with_carriers) == (D("100.00"), 0)


def test_refunds_have_no_gaps_either(shop: Shop) -> None:
    orders = [shop.order(1, payment=Payment.ONLINE) for _ in range(8)]
    for order_id in orders:
        pay(shop, order_id, "100.00")

    def void(n: int) -> None:
        with shop.sessions() as session:
            advance(session, orders[n], E.VOID, shop.boss, reason="x")
            if n % 2:
                session.rollback()
            else:
                session.commit()

    assert not at_once(8, void)
    with shop.sessions() as session:
        numbers = sorted(session.scalars(select(Refund.number).where(Refund.order_id.in_(orders))))
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_accounts_of_many_orders_are_those_of_each(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [shop.until(shop.order(n), E.SIGN) for n in (1, 2, 3)]
    with shop.sessions() as session:
        totals = {key: session.get_one(Order, key).total for key in (orders[0], orders[2])}
        few = money.accounts(session, totals)
        monkeypatch.setattr(money, "FEW", 0)
        assert money.accounts(session, totals) == few
        assert [found.with_carriers for found in few.values()] == [D("100.00"), D("300.00")]


# ---------------------------------------------------------------- what carriers hand over


def test_what_a_carrier_keeps_stands_on_the_next_statement(shop: Shop) -> None:
    orders = [shop.until(shop.order(1), E.SIGN) for _ in range(3)]
    today, end = utc_now().date(), utc_now() + timedelta(hours=1)
    with shop.sessions() as session:
        first = settling.open_statement(session, shop.carrier_id, today, today, end, shop.boss)
        with pytest.raises(MoneyRefused):
            settling.open_statement(session, shop.carrier_id, today, today, end, shop.boss)
        waybills = [line.waybill for line in first.lines]
        told = [settling.Reported(waybills[0], D("60.00"), D("2.00")), settling.Reported("nobody's", D("5.00"))]
        settling.report(session, first.id, [*told, settling.Reported(waybills[1], D("120.00"))], shop.boss)
        assert (first.expected, first.reported, first.fee) == (D("300.00"), D("185.00"), D("2.00"))
        with pytest.raises(MoneyRefused):
            settling.close(session, first.id, shop.boss)
        settling.explain(session, first.id, {line.id: "asked" for line in first.lines}, shop.boss)
        settling.close(session, first.id, shop.boss)
        session.commit()
        number = first.number
        first.fee = D("1.00")
        with pytest.raises(MoneyRefused):
            session.flush()
        session.rollback()
        session.delete(session.get_one(SettlementLine, first.lines[0].id))
        with pytest.raises(MoneyRefused):
            session.flush()
        session.rollback()
        second = settling.open_statement(session, shop.carrier_id, today, today, end, shop.boss)
        assert [(line.waybill, line.expected) for line in second.lines] == [
            (waybills[0], D("40.00")),
            (waybills[2], D("100.00")),
        ]
        settling.agree(session, second.id, shop.boss)
        assert settling.close(session, second.id, shop.boss).number == (number or 0) + 1
        session.commit()
        assert not books(session, *EVER).odd
    assert [account(shop, key).with_carriers for key in orders] == [0, 0, 0]
