"""What tests of the shop share: a customer, goods in a warehouse, a carrier, orders, people who may do everything."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from cti.domain.orders import ReturnKind
from cti.machines.order import OrderEvent as E
from cti.store import money, stock
from cti.store.actors import Actor
from cti.store.database import make_engine, make_session_factory
from cti.store.models import (
    Carrier,
    Customer,
    Order,
    OrderLine,
    Payment,
    Product,
    Refund,
    Role,
    User,
    Warehouse,
    utc_now,
)
from cti.store.order_effects import Inspected, Sent, Wanted
from cti.store.orders import advance, lock
from tests.fakes.site import Site
from tests.postgres import Postgres

STEPS = (E.CONFIRM, E.PICK, E.PACK, E.SHIP, E.SIGN)


@dataclass
class Shop:
    sessions: sessionmaker[Session]
    boss: Actor
    other: Actor
    customer_id: int = 0
    product_ids: tuple[int, ...] = ()
    carrier_id: int = 0
    warehouse_id: int = 0
    sent: int = 0

    def order(
        self,
        *pieces: int,
        payment: Payment = Payment.CASH_ON_DELIVERY,
        discount: str = "0",
        fee: str = "0",
        created_at: datetime | None = None,
    ) -> int:
        """An order of so many pieces of the first, the second … product, its goods reserved."""
        with self.sessions() as session:
            products = [session.get_one(Product, key) for key in self.product_ids]
            lines = [
                OrderLine(product_id=p.id, quantity=n, price=p.price, amount=p.price * n)
                for p, n in zip(products, pieces, strict=False)
                if n
            ]
            goods = sum((line.amount for line in lines), Decimal(0))
            made = Order(
                customer_id=self.customer_id,
                agent_user_id=str(self.boss.user_id),
                recipient="Demo",
                phone="+8619900000001",
                city="北京市",
                line="演示路 1 号",
                payment=payment,
                goods_total=goods,
                discount=Decimal(discount),
                shipping_fee=Decimal(fee),
                total=goods - Decimal(discount) + Decimal(fee),
                created_at=created_at or utc_now(),
                lines=lines,
            )
            session.add(made)
            session.flush()
            stock.reserve(session, made.lines)
            session.commit()
            return made.id

    def go(self, order_id: int, event: E, actor: Actor | None = None, **facts: object) -> None:
        """One event in a transaction of its own, with what it needs unless it is given."""
        if event is E.SHIP and "sent" not in facts:
            self.sent += 1
            facts["sent"] = Sent(self.carrier_id, f"W{order_id}-{self.sent}")
        facts.setdefault("reason", "so it is")
        with self.sessions() as session:
            advance(session, order_id, event, actor or self.boss, **facts)  # type: ignore[arg-type]
            session.commit()

    def until(self, order_id: int, last: E) -> int:
        for event in STEPS[: STEPS.index(last) + 1]:
            self.go(order_id, event)
        return order_id

    def send_back(self, order_id: int, pieces: dict[int, int], kind: ReturnKind = ReturnKind.RETURN) -> None:
        self.go(order_id, E.RETURN, wanted=Wanted(pieces, kind))

    def inspect(self, order_id: int, event: E, good: dict[int, int], bad: dict[int, int] | None = None) -> None:
        self.go(order_id, event, inspected=Inspected(good, bad or {}))

    def lines(self, order_id: int) -> dict[int, int]:
        with self.sessions() as session:
            rows = select(OrderLine.id, OrderLine.quantity).where(OrderLine.order_id == order_id)
            return {row[0]: row[1] for row in session.execute(rows.order_by(OrderLine.id))}

    def read(self, order_id: int) -> Order:
        with self.sessions() as session:
            order = session.get_one(Order, order_id)
            assert order.lines is not None
            return order

    def level(self, at: int = 0) -> tuple[int, int]:
        with self.sessions() as session:
            found = stock.levels(session, self.product_ids)[self.product_ids[at]]
            return found.on_hand, found.reserved


_COUNT = count(1)


def person(session: Session, username: str, can: Callable[[str], bool] = lambda _permission: True) -> Actor:
    user = User(username=username, name=username, role=Role.SUPERVISOR, password_hash="-")
    session.add(user)
    session.flush()
    return Actor(user.id, username, can)


def open_shop(sessions: sessionmaker[Session], prices: tuple[str, ...] = ("100.00", "33.33"), there: int = 100) -> Shop:
    """A shop of its own in a database that others may use as well."""
    number = next(_COUNT)
    with sessions() as session:
        customer, carrier = Customer(name="Demo"), Carrier(code=f"SF{number}", name="Demo Express")
        warehouse = Warehouse(code=f"W{number}", name="主仓", position=number)
        products = [
            Product(code=f"G{number}-{n}", name=f"商品 {n}", price=Decimal(price), track_stock=True)
            for n, price in enumerate(prices, 1)
        ]
        boss, other = person(session, f"boss{number}"), person(session, f"other{number}")
        session.add_all([customer, carrier, warehouse, *products])
        session.flush()
        for product in products:
            stock.bring_in(session, product, warehouse.id, there)
        session.commit()
        ids = tuple(product.id for product in products)
        return Shop(sessions, boss, other, customer.id, ids, carrier.id, warehouse.id)


@pytest.fixture(scope="session")
def shop_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all tests of the shop's pages; each test opens a shop of its own in it."""
    made = Site(tmp_path_factory.mktemp("shop-site"))
    yield made
    made.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shop_sessions(
    request: pytest.FixtureRequest, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sessionmaker[Session]]:
    """One database of each kind for all tests of the shop's books; each opens a shop of its own in it."""
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path_factory.mktemp('shop') / 'shop.db')}"
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database(request.getfixturevalue("migrated_template"))
    engine = make_engine(url)
    yield make_session_factory(engine)
    engine.dispose()


def account(shop: Shop, order_id: int) -> money.Account:
    with shop.sessions() as session:
        return money.account(session, session.get_one(Order, order_id))


def one_refund(shop: Shop, order_id: int) -> Refund:
    with shop.sessions() as session:
        return session.scalars(select(Refund).where(Refund.order_id == order_id)).one()


def pay(shop: Shop, order_id: int, amount: str) -> None:
    with shop.sessions() as session:
        money.receive(session, lock(session, order_id), Decimal(amount), "bank", shop.boss)
        session.commit()
