"""Callback tickets at work: noted in a rush, held by one person at a time, settled or closed after some days.

Whoever presses first gets a ticket: every step is one conditional UPDATE, so that two at once never both succeed. The
caller commits. Must not know pages; tickets of lost calls are made by ``cti.store.tickets``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from cti.domain.errors import CallyardError
from cti.domain.phones import normalise
from cti.store.models import Call, Ticket, TicketAct, TicketOrigin, TicketState, TicketStep, User, utc_now
from cti.store.models.base import fresh_id
from cti.store.rows import changed

RESULTS = frozenset({TicketState.ORDERED, TicketState.CANCELLED, TicketState.COMPLAINT, TicketState.DONE})


class TicketTaken(CallyardError):
    """Somebody else holds the ticket: ``holder`` is the name."""

    code = "ticket.taken"


class TicketClosed(CallyardError):
    """The ticket was settled meanwhile: ``state``."""

    code = "ticket.closed"


@dataclass(frozen=True)
class Wanted:
    """What is known of a customer who wants to be called back."""

    number: str
    queue_id: str = ""
    name: str = ""
    other: str = ""
    note: str = ""
    urgent: bool = False
    call_id: str = ""
    customer_id: int | None = None
    custom: dict[str, Any] = field(default_factory=dict)


def make(
    session: Session, wanted: Wanted, user_id: str, now: datetime, origin: TicketOrigin = TicketOrigin.AGENT
) -> tuple[Ticket, bool]:
    """The ticket, and whether it is new: an open one of the same number and queue learns what is new instead."""
    number = normalise(wanted.number)
    call = session.get(Call, wanted.call_id) if wanted.call_id else None
    queue_id = wanted.queue_id or (call.queue_id if call else "")
    same = (Ticket.number == number, Ticket.queue_id == queue_id, Ticket.state == TicketState.OPEN)
    ticket = session.scalars(select(Ticket).where(*same).order_by(Ticket.first_at).limit(1)).first()
    if ticket is not None:
        _learn(ticket, wanted, now)
        _step(session, ticket.id, TicketAct.CHANGED, user_id, now, wanted.note)
        return ticket, False
    ticket = add(session, replace(wanted, number=number, queue_id=queue_id), user_id, now, origin)
    ticket.dnis = call.dnis if call else ""
    session.flush()
    return ticket, True


def add(
    session: Session, wanted: Wanted, user_id: str, now: datetime, origin: TicketOrigin = TicketOrigin.AGENT
) -> Ticket:
    """A new ticket, for who knows that there is none of this number and queue; both as they are stored."""
    ticket = Ticket(
        id=fresh_id(),
        number=wanted.number,
        queue_id=wanted.queue_id,
        call_id=wanted.call_id,
        calls=0,
        first_at=now,
        lost_at=now,
        origin=origin,
        urgent=wanted.urgent,
        name=wanted.name,
        other=wanted.other,
        note=wanted.note,
        customer_id=wanted.customer_id,
        made_by=user_id,
        custom=wanted.custom,
    )
    session.add(ticket)
    _step(session, ticket.id, TicketAct.MADE, user_id, now, wanted.note)
    return ticket


def _learn(ticket: Ticket, wanted: Wanted, now: datetime) -> None:
    ticket.urgent = ticket.urgent or wanted.urgent
    ticket.name, ticket.other = wanted.name or ticket.name, wanted.other or ticket.other
    ticket.customer_id = wanted.customer_id or ticket.customer_id
    ticket.note = "\n".join(dict.fromkeys(filter(None, (ticket.note, wanted.note))))
    if wanted.custom:
        ticket.custom = {**(ticket.custom or {}), **wanted.custom}
    ticket.lost_at, ticket.changed_at = now, now


# ---------------------------------------------------------------- one holder


def take(session: Session, ticket_id: str, user_id: str, now: datetime, seconds: float) -> None:
    """Hold the ticket for ``seconds`` from now on. Raises ``TicketTaken`` or ``TicketClosed``."""
    until = now + timedelta(seconds=seconds)
    values = {"held_by": user_id, "held_until": until, "changed_at": now}
    if not _changed(session, (Ticket.id == ticket_id, _open(), _free_for(user_id, now)), values):
        raise refusal(session, ticket_id)
    _step(session, ticket_id, TicketAct.HELD, user_id, now)


def release(session: Session, ticket_id: str, user_id: str, now: datetime) -> bool:
    """Give it back unsettled; false when it was not this user's."""
    given_back = _changed(session, (Ticket.id == ticket_id, Ticket.held_by == user_id, _open()), _let_go(now))
    if given_back:
        _step(session, ticket_id, TicketAct.RELEASED, user_id, now)
    return given_back


def next_id(session: Session, user_id: str, seen: Iterable[ColumnElement[bool]], now: datetime) -> str | None:
    """The first ticket of those ``seen`` that nobody holds and that is not put off."""
    query = select(Ticket.id).where(_open(), _free_for(user_id, now), *seen)
    due = or_(Ticket.retry_at.is_(None), Ticket.retry_at <= now)
    found: str | None = session.scalar(in_order(query.where(due)).limit(1))
    return found


def held(session: Session, user_id: str, now: datetime) -> Ticket | None:
    """What this user has in hand."""
    mine = (Ticket.held_by == user_id, Ticket.held_until > now, _open())
    return session.scalars(select(Ticket).where(*mine).order_by(Ticket.held_until.desc()).limit(1)).first()


def refusal(session: Session, ticket_id: str) -> CallyardError:
    """Why nothing happened to the ticket."""
    query = select(Ticket.state, User.name).outerjoin(User, User.id == Ticket.held_by).where(Ticket.id == ticket_id)
    row = session.execute(query).first()
    if row is None or row[0] is not TicketState.OPEN:
        return TicketClosed(state=str(row[0]) if row else "")
    return TicketTaken(holder=row[1] or "")


