"""The warehouse and the carriers: what is to be picked where, pick lists, what a carrier's file says. Never commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cti.domain.orders import OrderStatus, ParcelState
from cti.machines.order import OrderEvent
from cti.store.actors import Actor, audit
from cti.store.models import (
    Order,
    OrderHandling,
    OrderLine,
    OrderStep,
    Parcel,
    PickList,
    Product,
    StockReservation,
    Warehouse,
    utc_now,
)
from cti.store.numbers import next_number
from cti.store.order_effects import handling
from cti.store.orders import advance

RESULTS = {
    OrderEvent.TRACK: (
        *("under way", "in transit", "arrived", "departed", "out for delivery"),
        *("揽收", "已揽收", "在途", "运输中", "到达", "离开", "派送", "派送中"),
    ),
    OrderEvent.SIGN: ("signed", "delivered", "签收", "已签收", "妥投", "本人签收", "代签收"),
    OrderEvent.REFUSE: ("refused", "rejected", "拒收", "拒签", "客户拒收"),
    OrderEvent.LOSE: ("lost", "丢失", "遗失", "丢件"),
}
WORDS = {word: event for event, words in RESULTS.items() for word in words}
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M")
FUTURE = timedelta(days=1)


# ---------------------------------------------------------------- picking


def to_pick(session: Session) -> dict[int | None, list[int]]:
    """Confirmed orders by the warehouse that has their goods, oldest first; ``None``: no stock of them is kept."""
    place = func.min(StockReservation.warehouse_id)
    query = (
        select(Order.id, place)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .outerjoin(StockReservation, (StockReservation.line_id == OrderLine.id) & (StockReservation.reserved > 0))
        .where(Order.status == OrderStatus.CONFIRMED)
        .group_by(Order.id, Order.created_at)
        .order_by(Order.created_at, Order.id)
    )
    found: dict[int | None, list[int]] = {}
    for order_id, warehouse_id in session.execute(query):
        found.setdefault(warehouse_id, []).append(order_id)
    return found


def make_pick_list(session: Session, order_ids: Sequence[int], warehouse_id: int | None, actor: Actor) -> PickList:
    """A list of these orders, which are being picked from now on."""
    if actor.user_id is None:
        raise ValueError("a pick list is somebody's")
    orders = [advance(session, order_id, OrderEvent.PICK, actor) for order_id in sorted(order_ids)]
    made = PickList(number=next_number(session.connection(), "pick"), warehouse_id=warehouse_id, user_id=actor.user_id)
    session.add(made)
    session.flush()
    for order in orders:
        handling(session, order).pick_list_id = made.id
    after = {"number": made.number, "orders": [order.number for order in orders]}
    audit(session, actor, "pick.create", f"pick/{made.id}", None, after)
    session.flush()
    return made


@dataclass(frozen=True)
class Fetch:
    """So many pieces of a product from a warehouse, and for which orders."""

    warehouse: str
    code: str
    name: str
    name_en: str
    pieces: int
    orders: tuple[tuple[str, int], ...]


def content(session: Session, pick_list_id: int) -> list[Fetch]:
    """What to fetch, in the order of warehouse and product code."""
    query = (
        select(Order.number, OrderLine.quantity, Product, Warehouse.name, StockReservation.reserved)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Product, Product.id == OrderLine.product_id)
        .join(OrderHandling, OrderHandling.order_id == Order.id)
        .outerjoin(StockReservation, StockReservation.line_id == OrderLine.id)
        .outerjoin(Warehouse, Warehouse.id == StockReservation.warehouse_id)
        .where(
            OrderHandling.pick_list_id == pick_list_id,
            Order.status.in_((OrderStatus.PICKING, OrderStatus.PACKED)),
            Product.bundle.is_(False),
        )
        .order_by(Order.id)
    )
    places: dict[tuple[str, str], tuple[Product, list[tuple[str, int]]]] = {}
    for number, quantity, product, warehouse, reserved in session.execute(query):
        pieces = reserved if warehouse else quantity
        if pieces:
            places.setdefault((warehouse or "", product.code), (product, []))[1].append((number, pieces))
    return [
        Fetch(place, code, product.name, product.name_en, sum(n for _, n in wanted), tuple(wanted))
        for (place, code), (product, wanted) in sorted(places.items())
    ]


# ---------------------------------------------------------------- what a carrier's file says


@dataclass(frozen=True)
class Told:
    """One row of a carrier's file. ``wrong``: why it cannot be used, as a stable name; else empty."""

    row: int
    waybill: str
    event: OrderEvent | None = None
    at: datetime | None = None
    note: str = ""
    wrong: str = ""
    order_id: int = 0
    order_number: str = ""


