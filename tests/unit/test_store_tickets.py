"""Lost calls that become tickets to call back, and messages that callers left: rows on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import tickets
from cti.store.events import parse
from cti.store.models import Call, MessageState, Queue, Recording, Ticket, TicketState, Voicemail, utc_now
from cti.store.writer import write
from tests.ledger import BEGAN, call_event
from tests.stores import Store

NUMBER = "+8613800138000"
MORNING = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def session(store: Store) -> Any:
    with store.sessions() as session:
        session.add(Queue(id="orders", number="2001", name="Orders", ticket_after=5.0))
        session.add(Queue(id="quiet", number="2002", name="Quiet", tickets=False))
        session.commit()
        yield session


def call(session: Session, call_id: str, minute: float, *, answered: bool = False, **values: Any) -> str:
    """An inbound call that waited for 30 s from ``minute`` on, then was answered or given up."""
    began = MORNING + timedelta(minutes=minute)
    ended = began + timedelta(seconds=30)
    row: dict[str, Any] = {
        "id": call_id,
        "version": 3,
        "direction": "inbound",
        "number": NUMBER,
        "queue_id": "orders",
        "created_at": began,
        "queued_at": began,
        "answered_at": ended if answered else None,
        "ended_at": ended + timedelta(seconds=60 if answered else 0),
        "document": {},
    }
    session.add(Call(**(row | values)))
    session.commit()
    return call_id


def all_tickets(session: Session) -> list[Ticket]:
    session.expire_all()
    return list(session.scalars(select(Ticket).order_by(Ticket.lost_at)))


def test_a_lost_call_is_a_ticket_once(session: Session) -> None:
    call(session, "c1", 0)
    assert tickets.settle(session, ["c1"]) == 1
    assert tickets.settle(session, ["c1", "unknown"]) == 0
    [ticket] = all_tickets(session)
    assert (ticket.number, ticket.queue_id, ticket.call_id, ticket.calls) == (NUMBER, "orders", "c1", 1)
    assert (ticket.state, ticket.waited) == (TicketState.OPEN, 30.0)
    assert ticket.lost_at == MORNING + timedelta(seconds=30)


def test_who_tries_again_and_is_lost_again_is_one_ticket(session: Session) -> None:
    call(session, "c1", 0)
    call(session, "c2", 5)
    assert tickets.settle(session, ["c2", "c1"]) == 1
    assert tickets.settle(session, ["c1", "c2"]) == 0
    [ticket] = all_tickets(session)
    assert (ticket.calls, ticket.call_id) == (2, "c2")
    assert ticket.first_at == MORNING + timedelta(seconds=30)
    assert ticket.lost_at == MORNING + timedelta(minutes=5, seconds=30)


def test_another_queue_is_another_ticket(session: Session) -> None:
    session.add(Queue(id="service", number="2003", name="Service"))
    call(session, "c1", 0)
    call(session, "c2", 1, queue_id="service")
    assert tickets.settle(session, ["c1", "c2"]) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"queued_at": MORNING + timedelta(seconds=26)},
        {"queued_at": None},
        {"queue_id": "quiet"},
        {"queue_id": "gone"},
        {"number": ""},
        {"test": True},
        {"direction": "outbound"},
        {"ended_at": None},
    ],
    ids=lambda values: "-".join(f"{k}={v}" for k, v in values.items()) if isinstance(values, dict) else "",
)
def test_what_is_no_lost_call_is_no_ticket(session: Session, values: dict[str, Any]) -> None:
    call(session, "c1", 0, **values)
    assert tickets.settle(session, ["c1"]) == 0
    assert all_tickets(session) == []


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_who_talked_with_somebody_since_needs_no_ticket(session: Session, direction: str) -> None:
    call(session, "c1", 0)
    call(session, "c2", 5, answered=True, direction=direction)
    assert tickets.settle(session, ["c1"]) == 0
    assert all_tickets(session) == []


def test_who_is_reached_later_is_taken_off_the_list(session: Session) -> None:
    call(session, "c1", 0)
    tickets.settle(session, ["c1"])
    call(session, "c2", 5, answered=True, direction="outbound", queue_id="")
    tickets.settle(session, ["c2"])
    [ticket] = all_tickets(session)
    assert (ticket.state, ticket.closed_at) == (TicketState.REACHED, MORNING + timedelta(minutes=5, seconds=30))
    assert tickets.settle(session, ["c1"]) == 0


def test_who_was_reached_before_the_loss_is_still_to_be_called(session: Session) -> None:
    call(session, "c1", 0, answered=True)
    call(session, "c2", 5)
    assert tickets.settle(session, ["c2", "c1"]) == 1
    assert all_tickets(session)[0].state is TicketState.OPEN


def test_a_new_loss_after_a_ticket_was_done_is_a_new_ticket(session: Session) -> None:
    call(session, "c1", 0)
    tickets.settle(session, ["c1"])
    all_tickets(session)[0].state = TicketState.DONE
    session.commit()
    call(session, "c2", 5)
    assert tickets.settle(session, ["c1", "c2"]) == 1
    assert [ticket.state for ticket in all_tickets(session)] == [TicketState.DONE, TicketState.OPEN]


def test_who_left_a_message_is_heard_there(session: Session) -> None:
    call(session, "c1", 0)
    session.add(Voicemail(recording_id="r1", call_id="c1", queue_id="orders", left_at=MORNING))
    session.commit()
    assert tickets.settle(session, ["c1"]) == 0


def test_who_left_a_message_without_a_word_is_lost_after_all(session: Session) -> None:
    call(session, "c1", 0)
    session.add(Voicemail(recording_id="r1", call_id="c1", queue_id="orders", left_at=MORNING))
    session.commit()
    assert tickets.settle(session, ["c1"]) == 0
    session.get_one(Voicemail, "r1").state = MessageState.EMPTY
    assert tickets.settle(session, ["c1"]) == 1


def test_who_asked_for_a_callback_is_not_lost_before_the_last_attempt(session: Session) -> None:
    call(session, "c1", 0, document={"place": "p1"})
    call(session, "c2", 5, direction="outbound", document={"place": "p1", "given_up": False})
    assert tickets.settle(session, ["c1", "c2"]) == 0
    began = MORNING
    call(session, "c3", 9, direction="outbound", queued_at=began, document={"place": "p1", "given_up": True})
    assert tickets.settle(session, ["c3"]) == 1
    [ticket] = all_tickets(session)
    assert (ticket.number, ticket.call_id, ticket.waited) == (NUMBER, "c3", 570.0)


def test_recent_calls_are_looked_at_anew(session: Session) -> None:
    call(session, "old", 0, ended_at=utc_now() - timedelta(hours=25))
    call(session, "new", 1, ended_at=utc_now() - timedelta(hours=1))
    assert tickets.recent(session) == ["new"]


# ---------------------------------------------------------------- messages


def message_event(version: int) -> Any:
    recording = {
        "recording_id": "c1-r1",
        "leg_id": "c1-customer",
        "agent_id": "",
        "name": "2026/11/21/c1-1",
        "started_at": BEGAN + 3,
        "ended_at": None,
        "voicemail": "orders",
    }
    subject, _, payload = call_event("c1", version, answered_at=None, recordings=[recording])
    return parse(subject, json.dumps(payload).encode())


def test_a_message_is_a_row_that_later_events_leave_alone(session: Session) -> None:
    write(session, [message_event(5)])
    session.commit()
    voicemail = session.scalars(select(Voicemail)).one()
    assert (voicemail.recording_id, voicemail.call_id, voicemail.queue_id) == ("c1-r1", "c1", "orders")
    assert voicemail.left_at.timestamp() == BEGAN + 3
    assert voicemail.recording is not None
    assert voicemail.call is not None
    voicemail.state = MessageState.DONE
    session.commit()
    write(session, [message_event(6), message_event(5)])
    session.commit()
    session.expire_all()
    assert session.scalars(select(Voicemail.state)).one() is MessageState.DONE
    assert session.scalars(select(Recording.id)).one() == "c1-r1"
