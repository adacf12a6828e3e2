"""Stock: what may still be promised, and every change of it with its line in the ledger.

Each change is a conditional UPDATE, so that any number of processes at once never promise a piece twice. Takes a
session and never commits: the caller's transaction holds the order and its stock together. Whoever changes several
products at once does it in the order of their ids, which everything here does. Must not know pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Boolean, Table, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from cti.domain.errors import CallyardError
from cti.store.models import (
    BundlePart,
    MovementKind,
    OrderLine,
    Product,
    Stock,
    StockReservation,
    Warehouse,
)
from cti.store.rows import changed
from cti.store.stock_rows import change_level, ensure, held_by, hold, note, tracked_among


class OutOfStock(CallyardError):
    """There is not as much of a product as is wanted; ``left`` pieces can still be had. Nothing was changed."""

    code = "stock.out"

    def __init__(self, product: Product, wanted: int, left: int) -> None:
        super().__init__(product.code, product=product.code, name=product.name, wanted=wanted, left=left)
        self.product, self.wanted, self.left = product, wanted, left


class StockChanged(CallyardError):
    """Somebody moved the goods while they were being counted."""

    code = "stock.changed"


@dataclass(frozen=True, slots=True)
class Level:
    on_hand: int = 0
    reserved: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


# ------------------------------------------------------------ for orders


def reserve(session: Session, lines: Iterable[OrderLine]) -> None:
    """Promise the lines' goods to their order, from the first warehouse that has them. ``OutOfStock``.

    A line that holds a part already gets the rest. Products whose stock is not kept are passed over. Lines must have
    been flushed.
    """
    wanted = [line for line in lines if line.quantity > 0]
    _promise_all(session, wanted, tracked_among(session, wanted), held_by(session, wanted), warehouses(session))


def reserve_new(session: Session, lines: Iterable[OrderLine], places: list[int]) -> None:
    """``reserve`` for an order that was just flushed and knows its products: nothing is looked up while others wait.

    ``places``: the ``warehouses``, asked before the order was flushed.
    """
    wanted = [line for line in lines if line.quantity > 0]
    tracked = {line.product_id: line.product for line in wanted if line.product.track_stock and not line.product.bundle}
    _promise_all(session, wanted, tracked, {}, places)


def warehouses(session: Session) -> list[int]:
    """Those in use, in the order in which goods are promised from them."""
    return list(
        session.scalars(select(Warehouse.id).where(Warehouse.active).order_by(Warehouse.position, Warehouse.id))
    )


def release(session: Session, lines: Iterable[OrderLine], quantities: Mapping[int, int] | None = None) -> None:
    """Take promises back (order cancelled, held, changed). ``quantities``: pieces by line id; left out, all."""
    for line, row, count in _portions(session, lines, quantities, "reserved"):
        _shift(session, row, reserved=-count)
        change_level(session, row.product_id, row.warehouse_id, 0, -count)
        note(session, MovementKind.RELEASE, row.product_id, row.warehouse_id, 0, -count, order_id=line.order_id)


def take(session: Session, lines: Iterable[OrderLine], quantities: Mapping[int, int] | None = None) -> None:
    """What was promised leaves the warehouse. ``OutOfStock`` where it is not there yet (a backorder)."""
    for line, row, count in _portions(session, lines, quantities, "reserved"):
        there = Stock.on_hand >= count
        if not change_level(session, row.product_id, row.warehouse_id, -count, -count, there):
            product = session.get_one(Product, row.product_id)
            raise OutOfStock(product, count, _at(session, row.product_id, row.warehouse_id).on_hand)
        _shift(session, row, reserved=-count, shipped=count)
        note(session, MovementKind.SHIP, row.product_id, row.warehouse_id, -count, -count, order_id=line.order_id)


def put_back(session: Session, lines: Iterable[OrderLine], quantities: Mapping[int, int] | None = None) -> None:
    """Shipped goods come back to the warehouse they came from."""
    for line, row, count in _portions(session, lines, quantities, "shipped"):
        _shift(session, row, shipped=-count)
        change_level(session, row.product_id, row.warehouse_id, count, 0)
        note(session, MovementKind.RETURN, row.product_id, row.warehouse_id, count, 0, order_id=line.order_id)


def hand_over(session: Session, line: OrderLine, to: OrderLine, count: int) -> None:
    """``count`` promised pieces of ``line`` are those of ``to`` from now on: an order is split or merged."""
    for _line, row, part in _portions(session, [line], {line.id: count}, "reserved"):
        _shift(session, row, reserved=-part)
        hold(session, {(to, row.warehouse_id): part})


# ------------------------------------------------------------ in the warehouse


def bring_in(
    session: Session, product: Product, warehouse_id: int, count: int, *, user_id: str | None = None, reason: str = ""
) -> None:
    """Goods arrive."""
    ensure(session, product.id, warehouse_id)
    change_level(session, product.id, warehouse_id, count, 0)
    note(session, MovementKind.IN, product.id, warehouse_id, count, 0, user_id=user_id, reason=reason)


def take_out(
    session: Session, product: Product, warehouse_id: int, count: int, *, user_id: str | None = None, reason: str = ""
) -> None:
    """Goods leave otherwise than by an order: broken, given away. What is promised stays. ``OutOfStock``."""
    _leave(session, product, warehouse_id, count)
    note(session, MovementKind.OUT, product.id, warehouse_id, -count, 0, user_id=user_id, reason=reason)


def transfer(
    session: Session,
    product: Product,
    source: int,
    target: int,
    count: int,
    *,
    user_id: str | None = None,
    reason: str = "",
) -> None:
    """From one warehouse to another; what is promised stays. ``OutOfStock``."""
    ensure(session, product.id, target)
    _leave(session, product, source, count)
    change_level(session, product.id, target, count, 0)
    for warehouse_id, change in ((source, -count), (target, count)):
        note(session, MovementKind.TRANSFER, product.id, warehouse_id, change, 0, user_id=user_id, reason=reason)


def count(
    session: Session,
    product: Product,
    warehouse_id: int,
    counted: int,
    expected: int,
    *,
    user_id: str | None = None,
    reason: str = "",
) -> int:
    """What was counted is what is there; the difference goes to the ledger and is given back.

    ``expected`` is what the books said when counting began: ``StockChanged`` when they say something else now.
    """
    ensure(session, product.id, warehouse_id)
    if not change_level(session, product.id, warehouse_id, counted - expected, 0, Stock.on_hand == expected):
        raise StockChanged(product.code, product=product.code)
    difference = counted - expected
    note(session, MovementKind.COUNT, product.id, warehouse_id, difference, 0, user_id=user_id, reason=reason)
    return difference


# ------------------------------------------------------------ looking


def levels(session: Session, product_ids: Iterable[int]) -> dict[int, Level]:
    """Over all warehouses in use; for a bundle what its parts allow. Products without stock kept are left out."""
    wanted = set(product_ids)
    bundles: dict[int, list[tuple[int, int, bool, bool]]] = {}
    parts = (
        select(BundlePart.bundle_id, BundlePart.product_id, BundlePart.quantity, Product.track_stock, Product.backorder)
        .join(Product, Product.id == BundlePart.product_id)
        .where(BundlePart.bundle_id.in_(wanted))
    )
    for bundle_id, product_id, quantity, tracked, backorder in session.execute(parts):
        bundles.setdefault(bundle_id, []).append((product_id, quantity, tracked, backorder))
    single = wanted | {part[0] for found in bundles.values() for part in found}
    sums = (
        select(Product.id, func.coalesce(func.sum(Stock.on_hand), 0), func.coalesce(func.sum(Stock.reserved), 0))
        .outerjoin(Stock, (Stock.product_id == Product.id) & Stock.warehouse_id.in_(_active()))
        .where(Product.id.in_(single), Product.track_stock, Product.bundle.is_(False))
        .group_by(Product.id)
    )
    found = {row[0]: Level(int(row[1]), int(row[2])) for row in session.execute(sums)}
    for bundle_id, content in bundles.items():
        limits = [
            found.get(product_id, Level()).available // quantity
            for product_id, quantity, tracked, backorder in content
            if tracked and not backorder
        ]
        if limits:
            found[bundle_id] = Level(max(0, min(limits)), 0)
    return {product_id: level for product_id, level in found.items() if product_id in wanted}


def _active() -> Any:
    return select(Warehouse.id).where(Warehouse.active)


def _at(session: Session, product_id: int, warehouse_id: int) -> Level:
    row = session.execute(
        select(Stock.on_hand, Stock.reserved).where(Stock.product_id == product_id, Stock.warehouse_id == warehouse_id)
    ).first()
    return Level(*row) if row else Level()


# ------------------------------------------------------------ how it is done


def _promise_all(
    session: Session,
    wanted: list[OrderLine],
    tracked: Mapping[int, Product],
    held: Mapping[int, list[StockReservation]],
    places: list[int],
) -> None:
    """Lock all that the lines may have, share it out, write it down: each by one statement, however many lines."""
    missing = {
        line: line.quantity - sum(row.reserved + row.shipped for row in held.get(line.id, ()))
        for line in sorted(wanted, key=lambda line: (line.product_id, line.id))
        if line.product_id in tracked
    }
    due = [(line, tracked[line.product_id], count) for line, count in missing.items() if count > 0]
    if not due:
        return
    free = _locked(session, {product.id for _line, product, _count in due}, places)
    parts = [
        (line, place, count)
        for line, product, pieces in due
        for place, count in _share_out(product, pieces, places, free).items()
    ]
    _promise(session, parts, free)
    hold(session, {(line, place): count for line, place, count in parts})
    for line, place, count in parts:
        note(session, MovementKind.RESERVE, line.product_id, place, 0, count, order_id=line.order_id)


Free = dict[tuple[int, int], int]
"""What can still be promised, by product and warehouse; pairs without a row of the stock are left out."""


def _locked(session: Session, product_ids: set[int], places: list[int]) -> Free:
    """What is free of these products, held by this transaction until its end (on SQLite whoever writes holds all)."""
    rows = (
        select(Stock.product_id, Stock.warehouse_id, Stock.on_hand - Stock.reserved)
        .where(Stock.product_id.in_(product_ids), Stock.warehouse_id.in_(places))
        .order_by(Stock.product_id, Stock.warehouse_id)
        .with_for_update()
    )
    return {(product_id, place): left for product_id, place, left in session.execute(rows)}


def _share_out(product: Product, pieces: int, places: list[int], free: Free) -> dict[int, int]:
    """All from one warehouse where one has it, else from several, else beyond what is there where that is allowed.

    Pieces by warehouse, taken off ``free``. ``OutOfStock``.
    """
    there = {place: max(0, free.get((product.id, place), 0)) for place in places}
    whole = next((place for place in places if there[place] >= pieces), None)
    taken, missing = {}, pieces
    for place in places if whole is None else [whole]:
        part = min(missing, there[place])
        if part > 0:
            taken[place] = part
            missing -= part
    if missing and product.backorder and places:
        taken[places[0]] = taken.get(places[0], 0) + missing
    elif missing:
        raise OutOfStock(product, pieces, pieces - missing)
    for place, count in taken.items():
        if (product.id, place) in free:
            free[product.id, place] -= count
    return taken


def _promise(session: Session, parts: list[tuple[OrderLine, int, int]], free: Free) -> None:
    """Write the promises to the stock; ``StockChanged`` where it has less by now than was read."""
    sums: dict[tuple[int, int, bool], int] = {}
    for line, place, count in parts:
        if (line.product_id, place) not in free:
            ensure(session, line.product_id, place)
        key = line.product_id, place, free.get((line.product_id, place), -1) < 0
        sums[key] = sums.get(key, 0) + count
    stock = cast(Table, Stock.__table__).c
    change = (
        update(stock.reserved.table)
        .where(stock.product_id == bindparam("product"), stock.warehouse_id == bindparam("place"))
        .where(or_(bindparam("beyond", type_=Boolean), stock.on_hand - stock.reserved >= bindparam("count")))
        .values(reserved=stock.reserved + bindparam("count"))
    )
    rows = [{"product": key[0], "place": key[1], "beyond": key[2], "count": count} for key, count in sums.items()]
    if session.connection().execute(change, rows).rowcount != len(rows):
        raise StockChanged(", ".join(sorted({line.product.code for line, _place, _count in parts})))


def _leave(session: Session, product: Product, warehouse_id: int, count: int) -> None:
    if not change_level(session, product.id, warehouse_id, -count, 0, Stock.on_hand - Stock.reserved >= count):
        raise OutOfStock(product, count, max(0, _at(session, product.id, warehouse_id).available))


def _shift(session: Session, row: StockReservation, *, reserved: int = 0, shipped: int = 0) -> None:
    """Change a reservation that is still as it was read; of two that change it at once the second is refused."""
    change = (
        update(StockReservation)
        .where(StockReservation.line_id == row.line_id, StockReservation.warehouse_id == row.warehouse_id)
        .where(StockReservation.reserved == row.reserved, StockReservation.shipped == row.shipped)
        .values(reserved=StockReservation.reserved + reserved, shipped=StockReservation.shipped + shipped)
        .execution_options(synchronize_session=False)
    )
    if changed(session, change) != 1:
        raise StockChanged(str(row.line_id))
    session.expire(row)


def _portions(
    session: Session, lines: Iterable[OrderLine], quantities: Mapping[int, int] | None, column: str
) -> Iterable[tuple[OrderLine, StockReservation, int]]:
    """What of the lines' reservations is meant, product by product; the last promised comes first."""
    asked = list(lines)
    held = held_by(session, asked)
    meant = []
    for line in asked:
        wanted = None if quantities is None else quantities.get(line.id, 0)
        for row in sorted(held.get(line.id, ()), key=lambda row: -row.warehouse_id):
            there = int(getattr(row, column))
            part = there if wanted is None else min(there, wanted)
            if wanted is not None:
                wanted -= part
            if part > 0:
                meant.append((line, row, part))
    return sorted(meant, key=lambda item: (item[1].product_id, item[1].warehouse_id, item[0].id))
