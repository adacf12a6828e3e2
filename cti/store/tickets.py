"""Lost calls become tickets to call back; who is reached after all is taken off the list.

A call is lost when its caller hung up in a queue after the time that the queue says, left no message, did not ask for a
callback and has not talked with anybody since; also the last of several attempts to call somebody back. ``settle`` may
be given any call, any number of times, in any order. Must not know the bus.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from cti.store import callbacks
from cti.store.models import Call, MessageState, Queue, Ticket, TicketState, Voicemail, utc_now

BATCH = 200
LOOK_BACK = timedelta(hours=24)


def settle(session: Session, call_ids: Collection[str]) -> int:
    """Look at calls that ended or were answered; how many tickets are new. Commits."""
    made, ids = 0, sorted(call_ids)
    for at in range(0, len(ids), BATCH):
        part = select(Call).where(Call.id.in_(ids[at : at + BATCH])).order_by(Call.created_at, Call.id)
        calls = session.scalars(part).all()
        for call in calls:
            if call.answered_at is not None:
                _reached(session, call.number, call.answered_at)
        for call in calls:
            made += _lost(session, call)
        session.commit()
    return made


def recent(session: Session) -> list[str]:
    """Calls that a worker before this one may not have looked at."""
    since = utc_now() - LOOK_BACK
    return list(session.scalars(select(Call.id).where(Call.ended_at >= since)))


def _reached(session: Session, number: str, at: datetime) -> None:
    if number:
        callbacks.reached(session, number, at)


def _lost(session: Session, call: Call) -> int:
    waited = _waited(call)
    if waited is None or call.ended_at is None or not _wanted(session, call, waited):
        return 0
    latest = session.scalars(_of(call).order_by(Ticket.lost_at.desc()).limit(1)).first()
    if latest is not None and latest.lost_at >= call.ended_at:
        return 0  # counted before
    if latest is not None and latest.state is TicketState.OPEN:
        latest.calls, latest.call_id, latest.lost_at = latest.calls + 1, call.id, call.ended_at
        latest.waited = max(latest.waited, waited)
        return 0
    session.add(
        Ticket(
            number=call.number,
            queue_id=call.queue_id,
            call_id=call.id,
            waited=waited,
            first_at=call.ended_at,
            lost_at=call.ended_at,
        )
    )
    session.flush()
    return 1


def _of(call: Call) -> Select[Ticket]:
    return select(Ticket).where(Ticket.number == call.number, Ticket.queue_id == call.queue_id)


def _waited(call: Call) -> float | None:
    """Seconds in the queue of a caller who gave up, or was not reached; ``None`` for every other call."""
    if call.answered_at is not None or call.ended_at is None or call.queued_at is None:
        return None
    if call.test or not call.number:
        return None
    asked, given_up = bool(call.document.get("place")), bool(call.document.get("given_up"))
    if asked if call.direction == "inbound" else not given_up:
        return None
    return (call.ended_at - call.queued_at).total_seconds()


def _wanted(session: Session, call: Call, waited: float) -> bool:
    queue = session.get(Queue, call.queue_id)
    if queue is None or (call.direction == "inbound" and (not queue.tickets or waited < queue.ticket_after)):
        return False
    left_a_message = exists().where(Voicemail.call_id == call.id, Voicemail.state != MessageState.EMPTY)
    talked = exists().where(Call.number == call.number, Call.answered_at > call.ended_at)
    return not session.scalar(select(or_(left_a_message, talked)))
