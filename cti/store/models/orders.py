"""Products and orders. An order keeps its own copy of address and prices: later changes elsewhere do not touch it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.ext.orderinglist import ordering_list
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, Money, UtcDateTime, enum_type, id_type, utc_now
from cti.store.models.customers import Customer
from cti.store.models.people import User


class OrderStatus(StrEnum):
    NEW = "new"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Payment(StrEnum):
    CASH_ON_DELIVERY = "cash_on_delivery"
    ONLINE = "online"
    BANK_TRANSFER = "bank_transfer"


class Product(Base):
    __tablename__ = "products"
    __table_args__ = (Index(None, "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    name_en: Mapped[str] = mapped_column(String(128), default="")
    price: Mapped[Decimal] = mapped_column(Money)
    active: Mapped[bool] = mapped_column(default=True)


class Order(Base):
    """``number`` is given at the first flush. ``token`` is the form's: the same form sent twice is one order."""

    __tablename__ = "orders"
    __table_args__ = (
        Index(None, "customer_id", "created_at"),
        Index(None, "created_at", "id"),
        Index(None, "agent_user_id", "created_at"),
        Index(None, "status", "created_at"),
        Index(None, "call_id"),
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
    remarks: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[OrderStatus] = mapped_column(enum_type(OrderStatus), default=OrderStatus.NEW)
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


class OrderLine(Base):
    """``amount`` is ``quantity`` times ``price``, as it was when the order was saved."""

    __tablename__ = "order_lines"
    __table_args__ = (Index(None, "order_id"), Index(None, "product_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    price: Mapped[Decimal] = mapped_column(Money)
    amount: Mapped[Decimal] = mapped_column(Money)

    order: Mapped[Order] = relationship(back_populates="lines")
    product: Mapped[Product] = relationship()
