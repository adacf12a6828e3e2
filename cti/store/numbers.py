"""Numbers that people read aloud: customer and order numbers, given out once each from rows of ``counters``.

One statement takes the next number, so two processes never get the same; a transaction that is rolled back
gives its number back. Kept out of the models so that they stay a description of tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapper

from cti.store.models.centre import Counter
from cti.store.models.customers import Customer
from cti.store.models.orders import Order

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
    taken = update(Counter).where(Counter.name == series).values(value=Counter.value + 1).returning(Counter.value)
    value = connection.scalar(taken)
    if value is not None:
        return value
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = insert(Counter).values(name=series, value=FIRST[series] - 1).on_conflict_do_nothing()
    connection.execute(first)
    value = connection.scalar(taken)
    if value is None:
        raise RuntimeError(f"no counter {series}: {connection.scalar(select(Counter.name))!r}")
    return value


@event.listens_for(Customer, "before_insert")
def _number_customer(_mapper: Mapper[Any], connection: Connection, customer: Customer) -> None:
    if not customer.number:
        customer.number = next_number(connection, "customer")


@event.listens_for(Order, "before_insert")
def _number_order(_mapper: Mapper[Any], connection: Connection, order: Order) -> None:
    if not order.number:
        order.number = str(next_number(connection, "order"))
