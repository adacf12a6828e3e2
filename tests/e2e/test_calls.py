"""Calls as agents with plain SIP phones live them: queue, answer, hold, transfer, no answer, calls out."""

from __future__ import annotations

import time

import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, recordings
from tests.e2e.rig.sip import SipCall
from tests.e2e.rig.tones import seconds_of, strength

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE, OTHER_TONE = 1000.0, 600.0, 1600.0
ORDERS_DID, MENU_DID, SERVICE_QUEUE = "8001", "8000", "2002"


async def test_a_caller_presses_a_key_and_reaches_the_longest_idle_agent(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    first = await phones("1001")
    await phones("1002")
    await centre.on_duty("1001")
    await centre.on_duty("1002")
    caller = await callers("13900000101")
    call = await caller.dial(MENU_DID, CUSTOMER_TONE)
    await call.becomes("up", 5)
    call.press("1")
    ringing = await first.incoming(10)
    offered = await centre.agent_is("1001", "alerting")
    assert offered["call"]["number"].endswith("13900000101")
    assert offered["call"]["state"] == "offered"
    await ringing.answer(AGENT_TONE)
    await centre.agent_is("1001", "talking")
    await call.hears(AGENT_TONE)
    await ringing.hears(CUSTOMER_TONE)
    call.hangup()
    await ringing.becomes("ended")
    row = await finished_call(centre, "13900000101")
    assert (row.digits, row.direction, row.ended_by) == ("1", "inbound", "customer")
    assert [leg.kind for leg in row.legs] == ["customer", "agent"]
    assert all(leg.answered_at and leg.ended_at for leg in row.legs)


async def test_hold_gives_music_and_retrieve_gives_the_agent_back(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    phone = await phones("1001")
    await centre.on_duty("1001")
    call = await (await callers("13900000102")).dial(ORDERS_DID, CUSTOMER_TONE)
    ringing = await phone.incoming(10)
    await ringing.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await centre.agent("1001", "hold")
    await centre.agent_is("1001", "hold")
    await until("the customer no longer hears the agent", lambda: not _hears(call, AGENT_TONE), 3)
    before = call.rtp.packets_heard if call.rtp else 0
    await until("music packets go on", lambda: call.rtp and call.rtp.packets_heard > before + 20, 3)
    await centre.agent("1001", "retrieve")
    await centre.agent_is("1001", "talking")
    await call.hears(AGENT_TONE)
    await ringing.hears(CUSTOMER_TONE)
    ringing.hangup()
    await call.becomes("ended", 3)
    row = await finished_call(centre, "13900000102")
    assert row.ended_by == "agent"
    assert max(leg.held_seconds for leg in row.legs) > 0.3


async def test_digits_of_the_agent_reach_the_customer(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    phone = await phones("1001")
    await centre.on_duty("1001")
    call = await (await callers("13900000103")).dial(ORDERS_DID, CUSTOMER_TONE)
    ringing = await phone.incoming(10)
    await ringing.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await centre.agent("1001", "digits", digits="42#")
    await until("the digits arrive", lambda: call.rtp and call.rtp.digits_heard == ["4", "2", "#"], 5)


async def test_blind_transfer_to_a_colleague(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    one, two = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    call = await (await callers("13900000104")).dial(ORDERS_DID, CUSTOMER_TONE)
    first = await one.incoming(10)
    await first.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await centre.on_duty("1002")
    await centre.agent("1001", "transfer", number="1002")
    second = await two.incoming(5)
    await second.answer(OTHER_TONE)
    await call.hears(OTHER_TONE)
    await first.becomes("ended")
    await centre.agent_is("1001", "workingAfterCall", "ready")
    call.hangup()
    row = await finished_call(centre, "13900000104")
    assert [(t["kind"], t["result"]) for t in row.document["transfers"]] == [("blind", "completed")]
    assert [leg.agent_id for leg in row.legs] == ["", centre.agent_row("1001").id, centre.agent_row("1002").id]


async def test_consultation_then_take_back_then_complete(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    one, two = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    call = await (await callers("13900000105")).dial(ORDERS_DID, CUSTOMER_TONE)
    first = await one.incoming(10)
    await first.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await centre.on_duty("1002")
    await centre.agent("1001", "consult", number="1002")
    asked = await two.incoming(5)
    document = await centre.agent_is("1002", "alerting")
    assert document["call"]["role"] == "consulted"
    assert document["call"]["number"].endswith("13900000105")
    await asked.answer(OTHER_TONE)
    await first.hears(OTHER_TONE)
    await asked.hears(AGENT_TONE)
    assert not _hears(call, AGENT_TONE)
    await centre.agent("1001", "take_back")
    await call.hears(AGENT_TONE)
    await asked.becomes("ended")
    await centre.agent_is("1002", "ready", "workingAfterCall")
    await centre.agent_is("1002", "ready")
    await centre.agent("1001", "consult", number="1002")
    again = await two.incoming(5)
    await again.answer(OTHER_TONE)
    await first.hears(OTHER_TONE)
    await centre.agent("1001", "complete")
    await call.hears(OTHER_TONE)
    await again.hears(CUSTOMER_TONE)
    await first.becomes("ended")
    again.hangup()
    await call.becomes("ended")
    row = await finished_call(centre, "13900000105")
    assert [(t["kind"], t["result"]) for t in row.document["transfers"]][-1] == ("consult", "completed")
    (first_row, before), *asides, (second_row, after) = await recordings(centre, row)
    assert [first_row.agent_id, second_row.agent_id] == [centre.agent_row(n).id for n in ("1001", "1002")]
    assert all(seconds_of(audio[:, side], CUSTOMER_TONE) == 0 for _, audio in asides for side in (0, 1))
    assert seconds_of(before[:, 0], CUSTOMER_TONE) > 1
    assert seconds_of(before[:, 1], AGENT_TONE) > 0.5
    assert seconds_of(before[:, 1], OTHER_TONE) == 0, "the customer does not hear the consultation"
    assert seconds_of(after[:, 1], OTHER_TONE) > 0.25
    assert seconds_of(after[:, 1], AGENT_TONE) == 0


async def test_no_answer_makes_the_agent_busy_and_the_caller_first_in_line(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    await centre.quick_queues(ring_timeout=3.0)
    one, two = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    call = await (await callers("13900000106")).dial(ORDERS_DID, CUSTOMER_TONE)
    silent = await one.incoming(10)
    rang_at = time.time()
    behind = await (await callers("13900000107")).dial(ORDERS_DID, OTHER_TONE)
    await behind.becomes("up")
    document = await centre.agent_is("1001", "notReady", deadline=6)
    assert time.time() - rang_at > 2.5
    assert document["notice"] == "no_answer"
    await silent.becomes("ended")
    await centre.on_duty("1002")
    ringing = await two.incoming(5)
    assert (await centre.agent_is("1002", "alerting"))["call"]["number"].endswith("13900000106")
    await ringing.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await ringing.hears(CUSTOMER_TONE)


async def test_a_call_out_rings_the_agent_first_then_the_customer(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    customer = await callers("13900000108")
    await centre.set_trunk_port(customer.port)
    phone = await phones("1001")
    await centre.on_duty("1001")
    await centre.agent("1001", "dial", number="13900000108")
    own = await phone.incoming(5)
    await own.answer(AGENT_TONE)
    far = await customer.incoming(5)
    assert "13900000108" in far.invite.start if far.invite else False
    assert (await centre.agent_is("1001", "reserved", "alerting", "talking"))["call"]["state"] == "dialling"
    await far.answer(CUSTOMER_TONE)
    await own.hears(CUSTOMER_TONE)
    await far.hears(AGENT_TONE)
    assert (await centre.agent_is("1001", "talking"))["call"]["state"] == "talking"
    far.hangup()
    await own.becomes("ended", 3)
    row = await finished_call(centre, "13900000108")
    assert row.direction == "outbound"
    assert row.ended_by == "customer"
    [(_, audio)] = await recordings(centre, row)
    assert max(seconds_of(audio[:, side], CUSTOMER_TONE) for side in (0, 1)) > 0.2


async def test_a_busy_customer_frees_the_agent(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    customer = await callers("13900000109")
    await centre.set_trunk_port(customer.port)
    phone = await phones("1001")
    await centre.on_duty("1001")
    await centre.agent("1001", "dial", number="13900000109")
    own = await phone.incoming(5)
    await own.answer(AGENT_TONE)
    (await customer.incoming(5)).reject(486)
    await own.becomes("ended", 10)
    await centre.agent_is("1001", "ready", "workingAfterCall", "notReady")
    row = await finished_call(centre, "13900000109")
    assert "busy" in {row.cause, *(leg.cause for leg in row.legs)}


def _hears(call: SipCall, tone: float) -> bool:
    assert call.rtp is not None
    return strength(call.rtp.heard(0.2), tone) > 0.3
