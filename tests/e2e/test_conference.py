"""Customer, agent and colleague together, each with a tone: who hears whom, who leaves how, what is recorded."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, recordings
from tests.e2e.rig.sip import SipCall
from tests.e2e.rig.tones import seconds_of, strength

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE, OTHER_TONE = 1000.0, 600.0, 1600.0
TONES = (CUSTOMER_TONE, AGENT_TONE, OTHER_TONE)


async def hears_just(call: SipCall, *tones: float) -> None:
    def exactly() -> bool:
        assert call.rtp is not None
        heard = call.rtp.heard(0.2)
        return {tone for tone in TONES if strength(heard, tone) > 0.1} == set(tones)

    await until(f"{tones} and nothing else are heard", exactly, 8)


async def test_three_talk_one_is_dropped_the_agent_leaves(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    one, two = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    call = await (await callers("13900000181")).dial("8001", CUSTOMER_TONE)
    first = await one.incoming(10)
    await first.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await centre.on_duty("1002")
    for leaves in ("take_back", "complete"):
        await centre.agent("1001", "consult", number="1002")
        asked = await two.incoming(8)
        await asked.answer(OTHER_TONE)
        await first.hears(OTHER_TONE)
        await centre.agent("1001", "conference")
        await hears_just(call, AGENT_TONE, OTHER_TONE)
        await hears_just(first, CUSTOMER_TONE, OTHER_TONE)
        await hears_just(asked, CUSTOMER_TONE, AGENT_TONE)
        document = await centre.agent_is("1001", "talking")
        assert document["call"]["consult"]["state"] == "conference"
        await until("the engine knows it", lambda: _conferenced(centre), 5)  # FreeSWITCH tells a moment late
        await centre.agent("1001", leaves)
        if leaves == "take_back":
            await asked.becomes("ended")
            await hears_just(call, AGENT_TONE)
            await centre.agent_is("1002", "ready")
    await first.becomes("ended")
    await hears_just(call, OTHER_TONE)
    await hears_just(asked, CUSTOMER_TONE)
    await centre.agent_is("1001", "ready", deadline=8)
    call.hangup()
    await asked.becomes("ended")
    row = await finished_call(centre, "13900000181")
    assert [(t["kind"], t["result"]) for t in row.document["transfers"]] == [
        ("conference", "completed"),
        ("conference", "completed"),
        ("consult", "completed"),
    ]
    whole = [audio for _, audio in await recordings(centre, row) if seconds_of(audio[:, 0], CUSTOMER_TONE) > 0.1]
    assert len(whole) == 2, "the customer with the agent, then with the colleague"
    assert seconds_of(whole[0][:, 1], AGENT_TONE) > 0.5
    loudest = max(strength(whole[0][at : at + 1600, 1], OTHER_TONE) for at in range(0, len(whole[0]) - 1600, 800))
    assert loudest > 0.1, "the third is on it"
    assert seconds_of(whole[1][:, 1], OTHER_TONE) > 0.2


async def test_a_blind_transfer_that_rings_is_taken_back(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    one, two = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    call = await (await callers("13900000182")).dial("8001", CUSTOMER_TONE)
    first = await one.incoming(10)
    await first.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await centre.on_duty("1002")
    await centre.agent("1001", "transfer", number="1002")
    ringing = await two.incoming(8)
    await first.becomes("ended")
    await centre.agent_is("1001", "workingAfterCall", "ready")
    document = await centre.agent("1001", "take_back")
    again = await one.incoming(8)
    await ringing.becomes("ended")
    await again.answer(AGENT_TONE)
    await hears_just(call, AGENT_TONE)
    await hears_just(again, CUSTOMER_TONE)
    assert document["call"]["number"].endswith("13900000182")
    await centre.agent_is("1002", "ready")
    again.hangup()
    await call.becomes("ended")
    row = await finished_call(centre, "13900000182")
    assert [(t["kind"], t["result"]) for t in row.document["transfers"]] == [("blind", "taken_back")]


async def _conferenced(centre: Centre) -> bool:
    (call,) = (await centre.bus.request("cy.cmd.centre", {"op": "calls"}))["calls"]
    return bool(call["transfers"][-1]["result"] == "completed")
