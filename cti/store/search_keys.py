"""The index of the search box, kept beside each customer: which keys a name has, and when they are written.

A key is two neighbouring characters of the name (``张伟``; the last one stands with ``$``), or ``^`` and the beginning
of its initials (``^ZW``). So two Chinese characters are found at any size on both databases: PostgreSQL's pg_trgm
needs three, SQLite's FTS5 too. Merged customers have no keys. Must not know how keys are searched.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, delete, event, insert, inspect
from sqlalchemy.orm import Session

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


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: Any) -> None:
    """Write the keys of the customers that were made or renamed, all by one statement; a merged one has none."""
    made = [one for one in session.new if isinstance(one, Customer)]
    renamed = [one for one in session.dirty if isinstance(one, Customer) and _renamed(one)]
    table: Table = CustomerKey.__table__  # type: ignore[assignment]
    if renamed:
        session.execute(delete(table).where(table.c.customer_id.in_([one.id for one in renamed])))
    living = [one for one in (*made, *renamed) if one.merged_into_id is None]
    if rows := [{"key": key, "customer_id": one.id} for one in living for key in sorted(keys_of(one.name))]:
        session.execute(insert(table), rows)


def _renamed(customer: Customer) -> bool:
    state = inspect(customer).attrs
    return state["name"].history.has_changes() or state["merged_into_id"].history.has_changes()
