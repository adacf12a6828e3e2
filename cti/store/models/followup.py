"""What is left to do for customers who did not reach anybody: messages they left, lost calls to call back.

Rows are made by the worker; who did what with them comes from the pages.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, UtcDateTime, enum_type, fresh_id, id_type
from cti.store.models.calls import Call, Recording


class MessageState(StrEnum):
    NEW = "new"
    DONE = "done"


class Voicemail(Base):
    """A recording that is a message for the agents of a queue."""

    __tablename__ = "voicemails"
    __table_args__ = (Index(None, "state", "left_at", "recording_id"), Index(None, "call_id"))

    recording_id: Mapped[str] = mapped_column(id_type(), primary_key=True)
    call_id: Mapped[str] = mapped_column(id_type())
    queue_id: Mapped[str] = mapped_column(id_type())
    left_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[MessageState] = mapped_column(enum_type(MessageState), default=MessageState.NEW)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))  # who set the state
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    recording: Mapped[Recording | None] = relationship(
        primaryjoin="Voicemail.recording_id == foreign(Recording.id)", uselist=False, viewonly=True
    )
    call: Mapped[Call | None] = relationship(
        primaryjoin="Voicemail.call_id == foreign(Call.id)", uselist=False, viewonly=True
    )


class TicketState(StrEnum):
    OPEN = "open"
    DONE = "done"  # a person says so
    REACHED = "reached"  # the customer talked with an agent since


class Ticket(Base):
    """A customer's number to call back for a queue; ``calls`` were lost one after the other, ``call_id`` the last.

    ``waited`` are the seconds of the longest wait. There is at most one open ticket of a number and a queue.
    """

    __tablename__ = "callback_tickets"
    __table_args__ = (
        Index(None, "state", "lost_at", "id"),
        Index(None, "number", "queue_id", "lost_at"),
    )

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    number: Mapped[str] = mapped_column(String(128))
    queue_id: Mapped[str] = mapped_column(id_type())
    call_id: Mapped[str] = mapped_column(id_type())
    calls: Mapped[int] = mapped_column(default=1)
    waited: Mapped[float] = mapped_column(default=0.0)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lost_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[TicketState] = mapped_column(enum_type(TicketState), default=TicketState.OPEN)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
