"""Customers that were found to be one, and the index of the search box. Written by ``cti.store.merging`` and
``cti.store.search_keys`` only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, UtcDateTime, utc_now
from cti.store.models.customers import Customer
from cti.store.models.people import User


class CustomerMerge(Base):
    """``loser`` became part of ``winner``. All that is needed to undo it:

    ``moved`` maps a table's column to the keys of the rows that pointed at the loser; ``before`` and ``after`` are the
    winner's fields that were chosen from the loser, ``after`` also the own fields that came from it.
    """

    __tablename__ = "customer_merges"
    __table_args__ = (Index(None, "winner_id", "merged_at"), Index(None, "loser_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    winner_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    loser_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    merged_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    moved: Mapped[dict[str, list[Any]]] = mapped_column(JSON, default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    undone_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    winner: Mapped[Customer] = relationship(foreign_keys=[winner_id], viewonly=True)
    loser: Mapped[Customer] = relationship(foreign_keys=[loser_id], viewonly=True)
    user: Mapped[User | None] = relationship(foreign_keys=[user_id], viewonly=True)


class CustomerKey(Base):
    """What a customer's name is found by: two neighbouring characters of it, or the beginning of its initials."""

    __tablename__ = "customer_keys"
    __table_args__ = (Index(None, "customer_id"),)

    key: Mapped[str] = mapped_column(String(8, collation="C").with_variant(String(8), "sqlite"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