# ---------------------------------------------------------------- results


def settle(
    session: Session,
    ticket_id: str,
    user_id: str,
    state: TicketState,
    now: datetime,
    *,
    note: str = "",
    call_id: str = "",
    order_id: int | None = None,
) -> None:
    """Close it with one of ``RESULTS``. Raises ``TicketTaken`` or ``TicketClosed``."""
    values: dict[str, Any] = _let_go(now) | {"state": state, "user_id": user_id, "closed_at": now}
    values |= {"back_call_id": call_id} if call_id else {}
    values |= {"order_id": order_id} if order_id is not None else {}
    if not _changed(session, (Ticket.id == ticket_id, _open(), _free_for(user_id, now)), values):
        raise refusal(session, ticket_id)
    _step(session, ticket_id, state, user_id, now, note)


def unreachable(
    session: Session, ticket_id: str, user_id: str, now: datetime, seconds: float, *, note: str = ""
) -> None:
    """One more try that reached nobody: it stays on the list and is put off. Raises as ``settle``."""
    values = _let_go(now) | {"tries": Ticket.tries + 1, "tried_at": now, "retry_at": now + timedelta(seconds=seconds)}
    if not _changed(session, (Ticket.id == ticket_id, _open(), _free_for(user_id, now)), values):
        raise refusal(session, ticket_id)
    _step(session, ticket_id, TicketAct.UNREACHABLE, user_id, now, note)


def reopen(session: Session, ticket_id: str, user_id: str, now: datetime) -> bool:
    """Back on the list, with its days anew; false when it is open already."""
    values = _let_go(now) | {"state": TicketState.OPEN, "user_id": user_id, "closed_at": None, "open_since": now}
    opened = _changed(session, (Ticket.id == ticket_id, Ticket.state != TicketState.OPEN), values)
    if opened:
        _step(session, ticket_id, TicketAct.OPENED, user_id, now)
    return opened


# ---------------------------------------------------------------- the worker's


def reached(session: Session, number: str, at: datetime) -> None:
    """The customer talked with somebody: off the list, but for what a person holds, who says what came of it."""
    still_open = (_open(), Ticket.held_by.is_(None), func.coalesce(Ticket.open_since, Ticket.lost_at) <= at)
    for ticket_id in session.scalars(select(Ticket.id).where(Ticket.number == number, *still_open)).all():
        values = {"state": TicketState.REACHED, "closed_at": at, "changed_at": utc_now()}
        if _changed(session, (Ticket.id == ticket_id, *still_open), values):
            _step(session, ticket_id, TicketState.REACHED, None, at)


def tidy(session: Session, now: datetime, days: float) -> int:
    """Holds that ran out end, who was reached meanwhile leaves the list, what is too old is closed. Commits."""
    out = select(Ticket).where(_open(), Ticket.held_until <= now)
    for ticket in session.scalars(out).all():
        at = _talked(session, ticket)
        values = _let_go(now) | ({"state": TicketState.REACHED, "closed_at": at} if at else {})
        if _changed(session, (Ticket.id == ticket.id, _open(), Ticket.held_until <= now), values):
            _step(session, ticket.id, TicketState.REACHED if at else TicketAct.RELEASED, None, now)
    session.commit()
    since = func.coalesce(Ticket.open_since, Ticket.lost_at)
    old = (_open(), since <= now - timedelta(days=days), or_(Ticket.held_until.is_(None), Ticket.held_until <= now))
    closed = 0
    for ticket_id in session.scalars(select(Ticket.id).where(*old).limit(5000)).all():
        values = _let_go(now) | {"state": TicketState.EXPIRED, "closed_at": now}
        if _changed(session, (Ticket.id == ticket_id, *old), values):
            _step(session, ticket_id, TicketState.EXPIRED, None, now)
            closed += 1
    session.commit()
    return closed


def _talked(session: Session, ticket: Ticket) -> datetime | None:
    later = (Call.number == ticket.number, Call.answered_at > (ticket.open_since or ticket.lost_at))
    return session.scalar(select(func.max(Call.answered_at)).where(*later))


# ---------------------------------------------------------------- conditions


def in_order(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Urgent ones first, then the oldest."""
    return query.order_by(Ticket.urgent.desc(), Ticket.first_at, Ticket.id)


def of_queues(queues: Collection[str] | None) -> list[ColumnElement[bool]]:
    """Tickets of these queues, and those of none; ``None``: of all."""
    return [] if queues is None else [Ticket.queue_id.in_(["", *sorted(queues)])]


def _open() -> ColumnElement[bool]:
    return Ticket.state == TicketState.OPEN


def _free_for(user_id: str, now: datetime) -> ColumnElement[bool]:
    return or_(Ticket.held_by.is_(None), Ticket.held_by == user_id, Ticket.held_until <= now)


def _let_go(now: datetime) -> dict[str, Any]:
    return {"held_by": None, "held_until": None, "changed_at": now}


def _changed(session: Session, where: tuple[ColumnElement[bool], ...], values: dict[str, Any]) -> bool:
    statement = update(Ticket).where(*where).values(values).execution_options(synchronize_session=False)
    done = changed(session, statement) == 1
    for known in session.identity_map.values():
        if done and isinstance(known, Ticket):
            session.expire(known)
    return done


def _step(
    session: Session, ticket_id: str, what: TicketAct | TicketState, user_id: str | None, now: datetime, note: str = ""
) -> None:
    session.add(TicketStep(ticket_id=ticket_id, what=str(what), user_id=user_id, at=now, note=note))
