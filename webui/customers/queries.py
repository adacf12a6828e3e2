"""Finding customers and their history. Takes a session, gives rows; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, union
from sqlalchemy.orm import Session, selectinload

from cti.domain.phones import normalise
from cti.store.models import Agent, Call, CallNote, Customer, CustomerPhone, Order, OrderLine, User
from webui.common.ids import row_id
from webui.common.paging import Page, page
from webui.common.text import one_line

MATCHES = 9  # as many as there are digit keys to choose with
HISTORY = 5
TEXT_LIMIT = 64


def by_number(session: Session, number: str, limit: int = MATCHES + 1) -> Sequence[Customer]:
    """Customers with exactly this number, the one seen last first."""
    wanted = normalise(number)
    if not wanted:
        return []
    query = (
        select(Customer)
        .join(CustomerPhone, CustomerPhone.customer_id == Customer.id)
        .where(CustomerPhone.number == wanted)
        .order_by(Customer.updated_at.desc(), Customer.id)
        .limit(limit)
    )
    return session.scalars(query).unique().all()


def get(session: Session, customer_id: int) -> Customer | None:
    return session.get(Customer, customer_id)


def linked(session: Session, call_id: str) -> Customer | None:
    """The customer that an agent has chosen for this call."""
    query = select(Customer).join(CallNote, CallNote.customer_id == Customer.id).where(CallNote.call_id == call_id)
    return session.scalars(query).first()


def search(session: Session, text: str, cursor: str = "", size: int = 50) -> Page[Customer]:
    """The list page: everything, or what one search box finds. Newest change first."""
    query: Select[Any] = select(Customer)
    condition = matching(one_line(text, TEXT_LIMIT))
    if condition is not None:
        query = query.where(condition)
    keys = (Customer.updated_at, Customer.id)
    return page(session, query, keys, cursor, lambda c: (c.updated_at, c.id), size)


def matching(text: str) -> ColumnElement[bool] | None:
    """Phone (whole or its beginning), customer number, e-mail, name or the initials of its pinyin."""
    if not text:
        return None
    bare = text.translate(str.maketrans("", "", " -()."))
    if bare.lstrip("+").isdecimal() and bare.isascii():
        return digits_match(bare)
    if "@" in text:
        return Customer.email.startswith(text.lower(), autoescape=True)
    by_name = Customer.name.contains(text, autoescape=True)
    if text.isascii() and text.isalpha():
        return or_(by_name, Customer.name_initials.startswith(text.upper(), autoescape=True))
    return by_name


def digits_match(digits: str) -> ColumnElement[bool]:
    national = digits if digits.startswith("+") else f"+86{digits.removeprefix('0')}"
    phone = select(CustomerPhone.customer_id).where(
        or_(
            CustomerPhone.number == normalise(digits),
            CustomerPhone.number.startswith(national, autoescape=True),
            CustomerPhone.number.startswith(digits, autoescape=True),
        )
    )
    by_phone = Customer.id.in_(phone)
    return or_(by_phone, Customer.number == row_id(digits.lstrip("+")))


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
