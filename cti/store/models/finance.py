"""The money of orders: what came in, what is off the bill or paid back, what carriers owe, invoices, call tariffs.

Rows are added, never changed, once they are paid, closed or void. ``cti.store.money`` and its neighbours write them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.domain.orders import (
    CreditKind,
    DifferenceKind,
    DifferenceState,
    InvoiceState,
    LineDecision,
    ReceiptKind,
    RefundState,
    SettlementState,
)
from cti.store.models.base import Base, BigId, Money, UtcDateTime, enum_type, id_type, utc_now
from cti.store.models.fulfilment import Carrier, Parcel
from cti.store.models.orders import Order


class Receipt(Base):
    """Money of an order that came in. Negative only where it moved on to the order that replaces this one."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index(None, "order_id"),
        Index(None, "parcel_id"),
        Index(None, "at"),
        Index(None, "kind", "settlement_id", "amount"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[ReceiptKind] = mapped_column(enum_type(ReceiptKind))
    amount: Mapped[Decimal] = mapped_column(Money)
    reference: Mapped[str] = mapped_column(String(128), default="")
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcels.id"))
    settlement_id: Mapped[int | None] = mapped_column(ForeignKey("settlements.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    user_id: Mapped[str | None] = mapped_column(id_type())


class Credit(Base):
    """A part of an order's total that the customer need not pay."""

    __tablename__ = "credits"
    __table_args__ = (Index(None, "order_id"), CheckConstraint("amount >= 0", name="amount"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[CreditKind] = mapped_column(enum_type(CreditKind))
    amount: Mapped[Decimal] = mapped_column(Money)
    return_id: Mapped[int | None] = mapped_column(ForeignKey("returns.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Refund(Base):
    """Asked for by one person, approved by another, then paid."""

    __tablename__ = "refunds"
    __table_args__ = (
        Index(None, "order_id"),
        Index(None, "state", "asked_at"),
        CheckConstraint("amount > 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int] = mapped_column(BigId, unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    return_id: Mapped[int | None] = mapped_column(ForeignKey("returns.id"))
    amount: Mapped[Decimal] = mapped_column(Money)
    reason: Mapped[str] = mapped_column(String(255), default="")
    state: Mapped[RefundState] = mapped_column(enum_type(RefundState), default=RefundState.REQUESTED)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    asked_by: Mapped[str | None] = mapped_column(id_type())
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(id_type())
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paid_by: Mapped[str | None] = mapped_column(id_type())
    reference: Mapped[str] = mapped_column(String(128), default="")

    order: Mapped[Order] = relationship()


class Settlement(Base):
    """A statement of what a carrier collected for us. ``number`` is given when it is closed; then it never changes."""

    __tablename__ = "settlements"
    __table_args__ = (Index(None, "carrier_id", "until"), Index(None, "created_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int | None] = mapped_column(BigId, unique=True)
    carrier_id: Mapped[int] = mapped_column(ForeignKey("carriers.id"))
    since: Mapped[date]
    until: Mapped[date]
    state: Mapped[SettlementState] = mapped_column(enum_type(SettlementState), default=SettlementState.OPEN)
    expected: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    reported: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    fee: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    created_by: Mapped[str | None] = mapped_column(id_type())
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(id_type())

    carrier: Mapped[Carrier] = relationship(lazy="joined", innerjoin=True)
    lines: Mapped[list[SettlementLine]] = relationship(
        back_populates="settlement", cascade="all, delete-orphan", order_by="SettlementLine.id"
    )


class SettlementLine(Base):
    """``expected`` is what our books say, ``reported`` what the carrier says; empty: the carrier has said nothing.

    Without a parcel: a waybill that we do not know.
    """

    __tablename__ = "settlement_lines"
    __table_args__ = (Index(None, "settlement_id", "waybill", unique=True), Index(None, "parcel_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlements.id", ondelete="CASCADE"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcels.id"))
    waybill: Mapped[str] = mapped_column(String(64))
    expected: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    reported: Mapped[Decimal | None] = mapped_column(Money)
    fee: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    note: Mapped[str] = mapped_column(String(255), default="")
    decision: Mapped[LineDecision] = mapped_column(enum_type(LineDecision), default=LineDecision.CARRY)

    settlement: Mapped[Settlement] = relationship(back_populates="lines")
    parcel: Mapped[Parcel | None] = relationship()

    @property
    def difference(self) -> Decimal:
        return (self.reported or Decimal(0)) - self.expected


class CarrierDifference(Base):
    """Money that a carrier owes us beyond its statements, or that it gave us too much; ``kind`` says which.

    ``parent_id``: the difference that this is the rest of. ``receipt_id``: the money that came in by it. Changed by
    ``cti.store.differences`` only.
    """

    __tablename__ = "carrier_differences"
    __table_args__ = (
        Index(None, "carrier_id", "state"),
        Index(None, "state", "opened_at"),
        Index(None, "order_id"),
        Index(None, "parcel_id"),
        Index(None, "settlement_id"),
        CheckConstraint("amount > 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int] = mapped_column(BigId, unique=True)
    carrier_id: Mapped[int] = mapped_column(ForeignKey("carriers.id"))
    settlement_id: Mapped[int | None] = mapped_column(ForeignKey("settlements.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcels.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("carrier_differences.id"))
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id"))
    waybill: Mapped[str] = mapped_column(String(64))
    kind: Mapped[DifferenceKind] = mapped_column(enum_type(DifferenceKind))
    state: Mapped[DifferenceState] = mapped_column(enum_type(DifferenceState), default=DifferenceState.OPEN)
    amount: Mapped[Decimal] = mapped_column(Money)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    asked_by: Mapped[str | None] = mapped_column(id_type())

    carrier: Mapped[Carrier] = relationship(lazy="joined", innerjoin=True)
    order: Mapped[Order | None] = relationship()
    settlement: Mapped[Settlement | None] = relationship()
    steps: Mapped[list[DifferenceStep]] = relationship(
        back_populates="difference", cascade="all, delete-orphan", order_by="DifferenceStep.id"
    )


class DifferenceStep(Base):
    """One event of a difference. Never changed."""

    __tablename__ = "carrier_difference_steps"
    __table_args__ = (Index(None, "difference_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    difference_id: Mapped[int] = mapped_column(ForeignKey("carrier_differences.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    event: Mapped[str] = mapped_column(String(32))
    before: Mapped[DifferenceState] = mapped_column(enum_type(DifferenceState))
    after: Mapped[DifferenceState] = mapped_column(enum_type(DifferenceState))
    user_id: Mapped[str | None] = mapped_column(id_type())
    username: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(String(255), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    difference: Mapped[CarrierDifference] = relationship(back_populates="steps")


class Invoice(Base):
    """Keeps its number when it is void; an order has at most one that is not."""

    __tablename__ = "invoices"
    __table_args__ = (Index(None, "order_id"), Index(None, "issued_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int] = mapped_column(BigId, unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    title: Mapped[str] = mapped_column(String(128))
    tax_number: Mapped[str] = mapped_column(String(32), default="")
    amount: Mapped[Decimal] = mapped_column(Money)
    state: Mapped[InvoiceState] = mapped_column(enum_type(InvoiceState), default=InvoiceState.ISSUED)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    issued_by: Mapped[str | None] = mapped_column(id_type())
    void_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    void_by: Mapped[str | None] = mapped_column(id_type())
    void_reason: Mapped[str] = mapped_column(String(255), default="")

    order: Mapped[Order] = relationship()


class Tariff(Base):
    """What calls cost: ``setup`` once, then ``price`` for each ``unit_seconds`` begun. The longest prefix holds.

    ``price`` and ``setup`` are in ten-thousandths of the currency, exactly. ``trunk`` empty: any.
    """

    __tablename__ = "tariffs"
    __table_args__ = (
        Index(None, "trunk", "prefix", "since", unique=True),
        CheckConstraint("unit_seconds > 0 AND price >= 0 AND setup >= 0", name="amounts"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    prefix: Mapped[str] = mapped_column(String(32), default="")
    trunk: Mapped[str] = mapped_column(String(64), default="")
    since: Mapped[date]
    unit_seconds: Mapped[int] = mapped_column(default=60)
    price: Mapped[int] = mapped_column(BigId, default=0)
    setup: Mapped[int] = mapped_column(BigId, default=0)
