"""Members and their points: rules, and a ledger whose sum is the balance. Changed by ``cti.store.points`` only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, Money, UtcDateTime, enum_type, id_type, utc_now
from cti.store.models.customers import Customer
from cti.store.models.goods import Product


class Member(Base):
    """A customer who collects points. ``owed``: points to be taken back that had been spent already."""

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("owed >= 0", name="owed"),
        Index(None, "joined_at", "customer_id"),
    )

    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    number: Mapped[str] = mapped_column(String(32), unique=True)
    source: Mapped[str] = mapped_column(String(32), default="purchase")
    balance: Mapped[int] = mapped_column(default=0)
    owed: Mapped[int] = mapped_column(default=0)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    customer: Mapped[Customer] = relationship(lazy="joined", innerjoin=True)


class RuleKind(StrEnum):
    SPEND = "spend"
    PRODUCT = "product"
    ACTIVITY = "activity"


class PointRule(Base):
    """``points`` for each whole ``spend`` of money, for each piece of a product, or for taking part in something.

    ``valid_days`` is how long points so earned can be spent; 0: for ever.
    """

    __tablename__ = "point_rules"
    __table_args__ = (Index(None, "active", "starts_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    kind: Mapped[RuleKind] = mapped_column(enum_type(RuleKind), default=RuleKind.SPEND)
    spend: Mapped[Decimal] = mapped_column(Money, default=Decimal(1))
    points: Mapped[int] = mapped_column(default=1)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_days: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    product: Mapped[Product | None] = relationship(lazy="joined")


class PointKind(StrEnum):
    EARN = "earn"
    ACTIVITY = "activity"
    REDEEM = "redeem"
    GIVE_BACK = "give_back"
    TAKE_BACK = "take_back"
    EXPIRE = "expire"
    ADJUST = "adjust"


class PointEntry(Base):
    """One line of the ledger. ``remaining`` is what of points that came in can still be spent; ``amount`` is the money
    of an order's return that the line answers."""

    __tablename__ = "point_entries"
    __table_args__ = (
        CheckConstraint("remaining >= 0", name="remaining"),
        Index(None, "customer_id", "at"),
        Index(None, "order_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("members.customer_id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    kind: Mapped[PointKind] = mapped_column(enum_type(PointKind))
    change: Mapped[int]
    balance: Mapped[int]
    remaining: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    order_id: Mapped[int | None] = mapped_column(BigId)
    rule_id: Mapped[int | None] = mapped_column(BigId)
    amount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    user_id: Mapped[str | None] = mapped_column(id_type())
    text: Mapped[str] = mapped_column(String(255), default="")
