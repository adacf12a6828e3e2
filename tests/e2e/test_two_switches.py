"""An Asterisk and a FreeSWITCH as one centre: test calls through either, a browser phone whose switch dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time

import pytest
from playwright.async_api import expect

from cti.provision.switches import switch_named
from tests.e2e.conftest import MICROPHONES, DeskMaker, PhoneMaker
from tests.e2e.rig.browser import Desk
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, recordings
from tests.e2e.rig.sip import SipCall
from tests.e2e.rig.tones import seconds_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.runs_on("both")]
CUSTOMER_TONE, AGENT_TONE = 1000.0, MICROPHONES[0]
NUMBER = "19900000041"
MOVES_WITHIN = 8.0  # seconds until a browser phone whose websocket is refused is registered at the other switch
LEAVES_WITHIN = 20.0  # the same where a switch says nothing: 5 s until the link is given up, 5 s in case it comes back


async def at(desk: Desk, switch: str, deadline: float = 5.0) -> None:
    """The browser's phone is registered at ``switch``."""
    phone = desk.page.locator(f"#cy-phone[data-state=registered][data-switch={switch}]")
    await expect(phone).to_be_attached(timeout=deadline * 1000)


async def test_test_calls_come_in_at_either_switch(centre: Centre, desks: DeskMaker) -> None:
    desk = await (await desks("agent1", "en")).open()
    await at(desk, "asterisk")
    for switch in ("asterisk", "freeswitch"):
        await desk.ready()
        panel = desk.page.locator("#testcall-panel")
        await panel.locator("select[name=switch]").select_option(switch)
        await panel.get_by_role("button", name="Call me").click()
        await desk.shows("alerting", deadline=40)
        await desk.press("F2")
        await desk.shows("talking")

        async def speech() -> bool:
            return await desk.peak() is not None

        await until(f"the made-up caller speaks through {switch}", speech, 15)
        calls = await centre.bus.request("cy.cmd.centre", {"op": "calls"})
        assert [call["switch"] for call in calls["calls"]] == [switch]
        await desk.press("F4")
        await desk.shows("workingAfterCall", "ready")
        await desk.shows("ready", "notReady", deadline=5)


async def test_browser_phone_goes_to_the_other_switch_when_its_websocket_is_gone(
    centre: Centre, desks: DeskMaker, callers: PhoneMaker
) -> None:
    desk = await (await desks("agent1", "en")).open()
    await at(desk, "asterisk")
    async with contextlib.AsyncExitStack() as stack:
        centre.kill("asterisk")
        died = time.monotonic()
        in_the_way = await until("the port is taken", lambda: taken(switch_named(centre.settings).sip_ws_port), 0.4)
        await stack.enter_async_context(in_the_way)
        await at(desk, "freeswitch", MOVES_WITHIN)
        print(f"browser phone at the other switch after {time.monotonic() - died:.1f} s")
        await all_linked(centre)
        await desk.ready()
        await talks(centre, desk, await (await callers(NUMBER, switch="freeswitch")).dial("8001", CUSTOMER_TONE))
    centre.kill("asterisk")
    await until("Asterisk is gone", lambda: not_linked(centre), 10)
    await all_linked(centre)


async def test_browser_phone_leaves_a_switch_that_hangs(centre: Centre, desks: DeskMaker, callers: PhoneMaker) -> None:
    desk = await (await desks("agent1", "en")).open()
    await at(desk, "asterisk")
    pid = centre.pid("asterisk")
    os.kill(pid, signal.SIGSTOP)
    try:
        stopped = time.monotonic()
        await at(desk, "freeswitch", LEAVES_WITHIN)
        print(f"browser phone away from a switch that hangs after {time.monotonic() - stopped:.1f} s")
        await desk.ready()
        await talks(centre, desk, await (await callers(NUMBER, switch="freeswitch")).dial("8001", CUSTOMER_TONE))
    finally:
        os.kill(pid, signal.SIGCONT)
    await all_linked(centre)


async def talks(centre: Centre, desk: Desk, call: SipCall) -> None:
    """The caller reaches the agent's browser, each hears the other, and both are on the recording."""
    await desk.shows("alerting", deadline=10)
    await desk.press("F2")
    await desk.shows("talking")
    await desk.hears(CUSTOMER_TONE)
    await call.hears(AGENT_TONE, 8)
    await desk.press("F4")
    row = await finished_call(centre, NUMBER)
    [(_, audio)] = await recordings(centre, row)
    assert seconds_of(audio[:, 0], CUSTOMER_TONE) > 0.2
    assert seconds_of(audio[:, 1], AGENT_TONE) > 0.2


async def taken(port: int) -> asyncio.Server | None:
    """Somebody else has the port, and ends every connection at once; None while it is not free yet."""
    try:
        return await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    except OSError:
        return None


async def all_linked(centre: Centre) -> None:
    async def linked() -> bool:
        return all((await centre.links()).values())

    await until("the engine is connected to both", linked, 30, every=0.1)


async def not_linked(centre: Centre) -> bool:
    return not all((await centre.links()).values())
