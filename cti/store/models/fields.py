"""What administrators define: code tables, fields of their own, and the queries that people save.

The values of own fields stand in ``custom`` of customers, orders and tickets, checked by ``cti.store.custom``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cti.store.models.base import Base, BigId, UtcDateTime, enum_type, utc_now


class FieldKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"


class Code(Base):
    """One entry of a code table. ``names``: locale → words; one that is not ``active`` is shown, never offered."""

    __tablename__ = "codes"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    order: Mapped[int] = mapped_column("position", default=0)
    active: Mapped[bool] = mapped_column(default=True)


class CustomField(Base):
    """A field of ``subject`` (``cti.store.custom.SUBJECTS``). ``key`` and ``kind`` never change; ``choices`` are words.

    ``listed``: it is a column, and a filter, of the list.
    """

    __tablename__ = "custom_fields"
    __table_args__ = (Index(None, "subject", "key", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(32))
    names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    kind: Mapped[FieldKind] = mapped_column(enum_type(FieldKind))
    choices: Mapped[list[str]] = mapped_column(JSON, default=list)
    required: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    listed: Mapped[bool] = mapped_column(default=False)
    order: Mapped[int] = mapped_column("position", default=0)


class SavedQuery(Base):
    """A query of its user, for all when ``shared``. ``document`` as ``webui.finder.document`` reads it."""

    __tablename__ = "saved_queries"
    __table_args__ = (Index(None, "user_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    shared: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)
