"""orders: how long it takes to compute an order and to save it, alone and with others at once, on both databases.

An order here has a product, a bundle, a gift by rule and points: everything that is looked up and taken at a save.
``python -m tests.bench.orders [customers] [orders]`` prints the figures.
"""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session, sessionmaker

from cti.store import demo_shop, points, quotes, shop
from cti.store.database import make_engine, make_session_factory
from cti.store.models import Customer, Member, Order, Product, Role, Stock, User, utc_now
from cti.store.setup import migrate
from tests.bench.customers import shares
from tests.bench.people import CUSTOMERS, ORDERS, loaded

SAVES, AT_ONCE = 400, 4
ON_SQLITE = 50_000
GOODS = (("P017", 1), ("B001", 1), ("P003", 2))
COUNTED = ("customers", "orders", "order_lines", "products")
Sessions = sessionmaker[Session]


def measure(customers: int = CUSTOMERS, orders: int = ORDERS) -> dict[str, Any]:
    """Milliseconds, by database."""
    with loaded(customers, orders) as url:
        found = {"postgresql": measure_on(url)}
    return found | {"sqlite": on_sqlite(min(customers, ON_SQLITE))}


def on_sqlite(customers: int = ON_SQLITE) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="cyb-") as folder:
        url = f"sqlite:///{Path(folder) / 'callyard.db'}"
        migrate(url)
        people(url, customers)
        return measure_on(url)


def measure_on(url: str) -> dict[str, Any]:
    engine = make_engine(url)
    sessions = make_session_factory(engine)
    try:
        user_id, customers = prepare(sessions)
        work = Save(sessions, user_id, customers)
        for _ in range(5):
            work.save()
        quoting = [timed(work.quote) for _ in range(SAVES)]
        alone = [timed(work.save) for _ in range(SAVES)]
        together = at_once(work.save, AT_ONCE, SAVES // AT_ONCE)
        return {"quote": shares(quoting), "save": shares(alone), f"save_{AT_ONCE}_at_once": shares(together)}
    finally:
        engine.dispose()


class Save:
    """Orders of one customer after the other."""

    def __init__(self, sessions: Sessions, user_id: str, customers: list[int]) -> None:
        self.sessions, self.user_id, self.customers = sessions, user_id, customers
        self._next, self._lock = 0, threading.Lock()

    def customer(self) -> int:
        with self._lock:
            self._next += 1
            return self.customers[self._next % len(self.customers)]

    def quote(self) -> None:
        with self.sessions() as session:
            self.quoted(session, self.customer())

    def quoted(self, session: Session, customer_id: int) -> quotes.Quote:
        codes = [code for code, _ in GOODS]
        found = {row.code: row for row in session.scalars(select(Product).where(Product.code.in_(codes)))}
        wanted = [quotes.Wanted(found[code], count) for code, count in GOODS]
        given = {"role": "agent", "customer_id": customer_id, "points_for_money": 10}
        return quotes.quote(session, wanted, shop.parameters(session), utc_now(), **given)

    def save(self) -> None:
        customer_id = self.customer()
        with self.sessions() as session:
            made = self.quoted(session, customer_id)
            order = Order(token=secrets.token_urlsafe(24), customer_id=customer_id, agent_user_id=self.user_id)
            quotes.place(session, order, made, self.user_id)
            session.commit()


def prepare(sessions: Sessions) -> tuple[str, list[int]]:
    """The demo shop with stock for all, a user, members with points."""
    with sessions() as session:
        if session.get_bind().dialect.name == "postgresql":
            for table in COUNTED:
                newest = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 1)) FROM {table}"
                session.execute(text(newest))
        if session.scalar(select(Product.id).where(Product.code == GOODS[0][0])) is None:
            demo_shop.fill(session)
        user = session.scalars(select(User).limit(1)).first()
        if user is None:
            user = User(username="bench", name="Bench", password_hash="-", role=Role.AGENT)
            session.add(user)
        session.flush()
        for row in session.scalars(select(Stock)):
            row.on_hand += 1_000_000
        customers = list(session.scalars(select(Customer.id).order_by(Customer.id).limit(500)))
        for customer_id in customers:
            if session.get(Member, customer_id) is None:
                points.ensure_member(session, customer_id)
                points.adjust(session, customer_id, 1000)
        session.commit()
        return user.id, customers


def people(url: str, count: int) -> None:
    """Customers as rows only: what an order looks up of them is their key."""
    engine = make_engine(url)
    now = utc_now()
    same = {"name": "演示", "name_initials": "YS", "first_entry_at": now, "updated_at": now}
    with engine.begin() as connection:
        connection.execute(insert(Customer), [{"number": 100_001 + n, **same} for n in range(count)])
    engine.dispose()


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def at_once(work: Callable[[], None], workers: int, times: int) -> list[float]:
    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(lambda: [timed(work) for _ in range(times)]) for _ in range(workers)]
        return [spent for done in running for spent in done.result()]


if __name__ == "__main__":
    asked = [int(value) for value in sys.argv[1:3]]
    print(json.dumps(measure(*asked), indent=2))
