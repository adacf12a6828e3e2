"""Reading documents of money. Takes a session; must not know requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, text, tuple_
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from cti.domain.orders import DifferenceState, RefundState, SettlementState
from cti.store.models import (
    CarrierDifference,
    Invoice,
    Order,
    Parcel,
    Receipt,
    Refund,
    Settlement,
    SettlementLine,
    User,
)
from cti.store.models.orders import PREPAID
from cti.store.money import accounts
from webui.common.paging import Page, page

WAITING = 200
WAITING_DIFFERENCES = [DifferenceState.OPEN, DifferenceState.ASKED, DifferenceState.CLAIMED]


def settlements(session: Session, cursor: str) -> Page[Settlement]:
    query = select(Settlement)
    keys = (Settlement.created_at, Settlement.id)
    return page(session, query, keys, cursor, lambda found: (found.created_at, found.id))


def settlement(session: Session, settlement_id: int) -> Settlement | None:
    query = select(Settlement).where(Settlement.id == settlement_id).options(selectinload(Settlement.lines))
    return session.scalars(query).first()


def orders_of(session: Session, found: Settlement) -> dict[int, Order]:
    """The orders of a settlement's lines, by parcel."""
    ids = select(SettlementLine.parcel_id).where(SettlementLine.settlement_id == found.id)
    query = select(Parcel.id, Order).join(Order, Order.id == Parcel.order_id).where(Parcel.id.in_(ids))
    return {row[0]: row[1] for row in session.execute(query)}


def states_of_differences(asked: str) -> Sequence[DifferenceState]:
    """What a filter means: ``waiting``, a state, anything else for every state."""
    return WAITING_DIFFERENCES if asked == "waiting" else [state for state in DifferenceState if state == asked]


def differences_in(states: Collection[DifferenceState], carrier_id: int) -> Select[tuple[CarrierDifference]]:
    """Without states and carrier: all."""
    query = select(CarrierDifference)
    query = query.where(CarrierDifference.state.in_(states)) if states else query
    return query.where(CarrierDifference.carrier_id == carrier_id) if carrier_id else query


def differences(
    session: Session, states: Collection[DifferenceState], carrier_id: int, cursor: str
) -> Page[CarrierDifference]:
    query = differences_in(states, carrier_id).options(joinedload(CarrierDifference.order))
    keys = (CarrierDifference.opened_at, CarrierDifference.id)
    return page(session, query, keys, cursor, lambda found: (found.opened_at, found.id))


def differences_of(session: Session, found: Settlement) -> dict[str, CarrierDifference]:
    """What differed when the settlement closed, by waybill; of one that was parted the first."""
    query = select(CarrierDifference).where(CarrierDifference.settlement_id == found.id)
    return {row.waybill: row for row in session.scalars(query.order_by(CarrierDifference.id.desc()))}


def related_differences(session: Session, found: CarrierDifference) -> Sequence[CarrierDifference]:
    """What it is the rest of, what was left of it."""
    related = or_(CarrierDifference.parent_id == found.id, CarrierDifference.id == found.parent_id)
    return session.scalars(select(CarrierDifference).where(related).order_by(CarrierDifference.id)).all()


def refunds(session: Session, state: str, cursor: str) -> Page[Any]:
    """Rows (refund, who asked, who decided)."""
    asked, decided = aliased(User), aliased(User)
    query = (
        select(Refund, asked.name, decided.name)
        .outerjoin(asked, asked.id == Refund.asked_by)
        .outerjoin(decided, decided.id == Refund.decided_by)
        .options(joinedload(Refund.order).joinedload(Order.customer))
    )
    if state:
        query = query.where(Refund.state == RefundState(state))
    return page(session, query, (Refund.asked_at, Refund.id), cursor, lambda row: (row[0].asked_at, row[0].id))


def invoices(session: Session, text: str, cursor: str) -> Page[Invoice]:
    query = select(Invoice).options(joinedload(Invoice.order))
    query = query.where(invoice_of(text)) if text else query
    return page(session, query, (Invoice.issued_at, Invoice.id), cursor, lambda found: (found.issued_at, found.id))


def invoice_of(text: str) -> ColumnElement[bool]:
    """Its number, its order's number, or a part of its title."""
    same = Invoice.order_id.in_(select(Order.id).where(Order.number == text))
    number = Invoice.number == int(text) if text.isdecimal() and text.isascii() and len(text) < 18 else same
    return number | same | Invoice.title.contains(text, autoescape=True)


def receipts(session: Session, cursor: str) -> Page[Any]:
    """Rows (receipt, order)."""
    query = select(Receipt, Order).join(Order, Order.id == Receipt.order_id)
    return page(session, query, (Receipt.at, Receipt.id), cursor, lambda row: (row[0].at, row[0].id))


def to_pay_first(session: Session) -> list[tuple[Order, Any]]:
    """Orders that are paid before they go and are not paid in full, the oldest first, with their accounts.

    However many before them are paid and only wait to be packed.
    """
    oldest = Order.created_at, Order.id
    query = select(Order).where(text(PREPAID)).options(joinedload(Order.customer)).order_by(*oldest).limit(WAITING)
    found: list[tuple[Order, Any]] = []
    orders: Sequence[Order] = session.scalars(query).all()
    while orders:
        due = accounts(session, {order.id: order.total for order in orders})
        found += [(order, due[order.id]) for order in orders if due[order.id].due > 0]
        if len(found) >= WAITING or len(orders) < WAITING:
            break
        orders = session.scalars(query.where(tuple_(*oldest) > (orders[-1].created_at, orders[-1].id))).all()
    return found[:WAITING]


def busy(session: Session) -> dict[str, int]:
    def count(kind: Any, condition: Any) -> int:
        return session.scalar(select(func.count()).select_from(kind).where(condition)) or 0

    return {
        "settlements": count(Settlement, Settlement.state == SettlementState.OPEN),
        "differences": count(CarrierDifference, CarrierDifference.state.in_(WAITING_DIFFERENCES)),
        "refunds": count(Refund, Refund.state.in_((RefundState.REQUESTED, RefundState.APPROVED))),
    }
