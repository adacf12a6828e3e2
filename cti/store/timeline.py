"""Everything that happened with a customer, newest first, a page at a time: orders, calls, tickets, messages, merges.

Each kind is read by its own index, no more than one page of it. What a user may see of an entry is the page's matter.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from cti.store import merging
from cti.store.models import (
    Agent,
    BusinessType,
    Call,
    CallNote,
    Customer,
    CustomerMerge,
    CustomerPhone,
    MessageState,
    Order,
    OrderLine,
    Ticket,
    TicketState,
    User,
    Voicemail,
)

KINDS = ("order", "call", "ticket", "voicemail", "merge")
SIZE = 30
TIES = 20  # entries of one kind at one microsecond that are still told apart


@dataclass(frozen=True, slots=True)
class Entry:
    """``row`` is the ORM row; of a call also ``note`` and the agent's name."""

    at: datetime
    kind: str
    key: str
    row: Any
    note: CallNote | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    entries: Sequence[Entry]
    older: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """A customer with all who were merged into it, and the numbers of all of them."""

    ids: Sequence[int]
    numbers: Sequence[str]


Source = Callable[[Session, Who, datetime | None, int], list[Entry]]


def who(session: Session, customer: Customer) -> Who:
    ids = merging.family(session, customer.id)
    numbers = session.scalars(select(CustomerPhone.number).where(CustomerPhone.customer_id.in_(ids)).distinct())
    return Who(ids, list(numbers))


def read(
    session: Session, customer: Customer, kinds: Collection[str] = (), cursor: str = "", size: int = SIZE
) -> Timeline:
    """One page before ``cursor``; a cursor that is none gives the first page. ``kinds`` empty: all of them;
    ``complaint`` are the calls and tickets that were one."""
    after = decode(cursor)
    people = who(session, customer)
    wanted = [kind for kind in SOURCES if kind in (kinds or KINDS)]
    found = [SOURCES[kind](session, people, after[0] if after else None, size + TIES) for kind in wanted]
    merged = heapq.merge(*found, key=order, reverse=True)
    entries = [entry for entry in merged if after is None or order(entry) < after][: size + 1]
    older = encode(entries[size - 1]) if len(entries) > size else ""
    return Timeline(entries[:size], older)


def order(entry: Entry) -> tuple[datetime, str, str]:
    return entry.at, entry.kind, entry.key


def encode(entry: Entry) -> str:
    raw = json.dumps([entry.at.isoformat(), entry.kind, entry.key]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str, str] | None:
    try:
        at, kind, key = json.loads(base64.urlsafe_b64decode(cursor[:300] + "=" * (-len(cursor[:300]) % 4)))
        moment = datetime.fromisoformat(at)
        return (moment, str(kind), str(key)) if moment.tzinfo else None
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None


def _until(column: Any, before: datetime | None) -> list[ColumnElement[bool]]:
    return [] if before is None else [column <= before]


def _orders(session: Session, people: Who, before: datetime | None, limit: int) -> list[Entry]:
    query = (
        select(Order)
        .where(Order.customer_id.in_(people.ids), *_until(Order.created_at, before))
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(limit)
        .options(selectinload(Order.lines).joinedload(OrderLine.product), joinedload(Order.agent_user))
    )
    return _sorted(Entry(row.created_at, "order", str(row.id), row) for row in session.scalars(query))


def _calls(
    session: Session, people: Who, before: datetime | None, limit: int, about: BusinessType | None = None
) -> list[Entry]:
    """Calls of their numbers, and those of other numbers that an agent said were theirs."""
    last = select(Call.id).where(*_until(Call.created_at, before))
    last = last.order_by(Call.created_at.desc(), Call.id.desc()).limit(limit)
    noted = last.join(CallNote, CallNote.call_id == Call.id)
    if about is not None:
        last = noted = noted.where(CallNote.business_type == about)
    by_number = last.where(Call.number.in_(people.numbers))
    by_note = noted.where(CallNote.customer_id.in_(people.ids))
    ids = {*(session.scalars(by_number) if people.numbers else ()), *session.scalars(by_note)}
    query = (
        select(Call, CallNote, User.name)
        .where(Call.id.in_(ids))
        .outerjoin(CallNote, CallNote.call_id == Call.id)
        .outerjoin(Agent, Agent.id == Call.agent_id)
        .outerjoin(User, User.id == Agent.user_id)
        .options(selectinload(Call.recordings))
    )
    rows = session.execute(query) if ids else ()
    return _sorted(Entry(call.created_at, "call", call.id, call, note, name or "") for call, note, name in rows)


def _tickets(
    session: Session, people: Who, before: datetime | None, limit: int, state: TicketState | None = None
) -> list[Entry]:
    theirs = or_(Ticket.customer_id.in_(people.ids), Ticket.number.in_(people.numbers))
    query = select(Ticket).where(theirs, *_until(Ticket.first_at, before))
    if state is not None:
        query = query.where(Ticket.state == state)
    rows = session.scalars(query.order_by(Ticket.first_at.desc(), Ticket.id.desc()).limit(limit))
    return _sorted(Entry(row.first_at, "ticket", row.id, row) for row in rows)


def _complaints(session: Session, people: Who, before: datetime | None, limit: int) -> list[Entry]:
    calls = _calls(session, people, before, limit, BusinessType.COMPLAINT)
    return _sorted([*calls, *_tickets(session, people, before, limit, TicketState.COMPLAINT)])


def _voicemails(session: Session, people: Who, before: datetime | None, limit: int) -> list[Entry]:
    if not people.numbers:
        return []
    query = (
        select(Voicemail)
        .join(Call, Call.id == Voicemail.call_id)
        .where(Call.number.in_(people.numbers), *_until(Voicemail.left_at, before))
        .where(Voicemail.state != MessageState.EMPTY)
        .order_by(Voicemail.left_at.desc(), Voicemail.recording_id.desc())
        .limit(limit)
        .options(joinedload(Voicemail.recording), joinedload(Voicemail.call))
    )
    return _sorted(Entry(row.left_at, "voicemail", row.recording_id, row) for row in session.scalars(query))


def _merges(session: Session, people: Who, before: datetime | None, limit: int) -> list[Entry]:
    theirs = or_(CustomerMerge.winner_id.in_(people.ids), CustomerMerge.loser_id.in_(people.ids))
    query = (
        select(CustomerMerge)
        .where(theirs, *_until(CustomerMerge.merged_at, before))
        .order_by(CustomerMerge.merged_at.desc(), CustomerMerge.id.desc())
        .limit(limit)
        .options(joinedload(CustomerMerge.loser), joinedload(CustomerMerge.winner), joinedload(CustomerMerge.user))
    )
    return _sorted(Entry(row.merged_at, "merge", str(row.id), row) for row in session.scalars(query))


def _sorted(entries: Any) -> list[Entry]:
    return sorted(entries, key=order, reverse=True)


SOURCES: dict[str, Source] = {
    "order": _orders,
    "call": _calls,
    "ticket": _tickets,
    "voicemail": _voicemails,
    "merge": _merges,
    "complaint": _complaints,
}
