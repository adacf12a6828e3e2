"""A supervisor at work on real calls: an agent set ready, a waiting call pulled to another, a call hung up."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call
from tests.e2e.rig.sip import SipCall
from tests.e2e.rig.tones import strength

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE, SUPERVISOR_TONE = 1000.0, 600.0, 1600.0


async def supervise(centre: Centre, op: str, **arguments: str) -> None:
    reply = await centre.bus.request("cy.cmd.supervisor", {"op": op, "by": 1, **arguments})
    assert reply["ok"], reply


async def test_forced_ready_pulled_and_dropped(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    phone = await phones("1001")
    await centre.on_duty("1001")
    first = centre.agent_row("1001").id
    await supervise(centre, "force_not_ready", agent_id=first, reason="meeting")
    document = await centre.agent_is("1001", "notReady")
    assert (document["reason"], document["notice"]) == ("meeting", "forced")
    call = await (await callers("13900000171")).dial("8001", CUSTOMER_TONE)
    await call.becomes("up", 5)
    await supervise(centre, "force_ready", agent_id=first)
    ringing = await phone.incoming(10)
    await ringing.answer(AGENT_TONE)
    document = await centre.agent_is("1001", "talking")
    await call.hears(AGENT_TONE)
    await supervise(centre, "force_logout", agent_id=first)
    await supervise(centre, "drop", call_id=document["call"]["call_id"])
    await call.becomes("ended", 3)
    await ringing.becomes("ended", 3)
    row = await finished_call(centre, "13900000171")
    assert row.ended_by == "supervisor"
    await centre.agent_is("1001", "loggedOff", deadline=10)

    await centre.on_duty("1001")
    call = await (await callers("13900000172")).dial("8000", CUSTOMER_TONE)
    await call.becomes("up", 5)
    call.press("2")  # a queue that 1001 is not in
    waiting = await until("the caller waits", lambda: _waiting(centre), 5)
    await supervise(centre, "pull", call_id=waiting, agent_id=first)
    pulled = await phone.incoming(10)
    await pulled.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    call.hangup()
    row = await finished_call(centre, "13900000172")
    assert (row.id, row.ended_by) == (waiting, "customer")


async def test_listened_to_whispered_at_barged_into_and_taken_over(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    phone, own = await phones("1001"), await phones("1003")
    await centre.on_duty("1001")
    call = await (await callers("13900000173")).dial("8001", CUSTOMER_TONE)
    agent = await phone.incoming(10)
    await agent.answer(AGENT_TONE)
    await centre.agent_is("1001", "talking")
    await centre.on_duty("1003")
    await centre.agent("1003", "not_ready", reason="meeting")
    who = {"agent_id": centre.agent_row("1001").id, "supervisor": centre.agent_row("1003").id}
    await supervise(centre, "listen", **who)
    supervisor = await own.incoming(10)
    await supervisor.answer(SUPERVISOR_TONE)
    await hears_all(supervisor, CUSTOMER_TONE, AGENT_TONE)
    await call.hears(AGENT_TONE)
    assert not _in(call, SUPERVISOR_TONE)
    await supervise(centre, "whisper", **who)
    await hears_all(agent, CUSTOMER_TONE, SUPERVISOR_TONE)
    assert not _in(call, SUPERVISOR_TONE)
    await centre.agent("1001", "hold")
    await centre.agent_is("1001", "hold")
    await centre.agent("1001", "retrieve")
    await centre.agent_is("1001", "talking")
    await hears_all(agent, CUSTOMER_TONE, SUPERVISOR_TONE)
    await supervise(centre, "barge", **who)
    await hears_all(call, AGENT_TONE, SUPERVISOR_TONE)
    await hears_all(supervisor, CUSTOMER_TONE, AGENT_TONE)
    assert (await centre.agent_is("1001", "talking"))["notice"] == "barged"
    await supervise(centre, "intercept", **who)
    await call.hears(SUPERVISOR_TONE)
    await supervisor.hears(CUSTOMER_TONE)
    await agent.becomes("ended", 3)
    call.hangup()
    await supervisor.becomes("ended", 3)
    row = await finished_call(centre, "13900000173")
    assert [t["kind"] for t in row.document["transfers"]] == ["intercept"]


async def hears_all(call: SipCall, *tones: float) -> None:
    await until(f"{tones} are heard", lambda: all(_in(call, tone) for tone in tones))


def _in(call: SipCall, tone: float) -> bool:
    """It is in what came in the last moment."""
    assert call.rtp is not None
    heard = call.rtp.heard(0.3)
    return len(heard) > 0 and strength(heard, tone) > 0.1


async def _waiting(centre: Centre) -> str:
    queues = (await centre.floor())["queues"]
    return next((caller["call_id"] for queue in queues for caller in queue["waiting"]), "")
