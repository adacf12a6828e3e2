"""What happens to an order after it was taken: its history, pick lists, carriers, parcels, what comes back.

An order's state is changed by ``cti.store.orders`` only.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.domain.orders import OrderStatus, ParcelState, ReturnKind, ReturnState
from cti.store.models.base import Base, BigId, Money, UtcDateTime, enum_type, id_type, utc_now
from cti.store.models.orders import Order, OrderLine
from cti.store.models.people import User


class OrderStep(Base):
    """One event of an order's history. ``facts`` are plain values, as the waybill. Never changed."""

    __tablename__ = "order_events"
    __table_args__ = (Index(None, "order_id", "id"), Index(None, "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    event: Mapped[str] = mapped_column(String(32))
    before: Mapped[OrderStatus] = mapped_column(enum_type(OrderStatus))
    after: Mapped[OrderStatus] = mapped_column(enum_type(OrderStatus))
    user_id: Mapped[str | None] = mapped_column(id_type())
    username: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(String(255), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class OrderHandling(Base):
    """What reviewers and the warehouse note of an order; there is none before the first note.

    ``origin_id``: the order this one was split from, or replaces. ``merged_into_id``: where its lines went.
    """

    __tablename__ = "order_handling"
    __table_args__ = (Index(None, "held_until"), Index(None, "pick_list_id"), Index(None, "origin_id"))

    order_id: Mapped[int] = mapped_column(
        ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hold_reason: Mapped[str] = mapped_column(String(255), default="")
    pick_list_id: Mapped[int | None] = mapped_column(ForeignKey("pick_lists.id"))
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))


class PickList(Base):
    """Orders whose goods one person fetches in one round. ``warehouse_id`` empty: goods that no warehouse keeps."""

    __tablename__ = "pick_lists"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int] = mapped_column(BigId, unique=True)
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouses.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))

    user: Mapped[User] = relationship()


class Carrier(Base):
    __tablename__ = "carriers"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    phone: Mapped[str] = mapped_column(String(32), default="")
    active: Mapped[bool] = mapped_column(default=True)


class Parcel(Base):
    """``cod_amount`` is what the carrier collects and hands over; 0 for what was paid before."""

    __tablename__ = "parcels"
    __table_args__ = (
        Index(None, "order_id"),
        Index(None, "carrier_id", "state", "finished_at", "cod_amount"),
        CheckConstraint("cod_amount >= 0", name="cod_amount"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    carrier_id: Mapped[int] = mapped_column(ForeignKey("carriers.id"))
    waybill: Mapped[str] = mapped_column(String(64), unique=True)
    cod_amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    state: Mapped[ParcelState] = mapped_column(enum_type(ParcelState), default=ParcelState.SENT)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(String(255), default="")

    carrier: Mapped[Carrier] = relationship(lazy="joined", innerjoin=True)
    order: Mapped[Order] = relationship()


class Return(Base):
    """What a customer sends back, from the wish to the inspection. ``replacement_id``: the order that follows."""

    __tablename__ = "returns"
    __table_args__ = (Index(None, "order_id"), Index(None, "state", "asked_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int] = mapped_column(BigId, unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[ReturnKind] = mapped_column(enum_type(ReturnKind), default=ReturnKind.RETURN)
    state: Mapped[ReturnState] = mapped_column(enum_type(ReturnState), default=ReturnState.AWAITED)
    reason: Mapped[str] = mapped_column(String(255), default="")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    asked_by: Mapped[str | None] = mapped_column(id_type())
    inspected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    inspected_by: Mapped[str | None] = mapped_column(id_type())
    amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    replacement_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))

    order: Mapped[Order] = relationship(foreign_keys=[order_id])
    lines: Mapped[list[ReturnLine]] = relationship(back_populates="whole", cascade="all, delete-orphan")


class ReturnLine(Base):
    """``good`` pieces went back into the stock, ``bad`` ones were written off; both 0 before the inspection."""

    __tablename__ = "return_lines"
    __table_args__ = (
        Index(None, "return_id"),
        Index(None, "order_line_id"),
        CheckConstraint("good >= 0 AND bad >= 0 AND quantity > 0", name="quantities"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("returns.id", ondelete="CASCADE"))
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"))
    quantity: Mapped[int]
    good: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)

    whole: Mapped[Return] = relationship(back_populates="lines")
    order_line: Mapped[OrderLine] = relationship()
