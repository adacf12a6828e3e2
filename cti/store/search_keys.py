"""The index of the search box, kept beside each customer: which keys a name has, and when they are written.

A key is two neighbouring characters of the name (``张伟``; the last one stands with ``$``), or ``^`` and the beginning
of its initials (``^ZW``). So two Chinese characters are found at any size on both databases: PostgreSQL's pg_trgm
needs three, SQLite's FTS5 too. Merged customers have no keys. Must not know how keys are searched.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, delete, event, insert, inspect
from sqlalchemy.orm import Mapper

from cti.store.initials import first_letters, initials
from cti.store.models.customers import Customer
from cti.store.models.merges import CustomerKey

END = "$"
BEGINS = "^"
INITIALS = 4  # longer ones are compared with the column


def keys_of(name: str) -> set[str]:
    """Every key of a name. Besides the usual reading of its characters that of each by itself counts."""
    return pairs(name) | {BEGINS + letters[:n] for letters in readings(name) for n in range(1, INITIALS + 1) if letters}


def pairs(name: str) -> set[str]:
    """Two neighbouring characters each, in lower case and without blanks."""
    plain = folded(name)
    return {plain[at : at + 2].ljust(2, END) for at in range(len(plain))}


def folded(text: str) -> str:
    return "".join(text.lower().split())


def readings(name: str) -> set[str]:
    alone = "".join(map(first_letters, name))
    chinese_only = not any(c.isascii() and c.isalpha() for c in name)
    return {initials(name), alone.upper()} if chinese_only else {initials(name)}


def write(connection: Connection, customer_id: int, name: str, *, merged: bool = False) -> None:
    """Replace the customer's keys by those of ``name``; a merged one has none."""
    table: Table = CustomerKey.__table__  # type: ignore[assignment]
    connection.execute(delete(table).where(table.c.customer_id == customer_id))
    rows = [] if merged else [{"key": key, "customer_id": customer_id} for key in sorted(keys_of(name))]
    if rows:
        connection.execute(insert(table), rows)


@event.listens_for(Customer, "after_insert")
def _inserted(_mapper: Mapper[Any], connection: Connection, customer: Customer) -> None:
    write(connection, customer.id, customer.name, merged=customer.merged_into_id is not None)


@event.listens_for(Customer, "after_update")
def _updated(_mapper: Mapper[Any], connection: Connection, customer: Customer) -> None:
    state = inspect(customer).attrs
    if state["name"].history.has_changes() or state["merged_into_id"].history.has_changes():
        write(connection, customer.id, customer.name, merged=customer.merged_into_id is not None)