def read_told(session: Session, rows: Iterable[Sequence[str]], carrier_id: int, zone: Any = UTC) -> list[Told]:
    """Rows ``waybill, result, date, note`` as they can be used; a heading is passed over. ``zone``: of the dates.

    A waybill may have any number of rows that say where it is, and one with its end. The former come first, whatever
    the order of the file: nothing is under way after its end.
    """
    told: list[Told] = []
    seen: set[str] = set()
    for at, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in (*row, "", "", "", "")][:4]
        if not any(cells) or (at == 1 and _event(cells[1]) is None):
            continue
        told.append(_read(session, at, cells, carrier_id, zone, seen))
    return sorted(told, key=lambda row: row.event is not OrderEvent.TRACK)


def _read(session: Session, at: int, cells: list[str], carrier_id: int, zone: Any, seen: set[str]) -> Told:
    waybill, event, moment = cells[0][:64], _event(cells[1]), _moment(cells[2], zone)
    note = cells[1] if event is OrderEvent.TRACK and not cells[3] else cells[3]
    told = Told(at, waybill, event, moment, note[:255])
    if event is None:
        return replace(told, wrong="result")
    if cells[2] and moment is None:
        return replace(told, wrong="date")
    if event is not OrderEvent.TRACK:
        if waybill in seen:
            return replace(told, wrong="twice")
        seen.add(waybill)
    found = session.execute(
        select(Parcel, Order)
        .join(Order, Order.id == Parcel.order_id)
        .where(Parcel.waybill == waybill, Parcel.carrier_id == carrier_id)
    ).first()
    if found is None:
        return replace(told, wrong="unknown")
    parcel, order = found
    told = replace(told, order_id=order.id, order_number=order.number)
    if parcel.state is not ParcelState.SENT or order.status is not OrderStatus.SHIPPED:
        return replace(told, wrong="done")
    if event is OrderEvent.TRACK and _known(session, order.id, told.note, moment):
        return replace(told, wrong="done")
    if moment is not None and (moment > utc_now() + FUTURE or moment < parcel.sent_at - FUTURE):
        return replace(told, wrong="date")
    return told


def _known(session: Session, order_id: int, note: str, moment: datetime | None) -> bool:
    """Carriers send the whole way again with each file."""
    same = (OrderStep.order_id == order_id, OrderStep.event == OrderEvent.TRACK, OrderStep.reason == note)
    query = select(OrderStep.id).where(*same)
    if moment is not None:
        query = query.where(OrderStep.at == moment)
    return session.scalar(query.limit(1)) is not None


def _event(text: str) -> OrderEvent | None:
    return WORDS.get(text.casefold())


def _moment(text: str, zone: Any) -> datetime | None:
    for pattern in DATES:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=zone)
        except ValueError:
            continue
    return None


def apply_told(session: Session, told: Told, actor: Actor) -> Order:
    """Do what one good row says. Raises as ``advance``."""
    if told.event is None or told.wrong:
        raise ValueError(told.wrong)
    reason = told.note or ("" if told.event is OrderEvent.SIGN else str(told.event))
    return advance(session, told.order_id, told.event, actor, reason=reason, at=told.at)
