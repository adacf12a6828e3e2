"""Where the shop is seen: media, and their airings with programme, goods, time, the number shown and the cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, Money, UtcDateTime, enum_type, utc_now
from cti.store.models.goods import Product


class MediumKind(StrEnum):
    TV = "tv"
    RADIO = "radio"
    PAPER = "paper"
    WEB = "web"
    OTHER = "other"


class Medium(Base):
    """A station, paper or site."""

    __tablename__ = "media"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    kind: Mapped[MediumKind] = mapped_column(enum_type(MediumKind), default=MediumKind.TV)
    remarks: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)


airing_products = Table(
    "airing_products",
    Base.metadata,
    Column("airing_id", ForeignKey("airings.id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", ForeignKey("products.id"), primary_key=True, index=True),
)


class Airing(Base):
    """From ``starts_at`` to ``ends_at`` a medium shows ``dnis``; two airings on one number never overlap.

    Calls up to ``counts_until`` are its own, unless another airing on the number has begun.
    """

    __tablename__ = "airings"
    __table_args__ = (
        Index(None, "dnis", "starts_at"),
        Index(None, "starts_at"),
        Index(None, "medium_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[int] = mapped_column(BigId, unique=True)
    medium_id: Mapped[int] = mapped_column(ForeignKey("media.id"))
    programme: Mapped[str] = mapped_column(String(128))
    dnis: Mapped[str] = mapped_column(String(32))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    counts_until: Mapped[datetime] = mapped_column(UtcDateTime)
    cost: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    remarks: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    medium: Mapped[Medium] = relationship(lazy="joined")
    products: Mapped[list[Product]] = relationship(secondary=airing_products, order_by=Product.code, lazy="selectin")
