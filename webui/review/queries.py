"""Reading orders for review and what belongs to one order's page. Takes a session; must not know requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from cti.domain.orders import OrderStatus, ReturnState
from cti.store import customer_search, money
from cti.store.models import (
    Credit,
    Invoice,
    Order,
    OrderHandling,
    OrderLine,
    OrderStep,
    Parcel,
    Receipt,
    Refund,
    Return,
    ReturnLine,
)
from cti.store.order_effects import awaited, outstanding

MOST = 200
WORK = (OrderStatus.NEW, OrderStatus.HELD, OrderStatus.CONFIRMED)


def waiting(
    session: Session, status: OrderStatus, text: str, seen: ColumnElement[bool] | None, most: int = MOST
) -> Sequence[tuple[Order, OrderHandling | None]]:
    """Orders in ``status``, the oldest first; of those put aside the ones that are due first."""
    query = (
        select(Order, OrderHandling)
        .outerjoin(OrderHandling, OrderHandling.order_id == Order.id)
        .where(Order.status == status)
        .options(joinedload(Order.customer), selectinload(Order.lines).joinedload(OrderLine.product))
    )
    if seen is not None:
        query = query.where(seen)
    if text:
        query = query.where((Order.number == text) | Order.customer_id.in_(customer_search.named_like(text)))
    first: list[Any] = [Order.created_at, Order.id]
    if status is OrderStatus.HELD:
        first = [case((OrderHandling.held_until.is_(None), 1), else_=0), OrderHandling.held_until, *first]
    return [(row[0], row[1]) for row in session.execute(query.order_by(*first).limit(most))]


def counts(session: Session, seen: ColumnElement[bool] | None, of: Collection[OrderStatus] = WORK) -> dict[str, int]:
    query = select(Order.status, func.count()).where(Order.status.in_(list(of)))
    if seen is not None:
        query = query.where(seen)
    return {row[0].value: row[1] for row in session.execute(query.group_by(Order.status))}


def several(session: Session, ids: Collection[int], seen: ColumnElement[bool] | None) -> Sequence[Order]:
    """Orders with lines and customers, in the order of their numbers."""
    query = (
        select(Order)
        .where(Order.id.in_(list(ids)))
        .options(joinedload(Order.customer), selectinload(Order.lines).joinedload(OrderLine.product))
        .order_by(Order.id)
    )
    return session.scalars(query if seen is None else query.where(seen)).all()


@dataclass(frozen=True)
class Chain:
    """Everything that happened to an order since it was taken."""

    history: Sequence[OrderStep]
    account: money.Account
    parcels: Sequence[Parcel]
    returns: Sequence[Return]
    expected: Return | None
    left: dict[int, int]
    receipts: Sequence[Receipt]
    credits: Sequence[Credit]
    refunds: Sequence[Refund]
    invoices: Sequence[Invoice]
    handling: OrderHandling | None
    related: Sequence[tuple[Order, str]]


def chain(session: Session, order: Order) -> Chain:
    handling = session.get(OrderHandling, order.id)
    lines = selectinload(Return.lines).joinedload(ReturnLine.order_line).joinedload(OrderLine.product)
    returns = select(Return).where(Return.order_id == order.id, Return.state != ReturnState.CALLED_OFF).options(lines)
    return Chain(
        history=_of(session, OrderStep, order),
        account=money.account(session, order),
        parcels=_of(session, Parcel, order),
        returns=session.scalars(returns.order_by(Return.id)).all(),
        expected=awaited(session, order.id),
        left=outstanding(session, order),
        receipts=_of(session, Receipt, order),
        credits=_of(session, Credit, order),
        refunds=_of(session, Refund, order),
        invoices=_of(session, Invoice, order),
        handling=handling,
        related=_related(session, order, handling),
    )


def _of(session: Session, kind: Any, order: Order) -> Sequence[Any]:
    return session.scalars(select(kind).where(kind.order_id == order.id).order_by(kind.id)).all()


def _related(session: Session, order: Order, handling: OrderHandling | None) -> list[tuple[Order, str]]:
    """Orders that this one came from, went into, or that came from it."""
    found = []
    for other_id, how in ((handling.origin_id, "origin"), (handling.merged_into_id, "merged")) if handling else ():
        if other_id is not None:
            found.append((session.get_one(Order, other_id), how))
    born = select(Order).join(OrderHandling, OrderHandling.order_id == Order.id)
    found += [(other, "born") for other in session.scalars(born.where(OrderHandling.origin_id == order.id))]
    came = born.where(OrderHandling.merged_into_id == order.id)
    return [*found, *((other, "came") for other in session.scalars(came))]


def is_due(handling: OrderHandling | None, now: datetime) -> bool:
    return handling is not None and handling.held_until is not None and handling.held_until <= now
