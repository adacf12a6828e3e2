"""The rows of the stock: levels, what is promised to lines, and the ledger, each by one statement. Never commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cti.store.models import (
    MovementKind,
    OrderLine,
    Product,
    Stock,
    StockMovement,
    StockReservation,
)
from cti.store.rows import changed


def change_level(
    session: Session,
    product_id: int,
    warehouse_id: int,
    on_hand: int,
    reserved: int,
    condition: ColumnElement[bool] | None = None,
) -> bool:
    """Change one row of the stock if it is as ``condition`` wants it; whether it was."""
    change = (
        update(Stock)
        .where(Stock.product_id == product_id, Stock.warehouse_id == warehouse_id)
        .values(on_hand=Stock.on_hand + on_hand, reserved=Stock.reserved + reserved)
        .execution_options(synchronize_session=False)
    )
    if condition is not None:
        change = change.where(condition)
    return changed(session, change) == 1


def hold(session: Session, parts: Mapping[tuple[OrderLine, int], int]) -> None:
    """Pieces promised to lines, by line and warehouse, besides what they hold there already."""
    if not parts:
        return
    rows = [
        {"line_id": line.id, "warehouse_id": place, "product_id": line.product_id, "reserved": count, "shipped": 0}
        for (line, place), count in parts.items()
    ]
    insert = _insert(session)(StockReservation.__table__)
    more = {"reserved": StockReservation.reserved + insert.excluded.reserved}
    session.execute(insert.on_conflict_do_update(index_elements=["line_id", "warehouse_id"], set_=more), rows)


def ensure(session: Session, product_id: int, warehouse_id: int) -> None:
    """The row of a product in a warehouse where there is none yet; two at once make one."""
    row = _insert(session)(Stock).values(product_id=product_id, warehouse_id=warehouse_id, on_hand=0, reserved=0)
    session.execute(row.on_conflict_do_nothing())


def _insert(session: Session) -> Any:
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert


def note(
    session: Session,
    kind: MovementKind,
    product_id: int,
    warehouse_id: int,
    on_hand: int,
    reserved: int,
    *,
    order_id: int | None = None,
    user_id: str | None = None,
    reason: str = "",
) -> None:
    session.add(
        StockMovement(
            kind=kind,
            product_id=product_id,
            warehouse_id=warehouse_id,
            on_hand=on_hand,
            reserved=reserved,
            order_id=order_id,
            user_id=user_id,
            reason=reason[:255],
        )
    )


def tracked_among(session: Session, lines: list[OrderLine]) -> dict[int, Product]:
    ids = {line.product_id for line in lines}
    query = select(Product).where(Product.id.in_(ids), Product.track_stock, Product.bundle.is_(False))
    return {product.id: product for product in session.scalars(query)}


def held_by(session: Session, lines: Iterable[OrderLine]) -> dict[int, list[StockReservation]]:
    ids = [line.id for line in lines]
    query = select(StockReservation).where(StockReservation.line_id.in_(ids))
    found: dict[int, list[StockReservation]] = {}
    for row in session.scalars(query.execution_options(populate_existing=True)):
        found.setdefault(row.line_id, []).append(row)
    return found
