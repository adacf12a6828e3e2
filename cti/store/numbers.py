"""Numbers that people read aloud: customer and order numbers, given out once each from rows of ``counters``.

One statement takes the next numbers, so two processes never get the same; a transaction that is rolled back
gives its number back. Kept out of the models so that they stay a description of tables.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cti.store.models.centre import Counter
from cti.store.models.customers import Customer
from cti.store.models.orders import Order

PROVISIONAL = "~"
"""With which the number of an order begins that has none yet; no other transaction ever sees it."""
FIRST = {
    "airing": 1_001,
    "customer": 100_001,
    "difference": 1_001,
    "member": 60_000_001,
    "order": 10_000_001,
    "pick": 1_001,
    "return": 1_001,
    "refund": 1_001,
    "settlement": 1_001,
    "invoice": 100_001,
}


def next_number(connection: Connection, series: str) -> int:
    """The next number of ``series``; the row stays locked until the transaction ends."""
    return next_numbers(connection, series, 1)


def next_numbers(connection: Connection, series: str, count: int) -> int:
    """The first of the next ``count`` numbers."""
    taken = update(Counter).where(Counter.name == series).values(value=Counter.value + count).returning(Counter.value)
    value = connection.scalar(taken)
    if value is not None:
        return value - count + 1
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = insert(Counter).values(name=series, value=FIRST[series] - 1).on_conflict_do_nothing()
    connection.execute(first)
    value = connection.scalar(taken)
    if value is None:
        raise RuntimeError(f"no counter {series}: {connection.scalar(select(Counter.name))!r}")
    return value - count + 1


@contextmanager
def numbered_last(session: Session, order: Order) -> Iterator[None]:
    """What is done inside stores the order and all that belongs to it; then it gets its number.

    The counter is the one row that every order needs, so that who takes a number first makes all others wait for the
    rest. Nothing inside may name the number.
    """
    order.number = PROVISIONAL + secrets.token_hex(15)
    yield
    session.flush()
    order.number = str(next_number(session.connection(), "order"))
    session.flush()


@event.listens_for(Session, "before_flush")
def _number(session: Session, _context: Any, _instances: Any) -> None:
    """However many are made at once, their numbers are taken by one statement."""
    customers = [one for one in session.new if isinstance(one, Customer) and not one.number]
    if customers:
        first = next_numbers(session.connection(), "customer", len(customers))
        for number, customer in enumerate(customers, first):
            customer.number = number
    orders = [one for one in session.new if isinstance(one, Order) and not one.number]
    if orders:
        first = next_numbers(session.connection(), "order", len(orders))
        for number, order in enumerate(orders, first):
            order.number = str(number)
