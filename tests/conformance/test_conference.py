"""Three in one conversation: who hears whom, with real tones, how one leaves and what stays on the recording."""

from __future__ import annotations

import asyncio

import pytest

from cti.domain.errors import ChannelGone, CommandRefused
from cti.domain.switch.commands import Bridge, Confer, Hangup, Music, RecordStop, Unbridge
from cti.domain.switch.events import ChannelConferenced, ChannelHungUp, ChannelUnbridged
from cti.domain.switch.terms import Capability
from tests.conformance.test_recording import start, stopped, tracks
from tests.conformance.world import (
    AGENT_HERTZ,
    CUSTOMER_HERTZ,
    Leg,
    World,
    agent_is_on,
    customer_calls,
    customer_is_served,
    join,
    new_channel,
)
from tests.fakes.rtp import tone_level

pytestmark = pytest.mark.needs(Capability.CONFERENCE)

THIRD_HERTZ = 2000.0
TONES = (CUSTOMER_HERTZ, AGENT_HERTZ, THIRD_HERTZ)


async def confer(world: World, room: str, *channels: str) -> None:
    since = world.log.mark()
    for channel in channels:
        await world.switch.execute(Confer(channel, room))
    for channel in channels:
        await world.log.until(ChannelConferenced, since=since, channel=channel, conference=room)


async def three(world: World) -> list[tuple[str, Leg]]:
    """Customer, agent and a third, each controlled, each with a tone of its own."""
    customer = await customer_is_served(world)
    legs = [customer, await agent_is_on(world), await agent_is_on(world, "1002")]
    legs[2][1].say(THIRD_HERTZ)
    return legs


async def hears(leg: Leg, *tones: float) -> None:
    """These tones, and after that none of the others."""
    call = leg.call  # type: ignore[attr-defined]
    call.rtp.forget()
    exactly = lambda: {t for t in TONES if call.rtp.hears(t, 0.1)} == set(tones)  # noqa: E731
    await call.phone.until(exactly, f"{tones} are heard and no others")


async def seen(world: World) -> dict[str, tuple[str, bool, str]]:
    channels = (await world.switch.snapshot()).channels
    return {c.channel: (c.conference, c.controlled, c.peer) for c in channels}


@pytest.mark.needs(Capability.MEDIA)
async def test_each_hears_the_other_two_until_one_leaves(world: World) -> None:
    room = new_channel()
    (customer, line), (agent, phone), (third, other) = await three(world)
    await confer(world, room, customer, agent, third)
    await hears(line, AGENT_HERTZ, THIRD_HERTZ)
    await hears(phone, CUSTOMER_HERTZ, THIRD_HERTZ)
    await hears(other, CUSTOMER_HERTZ, AGENT_HERTZ)

    await world.switch.execute(Unbridge(third))
    await world.log.until(ChannelUnbridged, channel=third)
    await hears(line, AGENT_HERTZ)
    await hears(other)

    await confer(world, room, third)
    other.hangup()
    await world.log.until(ChannelHungUp, channel=third)
    await hears(phone, CUSTOMER_HERTZ)
    assert await seen(world) == {customer: (room, False, ""), agent: (room, False, "")}


@pytest.mark.needs(Capability.MEDIA, Capability.RECORD)
async def test_the_customers_recording_has_everybody_and_goes_on_after_it(world: World) -> None:
    (customer, line), (agent, phone), (third, other) = await three(world)
    recording_id, file = await start(world, customer)
    await join(world, customer, agent)
    await line.hears(AGENT_HERTZ)
    await world.switch.execute(Unbridge(agent))
    for channel in (customer, agent):
        await world.log.until(ChannelUnbridged, channel=channel)
    await confer(world, new_channel(), customer, agent, third)
    await hears(line, AGENT_HERTZ, THIRD_HERTZ)
    await hears(phone, CUSTOMER_HERTZ, THIRD_HERTZ)
    since = world.log.mark()
    for channel in (customer, agent, third):
        await world.switch.execute(Unbridge(channel))
        await world.log.until(ChannelUnbridged, since=since, channel=channel)
    await join(world, customer, agent)
    await hears(line, AGENT_HERTZ)
    await hears(phone, CUSTOMER_HERTZ)
    await hears(other)
    await world.switch.execute(RecordStop(customer, recording_id))
    await stopped(world, recording_id)
    said, heard = tracks(world, file)
    windows = [heard[i : i + 800] for i in range(0, len(heard) - 800, 200)]
    together = [w for w in windows if tone_level(w, AGENT_HERTZ) > 0.1 and tone_level(w, THIRD_HERTZ) > 0.1]
    assert together
    assert max(tone_level(w, AGENT_HERTZ) for w in windows[-12:]) > 0.9, "the agent alone, at the end"
    assert tone_level(said[-3200:], CUSTOMER_HERTZ) > 0.9
    assert max(tone_level(w, CUSTOMER_HERTZ) for w in windows) < 0.1


