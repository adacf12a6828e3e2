"""Who may call in a test call, and what can be dialled."""

from __future__ import annotations

import secrets

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cti.store.models import Customer, CustomerPhone, Did, Menu, Queue

UNKNOWN_PREFIX = "1990009"  # no customer of the demo data has it


def service_numbers(session: Session) -> list[tuple[str, str]]:
    rows = session.scalars(select(Did).order_by(Did.number))
    return [(did.number, f"{did.number} {did.name}".strip()) for did in rows]


def menu_keys(session: Session) -> list[tuple[str, str]]:
    """The keys of all menus with the queue each leads to."""
    names = {row.id: row.name for row in session.execute(select(Queue.id, Queue.name))}
    keys: dict[str, str] = {}
    for menu in session.scalars(select(Menu).order_by(Menu.name)):
        for digit, option in sorted(menu.options.items()):
            if option.get("kind") == "queue":
                keys.setdefault(digit, f"{digit} {names.get(option.get('id', ''), '')}".strip())
    return list(keys.items())


def some_customer(session: Session) -> tuple[str, str] | None:
    """Name and number of a customer picked at random."""
    count = session.scalar(select(func.count()).select_from(CustomerPhone)) or 0
    if not count:
        return None
    found = select(Customer.name, CustomerPhone.number).join(Customer, CustomerPhone.customer_id == Customer.id)
    row = session.execute(found.order_by(CustomerPhone.id).offset(secrets.randbelow(count)).limit(1)).first()
    return (row[0], row[1]) if row else None


def unknown_number() -> str:
    return f"{UNKNOWN_PREFIX}{secrets.randbelow(10_000):04d}"
