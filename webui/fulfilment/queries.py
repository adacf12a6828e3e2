"""Reading for the warehouse. Takes a session; must not know requests."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from cti.domain.orders import OrderStatus, ParcelState, ReturnState
from cti.store.models import Order, OrderHandling, OrderLine, Parcel, PickList, Return, Warehouse
from webui.common.paging import Page, page

LATEST = 30
BUSY = (OrderStatus.PICKING, OrderStatus.PACKED)


def orders(session: Session, ids: Collection[int]) -> list[Order]:
    query = (
        select(Order)
        .where(Order.id.in_(list(ids)))
        .options(joinedload(Order.customer), selectinload(Order.lines).joinedload(OrderLine.product))
        .order_by(Order.created_at, Order.id)
    )
    return list(session.scalars(query))


def by_number(session: Session, number: str) -> Order | None:
    ids = session.scalars(select(Order.id).where(Order.number == number)).all()
    return orders(session, ids)[0] if ids else None


def of_status(session: Session, status: OrderStatus, most: int = 200) -> list[Order]:
    ids = select(Order.id).where(Order.status == status).order_by(Order.created_at, Order.id).limit(most)
    return orders(session, session.scalars(ids).all())


def warehouses(session: Session) -> dict[int, Warehouse]:
    return {place.id: place for place in session.scalars(select(Warehouse))}


def pick_lists(session: Session) -> list[tuple[PickList, dict[OrderStatus, int]]]:
    """The latest lists, each with how many of its orders are in which state."""
    lists = session.scalars(
        select(PickList).options(joinedload(PickList.user)).order_by(PickList.id.desc()).limit(LATEST)
    ).all()
    counts: dict[int, dict[OrderStatus, int]] = {}
    query = (
        select(OrderHandling.pick_list_id, Order.status, func.count())
        .join(Order, Order.id == OrderHandling.order_id)
        .where(OrderHandling.pick_list_id.in_([found.id for found in lists]))
        .group_by(OrderHandling.pick_list_id, Order.status)
    )
    for list_id, status, count in session.execute(query):
        if list_id is not None:
            counts.setdefault(list_id, {})[status] = count
    return [(found, counts.get(found.id, {})) for found in lists]


def orders_of_list(session: Session, pick_list_id: int) -> list[Order]:
    ids = select(OrderHandling.order_id).where(OrderHandling.pick_list_id == pick_list_id)
    return orders(session, session.scalars(ids).all())


def busy(session: Session) -> dict[str, int]:
    """How many orders wait at each place."""
    counted = (OrderStatus.CONFIRMED, *BUSY)
    query = select(Order.status, func.count()).where(Order.status.in_(counted)).group_by(Order.status)
    found = {row[0].value: row[1] for row in session.execute(query)}
    back = select(func.count()).where(Return.state == ReturnState.AWAITED)
    under_way = select(func.count()).where(Parcel.state == ParcelState.SENT)
    return found | {"returns": session.scalar(back) or 0, "parcels": session.scalar(under_way) or 0}


def parcels(session: Session, *, carrier: int, state: str, waybill: str, cursor: str) -> Page[Parcel]:
    query = select(Parcel).options(joinedload(Parcel.order).joinedload(Order.customer))
    if carrier:
        query = query.where(Parcel.carrier_id == carrier)
    if state:
        query = query.where(Parcel.state == ParcelState(state))
    if waybill:
        query = query.where(Parcel.waybill == waybill)
    return page(session, query, (Parcel.sent_at, Parcel.id), cursor, lambda parcel: (parcel.sent_at, parcel.id))


def returns(session: Session, state: str, cursor: str) -> Page[Any]:
    query = select(Return).options(joinedload(Return.order).joinedload(Order.customer), selectinload(Return.lines))
    if state:
        query = query.where(Return.state == ReturnState(state))
    return page(session, query, (Return.asked_at, Return.id), cursor, lambda back: (back.asked_at, back.id))
