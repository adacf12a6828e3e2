"""The link between engine and switch is cut while calls go on: they go on too, and afterwards the books are right."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.conftest import SWITCHES, freeswitch_or_skip
from tests.e2e.rig.centre import until
from tests.e2e.rig.crowd import Crowd
from tests.e2e.rig.ledger import calls_of, finished_call
from tests.e2e.rig.outside import OutsideCentre
from tests.e2e.rig.prepared import begin_with

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE, OTHER_TONE = 1000.0, 600.0, 1600.0
ORDERS_DID = "8001"
RIGHT_WITHIN = 5.0  # seconds after the link is back


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=SWITCHES)
async def outside(request: pytest.FixtureRequest, e2e_folder: Path, prepared: Path) -> AsyncIterator[OutsideCentre]:
    if request.param == "freeswitch":
        freeswitch_or_skip()
    centre = OutsideCentre(e2e_folder / f"o{request.param[:1]}", {"CALLYARD_SWITCH": request.param})
    begin_with(prepared, centre.settings.var)
    try:
        await centre.launch()
        await centre.quick_queues(wrapup=0.0, ring_timeout=15.0)
        yield centre
    finally:
        await centre.stop()
    assert not centre.crashes(), f"the product printed:\n{centre.crashes()}"


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(outside: OutsideCentre) -> AsyncIterator[Crowd]:
    await outside.proxy.mend()
    await until("linked", lambda: _link_is(outside, up=True), 10)
    await outside.everybody_off()
    async with Crowd(outside) as people:
        yield people


async def test_link_cut_in_the_middle_of_calls(outside: OutsideCentre, crowd: Crowd) -> None:
    one, two = await crowd.phone("1001"), await crowd.phone("1002")
    a, b = [await crowd.caller(f"1390000050{n}") for n in (1, 2)]
    await outside.on_duty("1001")
    call_a = await a.dial(ORDERS_DID, CUSTOMER_TONE)
    leg_a = await one.incoming(10)
    await leg_a.answer(AGENT_TONE)
    await call_a.hears(AGENT_TONE)
    await outside.on_duty("1002")
    call_b = await b.dial(ORDERS_DID, CUSTOMER_TONE)
    leg_b = await two.incoming(10)
    await leg_b.answer(OTHER_TONE)
    await call_b.hears(OTHER_TONE)
    before = await outside.agent_is("1002", "talking")

    await outside.proxy.cut()
    await until("the engine knows", lambda: _link_is(outside, up=False), 10)
    await call_b.hears(OTHER_TONE)
    await leg_b.hears(CUSTOMER_TONE)
    call_a.hangup()
    originates = outside.originates()
    back = time.monotonic()
    await outside.proxy.mend()
    await until("linked again", lambda: _link_is(outside, up=True), 10)
    assert time.monotonic() - back < RIGHT_WITHIN + 1
    await outside.agent_is("1001", "ready", deadline=RIGHT_WITHIN)
    await leg_a.becomes("ended", RIGHT_WITHIN)
    after = await outside.agent_is("1002", "talking")
    assert after["call"]["call_id"] == before["call"]["call_id"]
    await call_b.hears(OTHER_TONE)
    assert outside.originates() == originates
    call_b.hangup()
    await leg_b.becomes("ended")
    await outside.agent_is("1002", "ready")
    for number in ("13900000501", "13900000502"):
        row = await finished_call(outside, number)
        assert [leg.kind for leg in row.legs] == ["customer", "agent"]
        assert len(await calls_of(outside, number)) == 1


async def test_link_cut_while_the_phone_rings_dials_nobody_twice(outside: OutsideCentre, crowd: Crowd) -> None:
    phone, caller = await crowd.phone("1001"), await crowd.caller("13900000511")
    await outside.on_duty("1001")
    call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
    leg = await phone.incoming(10)
    originates = outside.originates()
    await outside.proxy.cut()
    await until("the engine knows", lambda: _link_is(outside, up=False), 10)
    await leg.answer(AGENT_TONE)
    await outside.proxy.mend()
    await until("linked again", lambda: _link_is(outside, up=True), 10)
    await call.hears(AGENT_TONE, RIGHT_WITHIN + 5)
    await leg.hears(CUSTOMER_TONE)
    await outside.agent_is("1001", "talking", deadline=RIGHT_WITHIN)
    assert phone.ringing.empty()
    assert outside.originates() == originates
    leg.hangup()
    await call.becomes("ended")
    row = await finished_call(outside, "13900000511")
    assert [leg.kind for leg in row.legs] == ["customer", "agent"]


async def test_caller_of_the_dark_time_is_served_after_it(outside: OutsideCentre, crowd: Crowd) -> None:
    phone, caller = await crowd.phone("1001"), await crowd.caller("13900000521")
    await outside.on_duty("1001")
    await outside.proxy.cut()
    await until("the engine knows", lambda: _link_is(outside, up=False), 10)
    call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
    await until("the call is at the switch", lambda: outside.switch.channels() == 1, 5)
    await outside.proxy.mend()
    leg = await phone.incoming(RIGHT_WITHIN + 5)
    await leg.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    call.hangup()
    await leg.becomes("ended")
    await finished_call(outside, "13900000521")
    assert len(await calls_of(outside, "13900000521")) == 1


async def _link_is(centre: OutsideCentre, *, up: bool) -> bool:
    floor = await centre.floor()
    return all(switch["up"] is up for switch in floor["switches"])
