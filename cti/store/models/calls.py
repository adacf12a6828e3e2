"""The ledger of calls as tables, written only by ``cti.store.writer`` from durable events; notes come from the pages.

No foreign keys to people and queues: a call outlives them, and an event is stored whatever else the database holds.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, UtcDateTime, enum_type, id_type, utc_now


class RecordingState(StrEnum):
    PENDING = "pending"  # still being written, or not yet converted
    READY = "ready"
    MISSING = "missing"  # the switch never left a file


class CallType(StrEnum):
    NORMAL = "normal"
    SILENT = "silent"
    DROPPED = "dropped"


class BusinessType(StrEnum):
    """Those the system comes with; administrators add more."""

    CALLBACK = "callback"
    ORDER = "order"
    CONSULTATION = "consultation"
    COMPLAINT = "complaint"
    HARASSMENT = "harassment"


class Call(Base):
    """One customer contact. ``number`` is the customer's, normalised; ``agent_id`` the first agent who talked.

    ``surveyed_at``: since when the caller was asked, without an agent, how satisfied they are with ``rated_agent_id``;
    ``rating`` the answer: 1 very, 2 satisfied, 3 not.

    ``document`` is the ledger document of docs/bus.md, whole; ``version`` its version: a lower one is never written.
    """

    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "number", "created_at"),
        Index(None, "queue_id", "created_at"),
        Index(None, "agent_id", "created_at"),
        Index(None, "ended_at"),
        Index(None, "dnis", "created_at", postgresql_include=["direction", "test"]),  # reports
        Index(None, "surveyed_at"),
    )

    id: Mapped[str] = mapped_column(id_type(), primary_key=True)
    version: Mapped[int]
    switch: Mapped[str] = mapped_column(String(32), default="")
    direction: Mapped[str] = mapped_column(String(16))
    ani: Mapped[str] = mapped_column(String(128), default="")
    ani_name: Mapped[str] = mapped_column(String(255), default="")
    dnis: Mapped[str] = mapped_column(String(128), default="")
    number: Mapped[str] = mapped_column(String(128), default="")
    queue_id: Mapped[str] = mapped_column(id_type(), default="")
    agent_id: Mapped[str] = mapped_column(id_type(), default="")
    language: Mapped[str] = mapped_column(String(16), default="")
    trunk: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(String(32), default="")
    ended_by: Mapped[str] = mapped_column(String(16), default="")
    surveyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    rated_agent_id: Mapped[str] = mapped_column(id_type(), default="")
    state: Mapped[str] = mapped_column(String(16), default="")
    digits: Mapped[str] = mapped_column(String(64), default="")
    test: Mapped[bool] = mapped_column(default=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)

    legs: Mapped[list[CallLeg]] = relationship(back_populates="call", order_by="CallLeg.position")
    recordings: Mapped[list[Recording]] = relationship(
        primaryjoin="Call.id == foreign(Recording.call_id)", order_by="Recording.started_at", viewonly=True
    )
    note: Mapped[CallNote | None] = relationship(
        primaryjoin="Call.id == foreign(CallNote.call_id)", uselist=False, viewonly=True
    )

    @property
    def talked(self) -> float | None:
        """Seconds from the answer until the customer, or the last agent, hung up."""
        end = self.surveyed_at or self.ended_at
        return (end - self.answered_at).total_seconds() if end and self.ended_at and self.answered_at else None


class CallLeg(Base):
    """One connection of the call, in the order of ``position``. ``kind``: customer, agent, consulted, outside."""

    __tablename__ = "call_legs"
    __table_args__ = (Index(None, "call_id", "position"), Index(None, "agent_id", "created_at"))

    id: Mapped[str] = mapped_column(id_type(), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(default=0)  # the call's, when this was written
    position: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(16))
    device: Mapped[str] = mapped_column(String(64), default="")
    number: Mapped[str] = mapped_column(String(128), default="")
    agent_id: Mapped[str] = mapped_column(id_type(), default="")
    channel: Mapped[str] = mapped_column(String(150), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    alerting_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(String(32), default="")
    held_seconds: Mapped[float] = mapped_column(default=0.0)
    state: Mapped[str] = mapped_column(String(16), default="")

    call: Mapped[Call] = relationship(back_populates="legs")


class Recording(Base):
    """``file``, relative to the recordings folder, is there once ``ready``: two channels, left the customer's side.

    The waveform stands beside it with the ending ``.json``; its shape is in ``cti.store.audio``. ``spool_file`` is
    what the switch writes, relative to its spool. ``duration`` in seconds, ``bytes`` of ``file``.
    """

    __tablename__ = "recordings"
    __table_args__ = (
        Index(None, "call_id"),
        Index(None, "agent_id", "started_at"),
        Index(None, "state", "started_at"),
        Index(None, "spool_file"),
    )

    id: Mapped[str] = mapped_column(id_type(), primary_key=True)
    call_id: Mapped[str] = mapped_column(id_type())
    leg_id: Mapped[str] = mapped_column(id_type(), default="")
    agent_id: Mapped[str] = mapped_column(id_type(), default="")
    file: Mapped[str] = mapped_column(String(255), default="")
    spool_file: Mapped[str] = mapped_column(String(255), default="")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    duration: Mapped[float] = mapped_column(default=0.0)
    bytes: Mapped[int] = mapped_column(BigId, default=0)
    state: Mapped[RecordingState] = mapped_column(enum_type(RecordingState), default=RecordingState.PENDING)


class CallNote(Base):
    """What the agent says the call was. May be saved before the call's own row is there."""

    __tablename__ = "call_notes"
    __table_args__ = (Index(None, "customer_id", "updated_at"), Index(None, "user_id", "updated_at"))

    call_id: Mapped[str] = mapped_column(id_type(), primary_key=True)
    call_type: Mapped[CallType] = mapped_column(enum_type(CallType), default=CallType.NORMAL)
    business_type: Mapped[str | None] = mapped_column(String(32))
    summary: Mapped[str] = mapped_column(Text, default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)


class AgentStretch(Base):
    """A finished stretch of one agent state; an agent has at most one that starts at a given time."""

    __tablename__ = "agent_stretches"
    __table_args__ = (Index(None, "started_at"), Index(None, "call_id"))

    agent_id: Mapped[str] = mapped_column(id_type(), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    number: Mapped[str] = mapped_column(String(16), default="")
    state: Mapped[str] = mapped_column(String(32), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), default="")
    queue_id: Mapped[str] = mapped_column(id_type(), default="")
    call_id: Mapped[str] = mapped_column(id_type(), default="")


class DeadLetter(Base):
    """A durable event that could not be stored, kept as it came for a person to look at."""

    __tablename__ = "dead_letters"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    subject: Mapped[str] = mapped_column(String(255))
    sequence: Mapped[int] = mapped_column(BigId, unique=True)
    payload: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
