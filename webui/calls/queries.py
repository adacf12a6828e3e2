"""The call log and what belongs to one call. Takes a session; must not know requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from cti.domain.phones import normalise
from cti.store.models import Agent, Call, CallLeg, CallNote, Customer, Order, Queue, Recording, User
from webui.calls.forms import Filters
from webui.common.paging import Page, page


def listing(session: Session, filters: Filters, own: Collection[str] | None, cursor: str, size: int = 50) -> Page[Any]:
    """Rows (call, note, agent's name, queue's name), newest first. ``own``: only calls these agents were in."""
    query = rows()
    for condition in (*conditions(filters), had_part(own, filters) if own is not None else None):
        if condition is not None:
            query = query.where(condition)
    return page(session, query, (Call.created_at, Call.id), cursor, lambda r: (r[0].created_at, r[0].id), size)


def rows() -> Select[Call, CallNote, str, str]:
    return (
        select(Call, CallNote, User.name, Queue.name)
        .outerjoin(CallNote, CallNote.call_id == Call.id)
        .outerjoin(Agent, and_(Agent.id == Call.agent_id, Call.agent_id != ""))
        .outerjoin(User, User.id == Agent.user_id)
        .outerjoin(Queue, and_(Queue.id == Call.queue_id, Call.queue_id != ""))
        .options(selectinload(Call.recordings))
    )


def conditions(filters: Filters) -> tuple[ColumnElement[bool] | None, ...]:
    return (
        Call.created_at >= filters.since if filters.since else None,
        Call.created_at < filters.until if filters.until else None,
        with_number(filters.number) if filters.number else None,
        had_part((filters.agent,), filters) if filters.agent else None,
        Call.queue_id == filters.queue if filters.queue else None,
        Call.direction == filters.direction if filters.direction else None,
        outcome(filters.outcome) if filters.outcome else None,
        Call.rating == int(filters.rating) if filters.rating else None,
    )


def with_number(text: str) -> ColumnElement[bool]:
    """The customer's number, whole or its beginning."""
    whole = normalise(text)
    bare = "".join(c for c in text if c.isascii() and (c.isdigit() or c in "+*#"))
    if not bare:
        return Call.ani_name.contains(text, autoescape=True)
    national = bare if bare.startswith("+") else f"+86{bare.removeprefix('0')}"
    return or_(
        Call.number == whole,
        Call.number.startswith(national, autoescape=True),
        Call.number.startswith(bare, autoescape=True),
    )


def outcome(name: str) -> ColumnElement[bool]:
    ended, answered = Call.ended_at.is_not(None), Call.answered_at.is_not(None)
    never = and_(ended, Call.answered_at.is_(None))
    return {
        "answered": answered,
        "abandoned": and_(never, Call.direction == "inbound"),
        "no_answer": and_(never, Call.direction != "inbound"),
        "live": Call.ended_at.is_(None),
    }[name]


def outcome_of(call: Call) -> str:
    """The same words for one row."""
    if call.answered_at is not None:
        return "answered"
    if call.ended_at is None:
        return "live"
    return "abandoned" if call.direction == "inbound" else "no_answer"


def had_part(agents: Collection[str], filters: Filters) -> ColumnElement[bool]:
    """The phone of one of ``agents`` rang or talked in the call.

    A leg is never older than its call, which bounds the search.
    """
    legs = select(CallLeg.call_id).where(CallLeg.agent_id.in_(sorted(agents)))
    if filters.since:
        legs = legs.where(CallLeg.created_at >= filters.since)
    return Call.id.in_(legs)


def get(session: Session, call_id: str) -> Call | None:
    query = select(Call).where(Call.id == call_id).options(selectinload(Call.legs), selectinload(Call.recordings))
    return session.scalars(query).first()


def today(session: Session, agent_id: str, midnight: datetime, limit: int = 30) -> Sequence[Any]:
    """The agent's own calls since midnight, newest first, as ``listing``."""
    return listing(session, Filters(since=midnight), (agent_id,), "", limit).rows


def names(session: Session, ids: Collection[str] | None = None) -> dict[str, str]:
    """Agent ids to names, for legs and filters; those of ``ids`` unless that is ``None``."""
    query = select(Agent.id, User.name).join(User, User.id == Agent.user_id).order_by(User.name)
    if ids is not None:
        query = query.where(Agent.id.in_(sorted(ids)))
    return {row[0]: row[1] for row in session.execute(query)}


def queues_before(call: Call) -> list[str]:
    """Ids of the queues that the call went over from, in order."""
    passed = (call.document or {}).get("passed") or []
    ids = [str(name).removeprefix("queue:") for name in passed if str(name).startswith("queue:")]
    return [queue_id for queue_id in ids if queue_id != call.queue_id]


def queues(session: Session) -> dict[str, str]:
    rows = session.execute(select(Queue.id, Queue.name).order_by(Queue.name))
    return {row[0]: row[1] for row in rows}


def orders_of(session: Session, call_id: str) -> Sequence[Order]:
    query = select(Order).where(Order.call_id == call_id).order_by(Order.id).options(joinedload(Order.customer))
    return session.scalars(query).all()


def note_of(session: Session, call_id: str) -> CallNote | None:
    return session.get(CallNote, call_id)


def customers_of(session: Session, call: Call, note: CallNote | None, limit: int = 5) -> Sequence[Customer]:
    """Whom the call was with: as the agent said, else who has the number."""
    from webui.customers.queries import by_number

    if note is not None and note.customer_id is not None:
        chosen = session.get(Customer, note.customer_id)
        return [chosen] if chosen else []
    return by_number(session, call.number, limit) if call.number else []


def recording(session: Session, recording_id: str) -> Recording | None:
    return session.get(Recording, recording_id)
