"""What is sold and what lies where: products, their prices by period, bundles, gifts; warehouses, stock and its ledger.

Stock is changed by ``cti.store.stock`` only, prices are found by ``cti.store.prices``.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, Money, UtcDateTime, enum_type, id_type, utc_now


class Product(Base):
    """``price`` holds where no period says otherwise. A ``bundle`` is sold at its own price and ships its parts.

    ``track_stock``: only what lies in a warehouse is sold, unless ``backorder`` allows more. A bundle keeps none.
    """

    __tablename__ = "products"
    __table_args__ = (Index(None, "name"), Index(None, "initials"), Index(None, "category"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    name_en: Mapped[str] = mapped_column(String(128), default="")
    initials: Mapped[str] = mapped_column(String(64), default="")
    category: Mapped[str] = mapped_column(String(64), default="")
    unit: Mapped[str] = mapped_column(String(16), default="")
    price: Mapped[Decimal] = mapped_column(Money)
    active: Mapped[bool] = mapped_column(default=True)
    bundle: Mapped[bool] = mapped_column(default=False)
    track_stock: Mapped[bool] = mapped_column(default=False)
    backorder: Mapped[bool] = mapped_column(default=False)
    low_stock: Mapped[int] = mapped_column(default=0)
    points_price: Mapped[int] = mapped_column(default=0)

    prices: Mapped[list[ProductPrice]] = relationship(
        back_populates="product", cascade="all, delete-orphan", order_by="ProductPrice.starts_at, ProductPrice.id"
    )
    parts: Mapped[list[BundlePart]] = relationship(
        back_populates="bundle",
        cascade="all, delete-orphan",
        foreign_keys="BundlePart.bundle_id",
        order_by="BundlePart.id",
    )


class ProductPrice(Base):
    """A price from ``starts_at`` until before ``ends_at``; with ``medium_id`` for those who saw that medium only."""

    __tablename__ = "product_prices"
    __table_args__ = (Index(None, "product_id", "starts_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    price: Mapped[Decimal] = mapped_column(Money)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    medium_id: Mapped[int | None] = mapped_column(BigId)

    product: Mapped[Product] = relationship(back_populates="prices")


class BundlePart(Base):
    __tablename__ = "bundle_parts"
    __table_args__ = (Index(None, "bundle_id", "product_id", unique=True), Index(None, "product_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    bundle_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(default=1)

    bundle: Mapped[Product] = relationship(back_populates="parts", foreign_keys=[bundle_id])
    product: Mapped[Product] = relationship(foreign_keys=[product_id], lazy="joined")


class ProductPicture(Base):
    """Kept apart from the product, so that lists do not read it."""

    __tablename__ = "product_pictures"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    mime: Mapped[str] = mapped_column(String(32))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)


class GiftRule(Base):
    """A gift with ``min_quantity`` of a product, or with an order from ``min_total``; ``repeat`` gives it for each."""

    __tablename__ = "gift_rules"
    __table_args__ = (Index(None, "active", "starts_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    min_quantity: Mapped[int] = mapped_column(default=1)
    min_total: Mapped[Decimal | None] = mapped_column(Money)
    gift_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    gift_quantity: Mapped[int] = mapped_column(default=1)
    repeat: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    active: Mapped[bool] = mapped_column(default=True)

    product: Mapped[Product | None] = relationship(foreign_keys=[product_id], lazy="joined")
    gift: Mapped[Product] = relationship(foreign_keys=[gift_id], lazy="joined", innerjoin=True)


class Warehouse(Base):
    """``position`` says where goods are looked for first."""

    __tablename__ = "warehouses"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Stock(Base):
    """How much of a product lies in a warehouse, and how much of that is promised. The sums of the ledger, always."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        Index(None, "warehouse_id"),
    )

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouses.id"), primary_key=True)
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)


class MovementKind(StrEnum):
    IN = "in"
    OUT = "out"
    TRANSFER = "transfer"
    COUNT = "count"
    RESERVE = "reserve"
    RELEASE = "release"
    SHIP = "ship"
    RETURN = "return"


class StockMovement(Base):
    """One line of the ledger: what was added to ``on_hand`` and to ``reserved``, by whom and why. Never changed."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        Index(None, "at", "id"),
        Index(None, "product_id", "at"),
        Index(None, "order_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    kind: Mapped[MovementKind] = mapped_column(enum_type(MovementKind))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouses.id"))
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    order_id: Mapped[int | None] = mapped_column(BigId)
    user_id: Mapped[str | None] = mapped_column(id_type())
    reason: Mapped[str] = mapped_column(String(255), default="")

    product: Mapped[Product] = relationship()
    warehouse: Mapped[Warehouse] = relationship()


class StockReservation(Base):
    """What is promised to, or was shipped for, a line of an order, and from where."""

    __tablename__ = "stock_reservations"
    __table_args__ = (
        CheckConstraint("reserved >= 0 AND shipped >= 0", name="quantities"),
        Index(None, "warehouse_id"),
    )

    line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"), primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouses.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    reserved: Mapped[int] = mapped_column(default=0)
    shipped: Mapped[int] = mapped_column(default=0)
