"""What is left to do for customers: messages they left, callback tickets of lost calls or noted in a rush.

Messages and tickets of lost calls are made by the worker, other tickets and who did what by the pages.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, Document, UtcDateTime, enum_type, fresh_id, id_type, utc_now
from cti.store.models.calls import Call, Recording
from cti.store.models.people import User


class MessageState(StrEnum):
    NEW = "new"
    DONE = "done"
    EMPTY = "empty"  # nothing is said in it: shown to nobody


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
    ORDERED = "ordered"
    CANCELLED = "cancelled"  # the customer does not want it any more
    COMPLAINT = "complaint"  # or a question: what it was stands in the note of the call
    EXPIRED = "expired"  # nobody settled it in time


class TicketOrigin(StrEnum):
    LOST = "lost"
    AGENT = "agent"
    API = "api"


class Ticket(Base):
    """A customer's number to call back for a queue; there is at most one open ticket of a number and a queue.

    ``calls`` were lost one after the other, ``call_id`` the last, or the call in which it was noted; ``waited`` are the
    seconds of the longest wait. ``first_at`` decides who comes first, from ``open_since`` on its days are counted.
    Nobody but ``held_by`` works on it until ``held_until``. ``tries`` did not reach anybody; before ``retry_at`` it is
    not handed out again. ``back_call_id`` is the call in which it was settled.
    """

    __tablename__ = "callback_tickets"
    __table_args__ = (
        Index(None, "state", "lost_at", "id"),
        Index(None, "state", "urgent", "first_at"),
        Index(None, "number", "queue_id", "lost_at"),
        Index(None, "changed_at"),
        Index(None, "held_by"),
        Index(None, "customer_id"),
        Index(None, "order_id"),
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

    origin: Mapped[TicketOrigin] = mapped_column(enum_type(TicketOrigin), default=TicketOrigin.LOST)
    urgent: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(String(128), default="")
    other: Mapped[str] = mapped_column(String(128), default="")  # another way to reach the customer
    note: Mapped[str] = mapped_column(Text, default="")
    dnis: Mapped[str] = mapped_column(String(128), default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"))
    made_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    open_since: Mapped[datetime | None] = mapped_column(UtcDateTime)  # none: since ``lost_at``
    held_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    back_call_id: Mapped[str] = mapped_column(id_type(), default="")
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"))
    custom: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)

    holder: Mapped[User | None] = relationship(foreign_keys=[held_by], viewonly=True)
    history: Mapped[list[TicketStep]] = relationship(
        back_populates="ticket", order_by="TicketStep.id", cascade="all, delete-orphan"
    )


class TicketAct(StrEnum):
    """What people, and the job, do with a ticket; the rest are states."""

    MADE = "made"
    CHANGED = "changed"
    HELD = "held"
    RELEASED = "released"
    UNREACHABLE = "unreachable"
    OPENED = "opened"


class TicketStep(Base):
    """One line of a ticket's history: a ``TicketAct`` or the ``TicketState`` it came to. Nobody: the system."""

    __tablename__ = "ticket_steps"
    __table_args__ = (Index(None, "ticket_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("callback_tickets.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    what: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text, default="")

    ticket: Mapped[Ticket] = relationship(back_populates="history")
    user: Mapped[User | None] = relationship(viewonly=True)
