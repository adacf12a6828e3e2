"""Finding customers and their history. Takes a session, gives rows; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, union
from sqlalchemy.orm import Session, selectinload

from cti.store import customer_search
from cti.store.models import Agent, Call, CallNote, Customer, Order, OrderLine, User
from webui.common import scope
from webui.common.paging import page
from webui.common.rights import Kind
from webui.common.text import one_line
from webui.customers.access import seen_customers

MATCHES = 9  # as many as there are digit keys to choose with
HISTORY = 5
TEXT_LIMIT = 64


def by_number(session: Session, number: str, limit: int = MATCHES + 1) -> Sequence[Customer]:
    """Customers with exactly this number, the one seen last first."""
    return customer_search.by_phone(session, number, limit)


def get(session: Session, customer_id: int) -> Customer | None:
    return session.get(Customer, customer_id)


def linked(session: Session, call_id: str) -> Customer | None:
    """The customer that an agent has chosen for this call."""
    query = select(Customer).join(CallNote, CallNote.customer_id == Customer.id).where(CallNote.call_id == call_id)
    return session.scalars(query).first()


@dataclass(frozen=True, slots=True)
class Listed:
    """``older``: the cursor of the next page; ``more``: others were found that are not shown."""

    rows: Sequence[Customer]
    older: str = ""
    more: bool = False


def listing(session: Session, text: str, cursor: str = "", size: int = 50) -> Listed:
    """The list page: what the search box finds, best first; without a text everybody, newest change first."""
    if one_line(text, TEXT_LIMIT):
        return found(session, text, size)
    query: Select[Any] = select(Customer).where(Customer.merged_into_id.is_(None))
    query = scope.visible(query, Customer.owner_user_id, Kind.CUSTOMERS)
    keys = (Customer.updated_at, Customer.id)
    rows = page(session, query, keys, cursor, lambda c: (c.updated_at, c.id), size)
    return Listed(rows.rows, rows.older)


def found(session: Session, text: str, size: int) -> Listed:
    result = customer_search.find(session, one_line(text, TEXT_LIMIT), size)
    return Listed(seen_customers(result.rows), more=result.more)


def recent_orders(session: Session, customer_id: int, limit: int = HISTORY) -> Sequence[Order]:
    query = (
        select(Order)
        .where(Order.customer_id == customer_id)
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(limit)
        .options(selectinload(Order.lines).joinedload(OrderLine.product), selectinload(Order.agent_user))
    )
    return session.scalars(query).all()


def recent_calls(session: Session, customer: Customer, without: str = "", limit: int = HISTORY) -> list[Any]:
    """Rows (call, note or None, agent's name) by the customer's numbers or linked by a note, newest first."""
    numbers = [phone.number for phone in customer.phones]
    by_phone = (
        select(Call.id)
        .where(Call.number.in_(numbers), Call.id != without)
        .order_by(Call.created_at.desc())
        .limit(limit)
        .subquery()
    )
    by_note = (
        select(CallNote.call_id)
        .where(CallNote.customer_id == customer.id, CallNote.call_id != without)
        .order_by(CallNote.updated_at.desc())
        .limit(limit)
        .subquery()
    )
    found = union(select(by_phone.c.id), select(by_note.c.call_id)).subquery()
    query = (
        select(Call, CallNote, User.name)
        .where(Call.id.in_(select(found.c[0])))
        .outerjoin(CallNote, CallNote.call_id == Call.id)
        .outerjoin(Agent, Agent.id == Call.agent_id)
        .outerjoin(User, User.id == Agent.user_id)
        .order_by(Call.created_at.desc(), Call.id.desc())
        .limit(limit)
    )
    return list(session.execute(query).all())