async def test_it_begins_with_music_playing_and_the_last_one_comes_back(world: World) -> None:
    room = new_channel()
    customer, _ = await customer_is_served(world)
    agent, phone = await agent_is_on(world)
    await world.switch.execute(Music(customer, True))
    await confer(world, room, customer, agent)
    assert not world.log.all(ChannelUnbridged)
    phone.hangup()
    await world.log.until(ChannelHungUp, channel=agent)
    assert await seen(world) == {customer: (room, False, "")}
    since = world.log.mark()
    await world.switch.execute(Confer(customer, room))
    await world.switch.execute(Unbridge(customer))
    await world.log.until(ChannelUnbridged, since=since, channel=customer)
    assert await seen(world) == {customer: ("", True, "")}
    third, _ = await agent_is_on(world, "1002")
    await join(world, customer, third)


async def test_it_goes_on_when_the_driver_is_restarted_and_can_be_left_then(world: World) -> None:
    room = new_channel()
    (customer, _), (agent, _), (third, _) = await three(world)
    await confer(world, room, customer, agent, third)
    await world.restart_driver()
    assert await seen(world) == dict.fromkeys((customer, agent, third), (room, False, ""))
    for channel in (agent, customer):
        await world.switch.execute(Unbridge(channel))
        await world.log.until(ChannelUnbridged, channel=channel)
    await join(world, customer, agent)
    assert await seen(world) == {third: (room, False, ""), customer: ("", False, agent), agent: ("", False, customer)}


async def test_two_conferences_do_not_meet_and_hanging_up_in_one_ends_it(world: World) -> None:
    rooms = [new_channel(), new_channel()]
    (customer, line), (agent, _), (third, other) = await three(world)
    await confer(world, rooms[0], customer, agent)
    await confer(world, rooms[1], third)
    if Capability.MEDIA in world.switch.capabilities:
        await hears(line, AGENT_HERTZ)
        await hears(other)
    await world.switch.execute(Hangup(customer))
    await world.log.until(ChannelHungUp, channel=customer)
    assert await seen(world) == {agent: (rooms[0], False, ""), third: (rooms[1], False, "")}


async def test_who_may_not_join_is_refused(world: World) -> None:
    customer, _ = await customer_calls(world)
    agent, _ = await agent_is_on(world)
    third, _ = await agent_is_on(world, "1002")
    with pytest.raises(CommandRefused):
        await world.switch.execute(Confer(customer, new_channel()))  # not answered
    with pytest.raises(ChannelGone):
        await world.switch.execute(Confer("cy-nobody", new_channel()))
    with pytest.raises(CommandRefused):
        await world.switch.execute(Confer(agent, "room,admin"))
    await join(world, agent, third)
    with pytest.raises(CommandRefused):
        await world.switch.execute(Confer(agent, new_channel()))  # it talks
    await confer_after(world, agent, third)
    with pytest.raises(CommandRefused):
        await world.switch.execute(Bridge(agent, third))  # it is in a conference
    async with asyncio.timeout(3):
        while (await seen(world))[third] != ("", True, ""):
            pass


async def confer_after(world: World, agent: str, third: str) -> None:
    """Parted, one of them alone goes into a conference."""
    await world.switch.execute(Unbridge(agent))
    for channel in (agent, third):
        await world.log.until(ChannelUnbridged, channel=channel)
    await confer(world, new_channel(), agent)
