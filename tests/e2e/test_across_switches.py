"""One call centre of an Asterisk and a FreeSWITCH: callers on one, phones on the other, and one of them killed."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import calls_of, finished_call, recordings
from tests.e2e.rig.tones import seconds_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.runs_on("both")]
CUSTOMER_TONE, AGENT_TONE, OTHER_TONE = 1000.0, 600.0, 1600.0
ORDERS_DID = "8001"
BOTH_WAYS = (("asterisk", "freeswitch"), ("freeswitch", "asterisk"))


@pytest.mark.parametrize(("there", "here"), BOTH_WAYS, ids=["-".join(way) for way in BOTH_WAYS])
async def test_a_caller_on_one_reaches_the_agent_on_the_other(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker, there: str, here: str
) -> None:
    """One call, one row, one recording with both voices; the consultation and the transfer go across as well."""
    number = f"139000009{BOTH_WAYS.index((there, here))}1"
    first, second = await phones("1001", here), await phones("1002", there)
    await centre.on_duty("1001")
    call = await (await callers(number, switch=there)).dial(ORDERS_DID, CUSTOMER_TONE)
    leg = await first.incoming(10)
    await leg.answer(AGENT_TONE)
    shown = await centre.agent_is("1001", "talking")
    assert (shown["switch"], shown["call"]["switch"]) == (here, there)
    await call.hears(AGENT_TONE)
    await leg.hears(CUSTOMER_TONE)
    await centre.on_duty("1002")
    await centre.agent("1001", "consult", number="1002")
    target = await second.incoming(10)
    await target.answer(OTHER_TONE)
    await centre.agent_is("1002", "talking")
    await leg.hears(OTHER_TONE)
    await target.hears(AGENT_TONE)
    await centre.agent("1001", "complete")
    await leg.becomes("ended")
    await call.hears(OTHER_TONE)
    await target.hears(CUSTOMER_TONE)
    await centre.agent_is("1001", "workingAfterCall", "ready")
    target.hangup()
    await call.becomes("ended")
    row = await finished_call(centre, number)
    assert len(await calls_of(centre, number)) == 1
    assert row.switch == there
    assert [(one.kind, one.device) for one in row.legs][1:] == [("agent", "1001"), ("agent", "1002")]
    assert row.document["transfers"][0]["result"] == "completed"
    tapes = [audio for _, audio in await recordings(centre, row)]
    assert all(seconds_of(audio[:, 0], CUSTOMER_TONE) > 0.2 for audio in (tapes[0], tapes[-1]))
    assert seconds_of(tapes[0][:, 1], AGENT_TONE) > 0.2
    assert seconds_of(tapes[-1][:, 1], OTHER_TONE) > 0.2


async def test_one_switch_killed_with_calls_on_both(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    """The other goes on; who talked to a phone of the dead one hears music and goes first in line."""
    kept, lost = "asterisk", "freeswitch"
    here, there = await phones("1001", kept), await phones("1002", lost)
    await centre.on_duty("1002")
    crossed = await (await callers("13900000931", switch=kept)).dial(ORDERS_DID, CUSTOMER_TONE)
    far = await there.incoming(10)
    await far.answer(OTHER_TONE)
    await crossed.hears(OTHER_TONE)
    await centre.on_duty("1001")
    doomed = await (await callers("13900000932", switch=lost)).dial(ORDERS_DID, CUSTOMER_TONE)
    near = await here.incoming(10)
    await near.answer(AGENT_TONE)
    await doomed.hears(AGENT_TONE)
    waits = await (await callers("13900000933", switch=kept)).dial(ORDERS_DID, CUSTOMER_TONE)
    await waits.becomes("up", 5)
    queued = await (await callers("13900000934", switch=lost)).dial(ORDERS_DID, CUSTOMER_TONE)
    await queued.becomes("up", 5)

    centre.kill(lost)
    await until("the engine knows", lambda: _down(centre, lost), 10)
    assert (await centre.agent("1001"))["call"]["switch_lost"]
    await near.becomes("ended", 25)
    served = await here.incoming(20)
    await served.answer(AGENT_TONE)
    await waits.hears(AGENT_TONE)
    assert (await centre.agent("1001"))["call"]["number"].endswith("13900000933")
    await centre.agent_is("1002", "notReady", deadline=60)
    assert crossed.state == "up"
    waits.hangup()
    again = await here.incoming(15)
    await again.answer(AGENT_TONE)
    await crossed.hears(AGENT_TONE)
    crossed.hangup()
    for number, switch in (("13900000931", kept), ("13900000932", lost), ("13900000933", kept), ("13900000934", lost)):
        row = await finished_call(centre, number, 20)
        assert (row.switch, len(await calls_of(centre, number))) == (switch, 1)
    links = await centre.links()
    assert links == {kept: True, lost: True}


async def _down(centre: Centre, switch: str) -> bool:
    return not (await centre.links())[switch]
