"""The agent's page on a real call: dialling from the page, a call nobody picks up, the test call of a newcomer."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import MICROPHONES, DeskMaker, PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, recordings
from tests.e2e.rig.tones import seconds_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, OTHER_TONE, AGENT_TONE = 1000.0, 1300.0, MICROPHONES[0]


async def test_click_to_dial_rings_the_customer_after_the_agents_browser(
    centre: Centre, desks: DeskMaker, callers: PhoneMaker
) -> None:
    """And the caller who waits meanwhile rings as soon as that call is put down."""
    customer = await callers("13900000701")
    await centre.set_trunk_port(customer.port)
    desk = await (await desks("agent1", "en")).open()
    await desk.ready()
    await desk.hold_the_phone()
    await desk.press("Alt+l")
    await expect(desk.page.locator("#cy-dial input[name=number]")).to_be_focused()
    await desk.page.keyboard.type("13900000701")
    await desk.press("Enter")
    far = await customer.incoming(10)
    assert far.invite is not None
    assert far.invite.start.split(" ")[1].startswith("sip:13900000701@")
    await far.answer(CUSTOMER_TONE)
    await desk.shows("talking")
    await desk.hears(CUSTOMER_TONE)
    await far.hears(AGENT_TONE, 8)
    waiting = await (await callers("13900000702")).dial("8001", OTHER_TONE)
    await waiting.becomes("up", 5)
    await desk.press("Alt+u")
    await expect(desk.page.locator("[data-act=mute]")).to_have_attribute("aria-pressed", "true")
    await desk.put_down()
    await desk.shows("alerting")
    await far.becomes("ended", 5)
    await desk.press("F2")
    await desk.press("F2")
    await desk.shows("talking")
    await desk.hears(OTHER_TONE)
    await waiting.hears(AGENT_TONE)  # the microphone was off in the call before only
    await expect(desk.page.locator("[data-act=mute]")).to_have_attribute("aria-pressed", "false")
    await desk.press("F4")
    await waiting.becomes("ended", 5)
    row = await finished_call(centre, "13900000701")
    assert row.direction == "outbound"
    assert [leg.kind for leg in row.legs] in (["agent", "customer"], ["customer", "agent"])
    [(_, audio)] = await recordings(centre, row)
    assert seconds_of(audio[:, 0], CUSTOMER_TONE) > 0.2, "the customer on the left, also when we dialled"
    [(_, other)] = await recordings(centre, await finished_call(centre, "13900000702"))
    assert seconds_of(other[:, 0], OTHER_TONE) > 0.2
    assert seconds_of(other[:, 0], CUSTOMER_TONE) == seconds_of(audio[:, 0], OTHER_TONE) == 0, "each call on its own"


async def test_unanswered_call_goes_on_and_the_page_says_why_the_agent_is_busy(
    centre: Centre, desks: DeskMaker, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    await centre.quick_queues(ring_timeout=4.0)
    desk = await (await desks("agent1", "en")).open()
    await desk.ready()
    number = "19900000011"
    call = await (await callers(number)).dial("8001", CUSTOMER_TONE)
    await desk.pop(centre.customer_of(number).name)
    await desk.shows("notReady", deadline=8)
    await expect(desk.page.locator("body")).to_contain_text("not answer", ignore_case=True, timeout=3000)
    other = await phones("1002")
    await centre.on_duty("1002")
    leg = await other.incoming(5)
    await leg.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    row_agent = await centre.agent("1002")
    assert row_agent["call"]["number"].endswith(number)
    call.hangup()
    row = await finished_call(centre, number)
    assert next(leg.cause for leg in row.legs if leg.kind == "agent") == "no_answer"


async def test_newcomers_test_call_shows_everything_within_a_minute(centre: Centre, desks: DeskMaker) -> None:
    desk = await (await desks("agent1", "en", by_hand=True)).open()
    await desk.ready()
    await desk.page.get_by_role("button", name="Call me").click()
    await desk.shows("alerting", deadline=40)
    await expect(desk.page.locator("#pop[data-call-id]")).to_be_visible()
    await desk.press("F2")
    await desk.shows("talking")

    async def speech() -> bool:
        return await desk.peak() is not None

    await until("the made-up caller speaks", speech, 15)
    await desk.press("F4")
    await desk.shows("workingAfterCall", "ready")
    assert (await centre.floor())["calls"] == 0
