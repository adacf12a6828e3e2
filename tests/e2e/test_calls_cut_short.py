"""Calls that do not go the straight way: somebody hangs up, refuses or changes their mind in the middle of something.

On every switch the same is wanted: who still talks hears the other, nobody's phone rings on, no channel is left behind
and the agent is free again.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call
from tests.e2e.rig.sip import SipCall, SipPhone

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE, OTHER_TONE = 1000.0, 600.0, 1600.0
ORDERS_DID, SERVICE_QUEUE = "8001", "2002"
FREE = ("ready", "workingAfterCall")


async def talking(centre: Centre, phone: SipPhone, caller: SipPhone) -> tuple[SipCall, SipCall]:
    """``caller`` talks with agent 1001 at ``phone``: both ends."""
    await centre.on_duty("1001")
    call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
    leg = await phone.incoming(10)
    await leg.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await leg.hears(CUSTOMER_TONE)
    return call, leg


async def asking(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker, number: str
) -> tuple[SipCall, SipCall, SipCall]:
    """Agent 1001 puts ``number`` on hold to ask 1002, whose phone rings: the three ends."""
    other = await phones("1002")
    call, leg = await talking(centre, await phones("1001"), await callers(number))
    await centre.on_duty("1002")
    await centre.agent("1001", "consult", number="1002")
    return call, leg, await other.incoming(5)


async def consulting(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker, number: str
) -> tuple[SipCall, SipCall, SipCall]:
    """Both agents talk while ``number`` waits: the three ends."""
    call, leg, asked = await asking(centre, phones, callers, number)
    await asked.answer(OTHER_TONE)
    await leg.hears(OTHER_TONE)
    await asked.hears(AGENT_TONE)
    return call, leg, asked


async def all_over(centre: Centre, *calls: SipCall) -> None:
    for call in calls:
        await call.becomes("ended")
    await until("no calls", lambda: _idle(centre), 5)
    await until("no channels", lambda: centre.switch.channels() == 0, 5, every=0.1)


async def test_customer_hangs_up_on_hold(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    call, leg = await talking(centre, await phones("1001"), await callers("13900000801"))
    await centre.agent("1001", "hold")
    await centre.agent_is("1001", "hold")
    call.hangup()
    await centre.agent_is("1001", *FREE)
    await all_over(centre, leg)
    assert (await finished_call(centre, "13900000801")).ended_by == "customer"


async def test_agent_hangs_up_with_the_customer_on_hold(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    call, leg = await talking(centre, await phones("1001"), await callers("13900000802"))
    await centre.agent("1001", "hold")
    await centre.agent_is("1001", "hold")
    await centre.agent("1001", "hangup")
    await centre.agent_is("1001", *FREE)
    await all_over(centre, leg, call)
    assert (await finished_call(centre, "13900000802")).ended_by == "agent"


async def test_caller_gives_up_while_the_phone_rings(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    phone, caller = await phones("1001"), await callers("13900000803")
    await centre.on_duty("1001")
    call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
    leg = await phone.incoming(10)
    call.hangup()
    await centre.agent_is("1001", "ready")
    await all_over(centre, leg, call)


async def test_agent_takes_back_while_the_colleagues_phone_rings(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    call, leg, asked = await asking(centre, phones, callers, "13900000804")
    await centre.agent("1001", "take_back")
    await asked.becomes("ended")
    await leg.hears(CUSTOMER_TONE)
    await call.hears(AGENT_TONE)
    await centre.agent_is("1002", "ready")
    call.hangup()
    await all_over(centre, leg, call)


async def test_agent_hands_over_while_the_colleagues_phone_rings(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    call, leg, asked = await asking(centre, phones, callers, "13900000805")
    await centre.agent("1001", "complete")
    await leg.becomes("ended")
    await asked.answer(OTHER_TONE)
    await call.hears(OTHER_TONE)
    await asked.hears(CUSTOMER_TONE)
    asked.hangup()
    await all_over(centre, asked, call)


async def test_customer_who_leaves_a_consultation_leaves_the_agents_talking(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    call, leg, asked = await consulting(centre, phones, callers, "13900000806")
    call.hangup()
    await until("the agent is told", lambda: _notice(centre, "caller_gone"), 5)
    await leg.hears(OTHER_TONE)
    await asked.hears(AGENT_TONE)
    leg.hangup()
    await all_over(centre, leg, asked)
    await centre.agent_is("1001", *FREE)
    await centre.agent_is("1002", *FREE)


async def test_colleague_who_leaves_a_consultation_leaves_the_customer_to_the_agent(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    call, leg, asked = await consulting(centre, phones, callers, "13900000807")
    asked.hangup()
    await centre.agent_is("1002", *FREE)
    await centre.agent("1001", "take_back")
    await leg.hears(CUSTOMER_TONE)
    await call.hears(AGENT_TONE)
    call.hangup()
    await all_over(centre, call, leg)


async def test_agent_who_leaves_a_consultation_hands_the_customer_over(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    call, leg, asked = await consulting(centre, phones, callers, "13900000808")
    leg.hangup()
    await asked.hears(CUSTOMER_TONE)
    await call.hears(OTHER_TONE)
    await centre.agent_is("1001", *FREE)
    call.hangup()
    await all_over(centre, call, asked)


async def test_blind_transfer_to_a_queue(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    other = await phones("1003")
    call, leg = await talking(centre, await phones("1001"), await callers("13900000809"))
    await centre.on_duty("1003")
    await centre.agent("1001", "transfer", number=SERVICE_QUEUE)
    await leg.becomes("ended")
    second = await other.incoming(10)
    await second.answer(OTHER_TONE)
    await call.hears(OTHER_TONE)
    await second.hears(CUSTOMER_TONE)
    second.hangup()
    await all_over(centre, call, second)


async def test_blind_transfer_to_an_outside_number(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    outside = await callers("13900000899")
    await centre.set_trunk_port(outside.port)
    call, leg = await talking(centre, await phones("1001"), await callers("13900000810"))
    await centre.agent("1001", "transfer", number="13900000899")
    await leg.becomes("ended")
    far = await outside.incoming(5)
    await far.answer(OTHER_TONE)
    await call.hears(OTHER_TONE)
    await far.hears(CUSTOMER_TONE)
    call.hangup()
    await all_over(centre, call, far)


async def test_customer_comes_back_from_a_colleague_who_refuses(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    phone, other = await phones("1001"), await phones("1002")
    call, _ = await talking(centre, phone, await callers("13900000811"))
    await centre.on_duty("1002")
    await centre.agent("1001", "transfer", number="1002")
    (await other.incoming(5)).reject(486)
    again = await phone.incoming(10)
    await again.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    call.hangup()
    await all_over(centre, call, again)


async def test_agent_gives_up_while_the_customer_is_dialled(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    customer = await callers("13900000812")
    await centre.set_trunk_port(customer.port)
    phone = await phones("1001")
    await centre.on_duty("1001")
    await centre.agent("1001", "dial", number="13900000812")
    own = await phone.incoming(5)
    await own.answer(AGENT_TONE)
    far = await customer.incoming(5)
    own.hangup()
    await all_over(centre, own, far)
    await centre.agent_is("1001", *FREE)


async def test_number_dialled_on_the_phone_itself(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    customer = await callers("13900000813")
    await centre.set_trunk_port(customer.port)
    phone = await phones("1001")
    await centre.on_duty("1001")
    own = await phone.dial("13900000813", AGENT_TONE)
    far = await customer.incoming(5)
    await far.answer(CUSTOMER_TONE)
    await own.hears(CUSTOMER_TONE)
    await far.hears(AGENT_TONE)
    far.hangup()
    await all_over(centre, own, far)


async def _idle(centre: Centre) -> bool:
    return bool((await centre.floor())["calls"] == 0)


async def _notice(centre: Centre, notice: str) -> bool:
    return bool((await centre.agent("1001"))["notice"] == notice)
