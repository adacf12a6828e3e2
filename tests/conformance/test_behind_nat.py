"""A phone at home, behind a router that translates addresses: what it writes into its messages and its SDP is an
address that leads nowhere, and it asks for no answer where its requests come from. On every switch that speaks SIP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cti.domain.switch.commands import Answer, Hangup
from cti.domain.switch.events import ChannelHungUp, ChannelOffered
from tests.conformance.asterisk_rig import AsteriskLeg, AsteriskWorld
from tests.conformance.freeswitch_rig import FreeSwitchWorld
from tests.conformance.world import AGENT_HERTZ, CUSTOMER_HERTZ, agent_is_on, customer_is_served, join

PRIVATE = "10.255.255.1"


@pytest.fixture(params=["asterisk", "freeswitch"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[AsteriskWorld]:
    kind = {"asterisk": AsteriskWorld, "freeswitch": FreeSwitchWorld}[request.param]
    async with kind(request.getfixturevalue(request.param)) as found:
        found.private = PRIVATE
        yield found


async def test_it_rings_talks_both_ways_and_is_hung_up(world: AsteriskWorld) -> None:
    customer, line = await customer_is_served(world)
    agent, phone = await agent_is_on(world)
    await join(world, customer, agent)
    await line.hears(AGENT_HERTZ)
    await phone.hears(CUSTOMER_HERTZ)
    await world.switch.execute(Hangup(agent))
    await phone.ended()
    await world.log.until(ChannelHungUp, channel=agent)


async def test_it_calls_a_colleague_who_is_behind_another(world: AsteriskWorld) -> None:
    caller = await _calls(world)
    agent, phone = await agent_is_on(world, "1002")
    await join(world, caller[0], agent)
    await caller[1].hears(AGENT_HERTZ)
    caller[1].say(CUSTOMER_HERTZ)
    await phone.hears(CUSTOMER_HERTZ)
    phone.hangup()
    await world.log.until(ChannelHungUp, channel=agent)
    await world.switch.execute(Hangup(caller[0]))
    await caller[1].ended()


async def _calls(world: AsteriskWorld) -> tuple[str, AsteriskLeg]:
    await world.register("1001")
    leg = await world.dial_from("1001", "1002")
    channel = (await world.log.until(ChannelOffered)).channel
    await world.switch.execute(Answer(channel))
    await leg.talking()
    return channel, leg
