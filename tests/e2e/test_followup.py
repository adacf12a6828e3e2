"""Who does not reach anybody: a message left for a queue, and a lost call that is to be called back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.config.routes import TargetKind
from cti.store.models import Did, MessageState, Queue, Ticket, TicketState, Voicemail
from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, recordings
from tests.e2e.rig.sip import SipCall
from tests.e2e.rig.tones import RATE, strength

pytestmark = pytest.mark.asyncio(loop_scope="session")
ORDERS_DID, ORDERS, MESSAGES_DID = "8001", "orders", "8077"
CUSTOMER_TONE, AGENT_TONE, BEEP = 700.0, 1500.0, 1000.0


@pytest_asyncio.fixture(loop_scope="session")
async def voicemail(centre: Centre) -> AsyncIterator[None]:
    def number(session: Session) -> None:
        session.add(Did(id="e2e-messages", number=MESSAGES_DID, target_kind=TargetKind.VOICEMAIL, target_id=ORDERS))

    def put_back(session: Session) -> None:
        session.delete(session.get_one(Did, "e2e-messages"))

    await centre.configure(number)
    yield
    await centre.configure(put_back)


@pytest_asyncio.fixture(loop_scope="session")
async def as_before(centre: Centre) -> AsyncIterator[None]:
    with centre.database() as session:
        patience = session.get_one(Queue, ORDERS).ticket_after
    yield

    def put_back(session: Session) -> None:
        queue = session.get_one(Queue, ORDERS)
        queue.ticket_after, queue.callback = patience, False

    await centre.configure(put_back)


@pytest.mark.usefixtures("voicemail")
async def test_a_message_is_recorded_from_the_tone_on_until_a_key(centre: Centre, callers: PhoneMaker) -> None:
    number = "13900002851"
    call = await (await callers(number)).dial(MESSAGES_DID, CUSTOMER_TONE)
    await call.becomes("up", 5)
    await until("the greeting plays", lambda: _message(centre, number), 5)
    call.press("1")
    started = await until("it is recorded", lambda: _recorded_since(centre, number), 10)
    assert _heard(call, BEEP)
    await until("something is said", lambda: time.time() - started > 1.5, 5)
    call.press("#")
    await call.becomes("ended", 15)
    row = await finished_call(centre, number)
    assert (row.answered_at, row.ended_by) == (None, "system")
    [(recording, sound)] = await recordings(centre, row)
    assert 1.2 < recording.duration < 4.0
    said = sound[RATE // 2 : RATE, 0]
    assert strength(said, CUSTOMER_TONE) > 0.9
    with centre.database() as session:
        message = session.get_one(Voicemail, recording.id)
        assert (message.call_id, message.queue_id, message.state) == (row.id, ORDERS, MessageState.NEW)
        assert session.scalars(select(Ticket).where(Ticket.call_id == row.id)).first() is None


@pytest.mark.usefixtures("as_before")
async def test_a_caller_who_gave_up_is_to_be_called_back_until_they_are_reached(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    number = "13900002861"
    phone, caller = await phones("1001"), await callers(number)

    def soon(session: Session) -> None:
        session.get_one(Queue, ORDERS).ticket_after = 0.2

    await centre.configure(soon)
    call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
    await call.becomes("up", 5)
    waited_from = await until("the caller waits", lambda: _queued_since(centre, number), 5)
    await until("for a moment", lambda: time.time() - waited_from > 0.5, 5)
    call.hangup()
    ticket = await until("a ticket", lambda: _ticket(centre, number, TicketState.OPEN), 10)
    assert (ticket.queue_id, ticket.calls) == (ORDERS, 1)
    assert 0.2 <= ticket.waited < 5.0
    await centre.on_duty("1001")
    again = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
    ringing = await phone.incoming(10)
    await ringing.answer(AGENT_TONE)
    await again.hears(AGENT_TONE)
    await until("nobody to call back", lambda: _ticket(centre, number, TicketState.REACHED), 10)
    again.hangup()
    await centre.agent_is("1001", "ready")


def _heard(call: SipCall, frequency: float) -> bool:
    """The tone was among the last that was heard."""
    assert call.rtp is not None
    sound = call.rtp.heard(5.0)
    pieces = (sound[at : at + RATE // 5] for at in range(0, len(sound), RATE // 20))
    return any(strength(piece, frequency) > 0.5 for piece in pieces)


@pytest.mark.usefixtures("as_before")
async def test_who_keeps_the_place_is_called_back_when_it_is_reached(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    number = "13900002871"
    phone, customer = await phones("1001"), await callers(number)
    await centre.set_trunk_port(customer.port)

    def offered(session: Session) -> None:
        session.get_one(Queue, ORDERS).callback = True

    await centre.configure(offered)
    call = await customer.dial(ORDERS_DID, CUSTOMER_TONE)
    await call.becomes("up", 5)
    entered = await until("the caller waits", lambda: _queued_since(centre, number), 5)
    call.press("11")
    place = await until("the place is kept", lambda: _place(centre, number), 10)
    assert place["since"] == entered
    call.hangup()
    await centre.on_duty("1001")
    ringing = await phone.incoming(10)
    await ringing.answer(AGENT_TONE)
    back = await customer.incoming(10)
    await back.answer(CUSTOMER_TONE)
    await back.hears(AGENT_TONE)
    await ringing.hears(CUSTOMER_TONE)
    assert await _place(centre, number) is None
    back.hangup()
    await centre.agent_is("1001", "ready", "workingAfterCall")
    row = await finished_call(centre, number)
    assert (row.direction, row.queue_id, row.agent_id) == ("outbound", ORDERS, centre.agent_row("1001").id)
    assert await recordings(centre, row)
    with centre.database() as session:
        assert session.scalars(select(Ticket).where(Ticket.number.endswith(number))).first() is None


async def _place(centre: Centre, number: str) -> dict[str, Any] | None:
    queues = (await centre.floor())["queues"]
    lines = [line for queue in queues for line in queue["waiting"]]
    return next((line for line in lines if line["number"].endswith(number) and line["callback"]), None)


async def _document(centre: Centre, number: str) -> dict[str, Any] | None:
    calls = (await centre.bus.request("cy.cmd.centre", {"op": "calls"}))["calls"]
    return next((call for call in calls if call["ani"].endswith(number)), None)


async def _message(centre: Centre, number: str) -> bool:
    call = await _document(centre, number)
    return call is not None and call["state"] == "voicemail"


async def _recorded_since(centre: Centre, number: str) -> float | None:
    call = await _document(centre, number)
    return next((recording["started_at"] for recording in call["recordings"]), None) if call else None


async def _queued_since(centre: Centre, number: str) -> float | None:
    call = await _document(centre, number)
    return call["queued_at"] if call else None


def _ticket(centre: Centre, number: str, state: TicketState) -> Ticket | None:
    with centre.database() as session:
        return session.scalars(select(Ticket).where(Ticket.number.endswith(number), Ticket.state == state)).first()
