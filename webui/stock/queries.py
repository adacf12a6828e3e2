"""Reading stock and its ledger. Takes a session; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, joinedload

from cti.store.models import MovementKind, Product, Stock, StockMovement, Warehouse
from cti.store.stock import Level
from webui.common.paging import Page, page

MOST = 500


@dataclass(slots=True)
class Row:
    """A product with what lies in each warehouse, by its id."""

    product: Product
    levels: dict[int, Level] = field(default_factory=dict)

    @property
    def total(self) -> Level:
        rows = self.levels.values()
        return Level(sum(row.on_hand for row in rows), sum(row.reserved for row in rows))

    @property
    def low(self) -> bool:
        return self.total.available <= self.product.low_stock


def warehouses(session: Session, *, active: bool = False) -> Sequence[Warehouse]:
    query = select(Warehouse).order_by(Warehouse.active.desc(), Warehouse.position, Warehouse.id)
    return session.scalars(query.where(Warehouse.active) if active else query).all()


def named(text: str) -> ColumnElement[bool]:
    """The condition that a product is meant by what was typed."""
    return or_(
        Product.code.istartswith(text, autoescape=True),
        Product.initials.startswith(text.upper(), autoescape=True),
        Product.name.contains(text, autoescape=True),
    )


def listing(session: Session, text: str, *, low: bool) -> list[Row]:
    """Products whose stock is kept, at most 500, by code."""
    rows = with_levels(session, kept(text).order_by(Product.code).limit(MOST))
    return [row for row in rows if row.low or not low]


def suggest(session: Session, text: str, limit: int = 12) -> list[Row]:
    """Products whose stock is kept, to choose from: those whose code begins with ``text`` first, then by initials."""
    by_code = Product.code.istartswith(text, autoescape=True)
    by_initials = Product.initials.startswith(text.upper(), autoescape=True)
    return with_levels(session, kept(text).order_by(by_code.desc(), by_initials.desc(), Product.code).limit(limit))


def kept(text: str) -> Select[tuple[Product]]:
    query = select(Product).where(Product.track_stock, Product.bundle.is_(False))
    return query.where(named(text)) if text else query


def with_levels(session: Session, query: Select[tuple[Product]]) -> list[Row]:
    rows = {product.id: Row(product) for product in session.scalars(query)}
    for stock in session.scalars(select(Stock).where(Stock.product_id.in_(rows))):
        rows[stock.product_id].levels[stock.warehouse_id] = Level(stock.on_hand, stock.reserved)
    return list(rows.values())


def ledger(
    session: Session,
    *,
    text: str,
    kind: str,
    warehouse_id: int,
    since: datetime | None,
    until: datetime | None,
    cursor: str,
) -> Page[StockMovement]:
    """The ledger, newest first."""
    query = select(StockMovement).options(joinedload(StockMovement.product), joinedload(StockMovement.warehouse))
    if text:
        query = query.where(StockMovement.product_id.in_(select(Product.id).where(named(text))))
    if kind:
        query = query.where(StockMovement.kind == MovementKind(kind))
    if warehouse_id:
        query = query.where(StockMovement.warehouse_id == warehouse_id)
    if since:
        query = query.where(StockMovement.at >= since)
    if until:
        query = query.where(StockMovement.at < until)
    return page(session, query, (StockMovement.at, StockMovement.id), cursor, lambda row: (row.at, row.id))


def at(session: Session, product_id: int, warehouse_id: int) -> Level:
    row = session.get(Stock, (product_id, warehouse_id))
    return Level(row.on_hand, row.reserved) if row else Level()
