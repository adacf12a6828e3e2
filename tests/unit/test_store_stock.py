"""Stock on both databases: nothing is promised twice however many ask at once, and the ledger is the stock."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from cti.store import points, quotes, stock
from cti.store.models import (
    BundlePart,
    Customer,
    Order,
    OrderLine,
    Product,
    Role,
    Stock,
    StockMovement,
    StockReservation,
    User,
    Warehouse,
    utc_now,
)
from cti.store.shop import Parameters
from tests.stores import Store

WORKERS = 50


def product(code: str = "A", **values: Any) -> Product:
    return Product(**{"code": code, "name": code, "price": Decimal("9.90"), "track_stock": True} | values)


@pytest.fixture
def shop(store: Store) -> Store:
    """A user, a customer, two warehouses, 20 pieces of A in the first."""
    with store.sessions() as session:
        session.add(User(id="u", username="u", name="Demo", password_hash="x", role=Role.AGENT))
        session.add(Customer(id=1, name="Demo"))
        session.add_all([Warehouse(id=1, code="w1", name="One"), Warehouse(id=2, code="w2", name="Two", position=1)])
        goods = product()
        session.add(goods)
        session.flush()
        stock.bring_in(session, goods, 1, 20, user_id="u", reason="first")
        session.commit()
    return store


def order(session: Session, *rows: tuple[str, int]) -> Order:
    made = Order(customer_id=1, agent_user_id="u")
    for code, quantity in rows:
        goods = session.scalars(select(Product).where(Product.code == code)).one()
        made.lines.append(OrderLine(product=goods, quantity=quantity, price=goods.price, amount=0))
    session.add(made)
    session.flush()
    return made


def level(store: Store, code: str = "A") -> tuple[int, int]:
    with store.sessions() as session:
        goods = session.scalars(select(Product).where(Product.code == code)).one()
        found = stock.levels(session, [goods.id]).get(goods.id, stock.Level())
        return found.on_hand, found.reserved


def assert_the_ledger_is_the_stock(store: Store) -> None:
    with store.sessions() as session:
        sums = func.sum(StockMovement.on_hand), func.sum(StockMovement.reserved)
        ledger = select(StockMovement.product_id, StockMovement.warehouse_id, *sums)
        found = session.execute(ledger.group_by(StockMovement.product_id, StockMovement.warehouse_id)).all()
        rows = session.execute(select(Stock.product_id, Stock.warehouse_id, Stock.on_hand, Stock.reserved)).all()
        nonzero = {tuple(map(int, row)) for row in rows if row[2] or row[3]}
        assert {tuple(map(int, row)) for row in found if row[2] or row[3]} == nonzero
        held = session.scalar(select(func.sum(StockReservation.reserved))) or 0
        assert held == sum(row[3] for row in nonzero)


def at_once(store: Store, work: Callable[[Session], None], times: int = WORKERS) -> list[Exception | None]:
    """Each of ``times`` threads does the work in a transaction of its own; what each of them met."""
    gate = threading.Barrier(times)

    def one() -> Exception | None:
        gate.wait(20)
        with store.sessions() as session:
            try:
                work(session)
                session.commit()
            except stock.OutOfStock as error:
                return error
        return None

    with ThreadPoolExecutor(times) as pool:
        return [done.result(60) for done in [pool.submit(one) for _ in range(times)]]


def test_fifty_order_the_last_twenty_pieces_and_twenty_are_sold(shop: Store) -> None:
    met = at_once(shop, lambda session: stock.reserve(session, order(session, ("A", 1)).lines))
    refused = [error for error in met if error is not None]
    assert len(refused) == WORKERS - 20
    assert {error.left for error in refused if isinstance(error, stock.OutOfStock)} == {0}
    assert level(shop) == (20, 20)
    with shop.sessions() as session:
        numbers = sorted(int(n) for n in session.scalars(select(Order.number)))
        assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert_the_ledger_is_the_stock(shop)


def test_an_order_that_cannot_have_one_product_has_none(shop: Store) -> None:
    with shop.sessions() as session:
        session.add(product("B"))
        session.commit()
        with pytest.raises(stock.OutOfStock) as refused:
            stock.reserve(session, order(session, ("A", 5), ("B", 1)).lines)
        assert (refused.value.product.code, refused.value.wanted, refused.value.left) == ("B", 1, 0)
        session.rollback()
    assert level(shop) == (20, 0)


def table_of(statement: str) -> str:
    found = re.match(r"UPDATE (\w+)|INSERT INTO (\w+)|SELECT .*?\sFROM (\w+)", statement, re.DOTALL)
    return next(filter(None, found.groups())) if found else ""


def test_nothing_is_looked_up_while_others_wait_for_an_order_to_be_saved(shop: Store) -> None:
    said: list[str] = []
    with shop.sessions() as session:
        points.ensure_member(session, 1)
        points.adjust(session, 1, 100)
        order(session, ("A", 1))  # the counter's row is there
        session.commit()
        goods = session.scalars(select(Product).where(Product.code == "A")).one()
        wanted, pays = [quotes.Wanted(goods, 2)], Parameters(points_per_unit=1)
        made = quotes.quote(session, wanted, pays, utc_now(), customer_id=1, points_for_money=5)
        assert made.points_used == 5
        event.listen(shop.engine, "before_cursor_execute", lambda _c, _k, statement, *_rest: said.append(statement))
        placed = Order(customer_id=1, agent_user_id="u")
        quotes.place(session, placed, made)
        session.commit()
    touched = [table_of(statement) for statement in said]
    assert touched[touched.index("stock") :] == [
        "stock",
        "stock",
        "stock_reservations",
        "stock_movements",
        "counters",
        "orders",
        "webhooks",
    ]
    assert placed.number.isdecimal()
    assert level(shop) == (20, 2)
    assert_the_ledger_is_the_stock(shop)


def test_from_the_promise_to_the_return(shop: Store) -> None:
    with shop.sessions() as session:
        made = order(session, ("A", 6))
        stock.reserve(session, made.lines)
        stock.reserve(session, made.lines)
        session.commit()
        assert level(shop) == (20, 6)
        stock.release(session, made.lines, {made.lines[0].id: 2})
        session.commit()
        assert level(shop) == (20, 4)
        stock.take(session, made.lines)
        stock.take(session, made.lines)
        session.commit()
        assert level(shop) == (16, 0)
        stock.put_back(session, made.lines, {made.lines[0].id: 3})
        session.commit()
        assert level(shop) == (19, 0)
        stock.put_back(session, made.lines)
        stock.release(session, made.lines)
        session.commit()
    assert level(shop) == (20, 0)
    assert_the_ledger_is_the_stock(shop)


def test_one_warehouse_is_preferred_and_two_together_suffice(shop: Store) -> None:
    with shop.sessions() as session:
        goods = session.scalars(select(Product)).one()
        stock.transfer(session, goods, 1, 2, 12)
        whole, both = order(session, ("A", 10)), order(session, ("A", 9))
        stock.reserve(session, whole.lines)
        stock.reserve(session, both.lines)
        session.commit()

        def held(made: Order) -> dict[int, int]:
            rows = select(StockReservation).where(StockReservation.line_id == made.lines[0].id)
            return {row.warehouse_id: row.reserved for row in session.scalars(rows)}

        assert held(whole) == {2: 10}
        assert held(both) == {1: 8, 2: 1}
        stock.take(session, both.lines)
        stock.put_back(session, both.lines)
        session.commit()
    assert_the_ledger_is_the_stock(shop)
    assert level(shop) == (20, 10)


def test_a_backorder_is_promised_but_leaves_only_when_it_is_there(shop: Store) -> None:
    with shop.sessions() as session:
        goods = product("B", backorder=True)
        session.add(goods)
        made = order(session, ("B", 3))
        stock.reserve(session, made.lines)
        session.commit()
        assert stock.levels(session, [goods.id])[goods.id].available == -3
        with pytest.raises(stock.OutOfStock):
            stock.take(session, made.lines)
        session.rollback()
        stock.bring_in(session, goods, 1, 5)
        stock.take(session, made.lines)
        session.commit()
    assert level(shop, "B") == (2, 0)
    assert_the_ledger_is_the_stock(shop)


def test_what_is_promised_does_not_leave_otherwise(shop: Store) -> None:
    with shop.sessions() as session:
        goods = session.scalars(select(Product)).one()
        stock.reserve(session, order(session, ("A", 15)).lines)
        session.commit()
        for leave in (lambda: stock.take_out(session, goods, 1, 6), lambda: stock.transfer(session, goods, 1, 2, 6)):
            with pytest.raises(stock.OutOfStock) as refused:
                leave()
            assert refused.value.left == 5
            session.rollback()
        stock.take_out(session, goods, 1, 5, reason="broken")
        session.commit()
    assert level(shop) == (15, 15)


def test_a_count_writes_the_difference_and_sees_what_moved_meanwhile(shop: Store) -> None:
    with shop.sessions() as session:
        goods = session.scalars(select(Product)).one()
        assert stock.count(session, goods, 1, 18, 20, user_id="u") == -2
        session.commit()
        with pytest.raises(stock.StockChanged):
            stock.count(session, goods, 1, 19, 20)
        session.rollback()
        assert stock.count(session, goods, 2, 4, 0) == 4
        session.commit()
    assert level(shop) == (22, 0)
    assert_the_ledger_is_the_stock(shop)


def test_a_split_order_keeps_its_promises(shop: Store) -> None:
    with shop.sessions() as session:
        first, second = order(session, ("A", 6)), order(session, ("A", 2))
        stock.reserve(session, first.lines)
        first.lines[0].quantity = 4
        stock.hand_over(session, first.lines[0], second.lines[0], 2)
        session.commit()
        assert level(shop) == (20, 6)
        stock.take(session, second.lines)
        stock.release(session, first.lines)
        session.commit()
    assert level(shop) == (18, 0)
    assert_the_ledger_is_the_stock(shop)


def test_a_bundle_can_be_had_as_often_as_its_parts_allow(shop: Store) -> None:
    with shop.sessions() as session:
        second, free, pack = product("B"), product("C", track_stock=False), product("P", bundle=True)
        session.add_all([second, free, pack])
        session.flush()
        stock.bring_in(session, second, 2, 7)
        first = session.scalars(select(Product).where(Product.code == "A")).one()
        for part, quantity in ((first, 3), (second, 2), (free, 9)):
            pack.parts.append(BundlePart(product=part, quantity=quantity))
        session.commit()
        found = stock.levels(session, [pack.id, free.id])
        assert {key: value.available for key, value in found.items()} == {pack.id: 3}
