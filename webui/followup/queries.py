"""Messages and tickets. Takes a session; must not know requests.

``queues`` are ids, ``None`` for all; ``seen`` the conditions of the tickets that may be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from cti.store.callbacks import in_order
from cti.store.models import (
    Call,
    MessageState,
    Queue,
    Recording,
    RecordingState,
    Ticket,
    TicketState,
    User,
    Voicemail,
)
from webui.common.paging import Page, page

MOST = 200
"""Open tickets on one page."""

SHORTEST = 1.0
"""Seconds: who says less has hung up at the tone."""


def messages(session: Session, queues: Collection[str] | None, state: str, cursor: str) -> Page[Any]:
    """Rows (voicemail, recording, call, queue's name, user's name), newest first. ``state`` empty: any."""
    query = (
        messages_of(queues, state)
        .with_only_columns(Voicemail, Recording, Call, Queue.name, User.name)
        .outerjoin(Call, Call.id == Voicemail.call_id)
        .outerjoin(Queue, Queue.id == Voicemail.queue_id)
        .outerjoin(User, User.id == Voicemail.user_id)
    )
    keys = (Voicemail.left_at, Voicemail.recording_id)
    return page(session, query, keys, cursor, lambda row: (row[0].left_at, row[0].recording_id))


def messages_of(queues: Collection[str] | None, state: str) -> Select[Any]:
    """The messages by themselves."""
    query = select(Voicemail).join(Recording, Recording.id == Voicemail.recording_id)
    query = query.where(is_message(), *of(Voicemail.queue_id, queues))
    return query.where(Voicemail.state == MessageState(state)) if state in set(MessageState) else query


def tickets(session: Session, seen: Sequence[ColumnElement[bool]], state: str, cursor: str) -> Page[Any]:
    """Rows (ticket, queue's name, name of who settled it, name of who holds it): open ones as they are to be called,
    the first ``MOST``; others latest first."""
    holder = aliased(User)
    query: Select[*tuple[Any, ...]] = (
        select(Ticket, Queue.name, User.name, holder.name)
        .outerjoin(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(User, User.id == Ticket.user_id)
        .outerjoin(holder, holder.id == Ticket.held_by)
        .where(*seen)
    )
    if state == TicketState.OPEN:
        still_open = query.where(Ticket.state == TicketState.OPEN)
        return Page(session.execute(in_order(still_open).limit(MOST)).all())
    if state:
        query = query.where(Ticket.state == TicketState(state))
    return page(session, query, (Ticket.lost_at, Ticket.id), cursor, lambda row: (row[0].lost_at, row[0].id))


def counts(
    session: Session, queues: Collection[str] | None, seen: Sequence[ColumnElement[bool]]
) -> tuple[int, int, int]:
    """How many messages are new, how many tickets open, how many of these urgent."""
    new = (
        select(func.count())
        .select_from(Voicemail)
        .join(Recording, Recording.id == Voicemail.recording_id)
        .where(Voicemail.state == MessageState.NEW, is_message(), *of(Voicemail.queue_id, queues))
    )
    urgent = func.coalesce(func.sum(case((Ticket.urgent, 1), else_=0)), 0)
    still_open = select(func.count(), urgent).where(Ticket.state == TicketState.OPEN, *seen)
    tickets, hurried = session.execute(still_open).one()
    return session.scalar(new) or 0, tickets, hurried


def is_message() -> ColumnElement[bool]:
    """Something was said, or that is not known yet."""
    heard = and_(Recording.state == RecordingState.READY, Recording.duration >= SHORTEST)
    return and_(Voicemail.state != MessageState.EMPTY, or_(heard, Recording.state == RecordingState.PENDING))


def of(column: Any, queues: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if queues is None else [column.in_(sorted(queues))]
