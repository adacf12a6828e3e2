"""Sums of orders and calls by UTC day, for reports over years; ``cti.store.rollups`` keeps and reads them.

A day is summed when it stands in ``report_days`` and has no mark: marks are written by triggers (``cti.store.marks``).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cti.domain.orders import OrderStatus
from cti.store.models.base import Base, BigId, Money, enum_type
from cti.store.models.orders import Payment


class RollUp(StrEnum):
    ORDERS = "orders"
    CALLS = "calls"


class ReportDay(Base):
    """This day is in the tables below, whether it has rows there or not."""

    __tablename__ = "report_days"

    kind: Mapped[RollUp] = mapped_column(enum_type(RollUp), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)


class ReportMark(Base):
    """Something of this day was changed since it was summed."""

    __tablename__ = "report_marks"
    __table_args__ = (Index(None, "kind", "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[RollUp] = mapped_column(enum_type(RollUp))
    day: Mapped[date]


class OrderDay(Base):
    __tablename__ = "order_days"
    __table_args__ = (Index(None, "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[date]
    medium_id: Mapped[int | None] = mapped_column(BigId)
    airing_id: Mapped[int | None] = mapped_column(BigId)
    status: Mapped[OrderStatus] = mapped_column(enum_type(OrderStatus))
    payment: Mapped[Payment] = mapped_column(enum_type(Payment))
    orders: Mapped[int]
    total: Mapped[Decimal] = mapped_column(Money)


class ProductDay(Base):
    """Lines of the day's orders."""

    __tablename__ = "product_days"
    __table_args__ = (Index(None, "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[date]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    status: Mapped[OrderStatus] = mapped_column(enum_type(OrderStatus))
    pieces: Mapped[int] = mapped_column(BigId)
    amount: Mapped[Decimal] = mapped_column(Money)


class CallDay(Base):
    """Calls from outside, tests left out; without an airing those that none brought."""

    __tablename__ = "call_days"
    __table_args__ = (Index(None, "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[date]
    airing_id: Mapped[int | None] = mapped_column(BigId)
    calls: Mapped[int]
