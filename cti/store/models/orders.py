"""Orders. An order keeps its own copy of address and prices: later changes elsewhere do not touch it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.ext.orderinglist import ordering_list
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.domain.orders import OrderStatus as OrderStatus
from cti.store.models.base import Base, BigId, Document, Money, UtcDateTime, enum_type, id_type, utc_now
from cti.store.models.customers import Customer
from cti.store.models.goods import Product
from cti.store.models.people import User

IMPORTED = "import:"
"""With which the token of an imported order begins; its number in the other system follows."""


class Payment(StrEnum):
    CASH_ON_DELIVERY = "cash_on_delivery"
    ONLINE = "online"
    BANK_TRANSFER = "bank_transfer"


class Delivery(StrEnum):
    EXPRESS = "express"
    EMS = "ems"
    POST = "post"
    PICKUP = "pickup"


class LineKind(StrEnum):
    """``PART``: of the bundle that ``parent`` is; ``REDEEMED``: paid with points. All but ``SALE`` cost no money."""

    SALE = "sale"
    GIFT = "gift"
    PART = "part"
    REDEEMED = "redeemed"


WAITS = ("new", "held", "confirmed", "picking", "packed")
PREPAID = f"payment <> 'cash_on_delivery' AND status IN {WAITS}"
"""Orders that are in the house still and go when they are paid: few of all, with an index of their own."""


class Order(Base):
    """``number`` is given at the first flush. ``token`` is the form's: the same form sent twice is one order.

    ``goods_total`` is the sum of the lines; ``total`` = ``goods_total`` − ``discount`` − ``points_amount`` +
    ``shipping_fee``. ``points_used`` are those of redeemed lines and those that ``points_amount`` was given for.
    """

    __tablename__ = "orders"
    __table_args__ = (
        Index(None, "customer_id", "created_at", postgresql_include=["status", "total"]),  # queries
        Index(None, "created_at", "id", postgresql_include=["status", "total", "airing_id", "medium_id"]),  # reports
        Index(None, "agent_user_id", "created_at"),
        Index(None, "status", "created_at"),
        Index(None, "call_id"),
        Index(None, "medium_id", "created_at"),
        Index(None, "airing_id"),
        Index("ix_orders_prepaid", "created_at", "id", postgresql_where=text(PREPAID), sqlite_where=text(PREPAID)),
        Index(None, "custom", postgresql_using="gin", postgresql_ops={"custom": "jsonb_path_ops"}),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    token: Mapped[str | None] = mapped_column(String(64), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    call_id: Mapped[str | None] = mapped_column(id_type())
    agent_user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    recipient: Mapped[str] = mapped_column(String(128), default="")
    phone: Mapped[str] = mapped_column(String(32), default="")
    city: Mapped[str] = mapped_column(String(128), default="")
    line: Mapped[str] = mapped_column(String(255), default="")
    postcode: Mapped[str] = mapped_column(String(16), default="")
    payment: Mapped[Payment] = mapped_column(enum_type(Payment), default=Payment.CASH_ON_DELIVERY)
    delivery: Mapped[Delivery] = mapped_column(enum_type(Delivery), default=Delivery.EXPRESS)
    invoice_title: Mapped[str] = mapped_column(String(128), default="")
    invoice_tax_no: Mapped[str] = mapped_column(String(32), default="")
    medium_id: Mapped[int | None] = mapped_column(BigId)
    airing_id: Mapped[int | None] = mapped_column(BigId)
    remarks: Mapped[str] = mapped_column(Text, default="")
    custom: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    status: Mapped[OrderStatus] = mapped_column(enum_type(OrderStatus), default=OrderStatus.NEW)
    goods_total: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    discount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    shipping_fee: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    points_used: Mapped[int] = mapped_column(default=0)
    points_amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    total: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)

    customer: Mapped[Customer] = relationship()
    agent_user: Mapped[User] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(
        back_populates="order",
        cascade="all, delete-orphan",
        order_by="OrderLine.position",
        collection_class=ordering_list("position"),
    )

    @property
    def former(self) -> str:
        """The number in the system that the order was imported from."""
        token = self.token or ""
        return token.removeprefix(IMPORTED) if token.startswith(IMPORTED) else ""


class OrderLine(Base):
    """``amount`` is ``quantity`` times ``price`` less ``discount``, as it was when the order was saved."""

    __tablename__ = "order_lines"
    __table_args__ = (Index(None, "order_id"), Index(None, "product_id"), Index(None, "parent_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    price: Mapped[Decimal] = mapped_column(Money)
    discount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    amount: Mapped[Decimal] = mapped_column(Money)
    points: Mapped[int] = mapped_column(default=0)
    kind: Mapped[LineKind] = mapped_column(enum_type(LineKind), default=LineKind.SALE)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("order_lines.id"))

    parent: Mapped[OrderLine | None] = relationship(remote_side=[id])
    order: Mapped[Order] = relationship(back_populates="lines")
    product: Mapped[Product] = relationship()


class OrderDraft(Base):
    """An order that is being written, so that it survives the machine: ``key`` is customer and call."""

    __tablename__ = "order_drafts"
    __table_args__ = (Index(None, "updated_at"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(96), primary_key=True)
    fields: Mapped[list[list[str]]] = mapped_column(JSON)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)
