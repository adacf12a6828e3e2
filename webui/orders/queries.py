"""Reading orders. Takes a session; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from cti.domain.phones import normalise
from cti.store import customer_search
from cti.store.models import CustomerPhone, Order, OrderLine, OrderStatus, Product, User
from cti.store.models.orders import IMPORTED
from webui.common.paging import Page, page


def get(session: Session, order_id: int) -> Order | None:
    query = (
        select(Order)
        .where(Order.id == order_id)
        .options(
            selectinload(Order.lines).joinedload(OrderLine.product),
            joinedload(Order.customer),
            joinedload(Order.agent_user),
        )
    )
    return session.scalars(query).first()


def products_named(session: Session, texts: Iterable[str]) -> dict[str, Product]:
    """Products by id and by lower-case code, for the ids and codes in ``texts``."""
    wanted = {text for text in texts if text}
    ids = [int(text) for text in wanted if text.isdecimal() and text.isascii() and len(text) < 18]
    query = select(Product).where(or_(Product.id.in_(ids), Product.code.in_([*wanted, *(t.upper() for t in wanted)])))
    found: dict[str, Product] = {}
    for product in session.scalars(query):
        found[str(product.id)] = product
    for product in list(found.values()):
        found.setdefault(product.code.lower(), product)
    return found


def listing(
    session: Session,
    *,
    since: datetime | None,
    until: datetime | None,
    text: str,
    status: str,
    agent: str,
    call: str,
    cursor: str,
    seen: ColumnElement[bool] | None = None,
    more: Sequence[ColumnElement[bool]] = (),
) -> Page[Order]:
    """The list, newest first. ``agent`` is a user id; ``text`` an order number, a phone number or a customer's name;
    ``seen`` the condition that the user may see a row, ``more`` those by own fields."""
    query = select(Order).options(joinedload(Order.customer), joinedload(Order.agent_user))
    for condition in (
        Order.created_at >= since if since else None,
        Order.created_at < until if until else None,
        Order.status == OrderStatus(status) if status else None,
        Order.agent_user_id == agent if agent else None,
        Order.call_id == call if call else None,
        matching(text) if text else None,
        seen,
        *more,
    ):
        if condition is not None:
            query = query.where(condition)
    return page(session, query, (Order.created_at, Order.id), cursor, lambda o: (o.created_at, o.id))


def matching(text: str) -> ColumnElement[bool]:
    numbered = or_(Order.number == text, Order.token == IMPORTED + text)
    if text.lstrip("+").isdecimal() and text.isascii():
        phone = select(CustomerPhone.customer_id).where(CustomerPhone.number == normalise(text))
        return or_(numbered, Order.customer_id.in_(phone))
    theirs = Order.customer_id.in_(customer_search.named_like(text))
    return or_(numbered, theirs) if any(c.isdigit() for c in text) else theirs


def sellers(session: Session, ids: Collection[str] | None = None) -> Sequence[User]:
    """Users by name, those of ``ids`` unless that is ``None``."""
    query = select(User).order_by(User.name, User.id)
    return session.scalars(query if ids is None else query.where(User.id.in_(sorted(ids)))).all()
