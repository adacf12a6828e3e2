"""Lists that go out to files and come in from them: each transfer is a row, so that a restart leaves a clear state."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cti.store.models.base import Base, UtcDateTime, enum_type, fresh_id, id_type, utc_now


class TransferState(StrEnum):
    READING = "reading"  # an uploaded file is being read
    MAPPING = "mapping"  # a person says which column is which
    CHECKING = "checking"
    CHECKED = "checked"  # a person looks at what would happen
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the process that did it is gone


class Transfer(Base):
    """``way`` is ``import`` or ``export`` of the list ``subject``; ``rows`` were counted, ``done`` of them are through.

    ``options``: of an import the headings, the mapping and what to do with duplicates; of an export the filters.
    ``seen_at`` is written by who does the work. Files stand in the transfers folder under the id.
    """

    __tablename__ = "transfers"
    __table_args__ = (Index(None, "user_id", "created_at"), Index(None, "state", "seen_at"), Index(None, "created_at"))

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    way: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    state: Mapped[TransferState] = mapped_column(enum_type(TransferState))
    file_name: Mapped[str] = mapped_column(String(128), default="")
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    rows: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    made: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    wrong: Mapped[int] = mapped_column(default=0)
    stop: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ImportMapping(Base):
    """Which column of a list a heading meant the last time."""

    __tablename__ = "import_mappings"

    subject: Mapped[str] = mapped_column(String(32), primary_key=True)
    heading: Mapped[str] = mapped_column(String(128), primary_key=True)
    column: Mapped[str] = mapped_column("field", String(64), default="")
