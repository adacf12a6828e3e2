"""What people at the desk keep for themselves and are told: tasks, reminders, bulletins. Must not know calls."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, UtcDateTime, id_type, utc_now
from cti.store.models.customers import Customer
from cti.store.models.people import User


class Task(Base):
    """Something its user wants to do; with ``due_at`` it is a reminder. ``number`` is whom to call, if anybody."""

    __tablename__ = "tasks"
    __table_args__ = (Index(None, "user_id", "done_at", "due_at"), Index(None, "due_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(String(255))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[str] = mapped_column(String(128), default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"))
    call_id: Mapped[str] = mapped_column(id_type(), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    customer: Mapped[Customer | None] = relationship()


class Bulletin(Base):
    """Something that everybody should read, until ``until`` if that is given; with ``must_read``: has to confirm."""

    __tablename__ = "bulletins"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(Text)
    must_read: Mapped[bool] = mapped_column(default=False)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    user: Mapped[User] = relationship()


class BulletinRead(Base):
    __tablename__ = "bulletin_reads"

    bulletin_id: Mapped[int] = mapped_column(ForeignKey("bulletins.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
