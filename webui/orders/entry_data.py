"""What order entry looks up and keeps: products to pick, customers of a number, drafts. Must not know requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cti.domain.phones import normalise
from cti.store import quotes, stock
from cti.store.models import Customer, CustomerPhone, Order, OrderDraft, Product, utc_now
from cti.store.prices import prices_at
from cti.store.quotes import Quote

DRAFT_KEPT = timedelta(days=30)
DRAFTS = 50
MATCHES = 9


@dataclass(frozen=True)
class ShipTo:
    recipient: str
    phone: str
    city: str
    line: str
    postcode: str


def by_token(session: Session, token: str) -> Order | None:
    return session.scalars(select(Order).where(Order.token == token)).first()


def save(session: Session, order: Order, quote: Quote) -> tuple[Order, bool]:
    """Store the order as quoted in one transaction; ``False`` when this form was saved before.

    Two requests with one token at the same moment: the unique index lets one through, the other finds it; for that
    one the session was rolled back. The caller commits. Raises as ``quotes.place`` does.
    """
    token = order.token or ""
    try:
        quotes.place(session, order, quote, order.agent_user_id)
    except IntegrityError:
        session.rollback()
        earlier = by_token(session, token)
        if earlier is None:
            raise
        return earlier, False
    return order, True


# ------------------------------------------------------------ products


@dataclass(frozen=True, slots=True)
class Offer:
    """``left``: what can still be promised; ``None`` where no stock is kept."""

    product: Product
    price: Decimal
    left: int | None


def suggest(session: Session, text: str, medium_id: int | None = None, limit: int = 12) -> list[Offer]:
    """Products on sale whose code or initials begin with, or whose name contains, ``text``; codes first."""
    query = select(Product).where(Product.active)
    if text:
        by_code = Product.code.istartswith(text, autoescape=True)
        by_initials = Product.initials.startswith(text.upper(), autoescape=True)
        named = or_(Product.name.contains(text, autoescape=True), Product.name_en.icontains(text, autoescape=True))
        query = query.where(or_(by_code, by_initials, named)).order_by(by_code.desc(), by_initials.desc(), Product.code)
    else:
        query = query.order_by(Product.code)
    rows = session.scalars(query.limit(limit)).all()
    costs = prices_at(session, rows, utc_now(), medium_id)
    levels = stock.levels(session, [row.id for row in rows])
    return [
        Offer(row, costs[row.id], levels[row.id].available if row.id in levels and not row.backorder else None)
        for row in rows
    ]


# ------------------------------------------------------------ customers


def customers_like(session: Session, phone: str, name: str) -> Sequence[Customer]:
    """Customers with this number, else of exactly this name; those changed last come first."""
    query = select(Customer).order_by(Customer.updated_at.desc(), Customer.id).limit(MATCHES)
    number = normalise(phone)
    if number:
        owners = select(CustomerPhone.customer_id).where(CustomerPhone.number == number)
        return session.scalars(query.where(Customer.id.in_(owners))).all()
    return session.scalars(query.where(Customer.name == name)).all() if name else []


# ------------------------------------------------------------ drafts


def keep_draft(session: Session, user_id: str, key: str, fields: list[list[str]]) -> None:
    """The newest of two at once stays. Drafts that nobody went on with for a month go."""
    old = OrderDraft.updated_at < utc_now() - DRAFT_KEPT
    session.execute(delete(OrderDraft).where(OrderDraft.user_id == user_id, old))
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(OrderDraft).values(user_id=user_id, key=key, fields=fields, updated_at=utc_now())
    newest = {"fields": row.excluded.fields, "updated_at": row.excluded.updated_at}
    session.execute(row.on_conflict_do_update(index_elements=["user_id", "key"], set_=newest))


def drop_draft(session: Session, user_id: str, key: str) -> None:
    session.execute(delete(OrderDraft).where(OrderDraft.user_id == user_id, OrderDraft.key == key))


def drafts(session: Session, user_id: str) -> Sequence[tuple[OrderDraft, Customer | None, str]]:
    """The user's drafts, newest first, each with its customer and call."""
    mine = select(OrderDraft).where(OrderDraft.user_id == user_id).order_by(OrderDraft.updated_at.desc())
    rows = session.scalars(mine.limit(DRAFTS)).all()
    keys = [row.key.partition(":") for row in rows]
    ids = {int(first) for first, _, _ in keys if first.isdecimal()}
    customers = {row.id: row for row in session.scalars(select(Customer).where(Customer.id.in_(ids)))}
    return [
        (row, customers.get(int(first) if first.isdecimal() else 0), call)
        for row, (first, _, call) in zip(rows, keys, strict=True)
    ]


def draft_document(row: OrderDraft | None) -> dict[str, Any] | None:
    """As the form gets it: when it was kept, in milliseconds, and what stood in the fields."""
    return None if row is None else {"at": int(row.updated_at.timestamp() * 1000), "values": row.fields}
