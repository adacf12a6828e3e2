"""Customers, their phone numbers and addresses. Numbers are stored as ``cti.domain.phones.normalise`` gives them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, Document, UtcDateTime, enum_type, utc_now

PREFIX = "text_pattern_ops"


class Sex(StrEnum):
    UNKNOWN = "unknown"
    FEMALE = "female"
    MALE = "male"


class Customer(Base):
    """``number`` is given at the first flush and shown to people; ``first_entry_at`` never changes.

    ``custom`` holds the values of own fields; ``owner_user_id`` whose customer it is, for rights to ``own`` data.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index(None, "name", postgresql_ops={"name": PREFIX}),
        Index(None, "email", postgresql_ops={"email": PREFIX}),
        Index(None, "first_entry_at"),
        Index(None, "merged_into_id"),
        Index(None, "updated_at", "id"),
        Index(None, "custom", postgresql_using="gin", postgresql_ops={"custom": "jsonb_path_ops"}),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int] = mapped_column(BigId, unique=True)
    name: Mapped[str] = mapped_column(String(128))
    name_initials: Mapped[str] = mapped_column(String(64), default="")
    sex: Mapped[Sex] = mapped_column(enum_type(Sex), default=Sex.UNKNOWN)
    birthday: Mapped[date | None]
    id_number: Mapped[str] = mapped_column(String(32), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    source: Mapped[str] = mapped_column(String(64), default="")
    category: Mapped[str] = mapped_column(String(64), default="")
    level: Mapped[str] = mapped_column(String(64), default="")
    region: Mapped[str] = mapped_column(String(6), default="")  # code of a division, by ``cti.store.regions``
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))  # who it is now
    remarks: Mapped[str] = mapped_column(Text, default="")
    custom: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    owner_user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    first_entry_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)

    phones: Mapped[list[CustomerPhone]] = relationship(
        back_populates="customer", cascade="all, delete-orphan", order_by="CustomerPhone.id", lazy="selectin"
    )
    addresses: Mapped[list[Address]] = relationship(
        back_populates="customer",
        cascade="all, delete-orphan",
        order_by="Address.is_default.desc(), Address.id",
        lazy="selectin",
    )


class CustomerPhone(Base):
    """``number`` in E.164 where it is a public number, else as dialled. Several customers may share one.

    Ordered by its bytes, so that numbers with one beginning are read in order from the index.
    """

    __tablename__ = "customer_phones"
    __table_args__ = (
        Index(None, "number"),
        Index(None, "customer_id", "number", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(String(32, collation="C").with_variant(String(32), "sqlite"))
    label: Mapped[str] = mapped_column(String(32), default="mobile")

    customer: Mapped[Customer] = relationship(back_populates="phones")


class Address(Base):
    """Where to ship. ``recipient`` and ``phone`` are empty when they are the customer's own.

    ``region`` is the code of a division, empty where ``city`` was written freely.
    """

    __tablename__ = "addresses"
    __table_args__ = (Index(None, "customer_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    region: Mapped[str] = mapped_column(String(6), default="")
    city: Mapped[str] = mapped_column(String(128), default="")
    line: Mapped[str] = mapped_column(String(255))
    postcode: Mapped[str] = mapped_column(String(16), default="")
    recipient: Mapped[str] = mapped_column(String(128), default="")
    phone: Mapped[str] = mapped_column(String(32), default="")
    is_default: Mapped[bool] = mapped_column(default=False)

    customer: Mapped[Customer] = relationship(back_populates="addresses")
