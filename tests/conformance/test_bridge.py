"""Joining and parting two channels, and who is left when one goes away."""

from __future__ import annotations

import asyncio

import pytest

from cti.domain.errors import ChannelGone, CommandRefused, SwitchError
from cti.domain.switch.commands import Bridge, Hangup, Music, Play, Unbridge
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHeld,
    ChannelHungUp,
    ChannelUnbridged,
    PlayEnd,
    PlayFinished,
)
from cti.domain.switch.terms import Capability
from tests.conformance.world import (
    AGENT_HERTZ,
    CUSTOMER_HERTZ,
    LONG,
    SHORT,
    Leg,
    World,
    agent_is_on,
    customer_calls,
    customer_is_served,
    join,
    phone_rings,
    they_talk,
)


async def they_hear_each_other(world: World, customer: Leg, agent: Leg) -> None:
    if Capability.MEDIA in world.switch.capabilities:
        await agent.hears(CUSTOMER_HERTZ)
        await customer.hears(AGENT_HERTZ)


async def controlled(world: World) -> dict[str, bool]:
    return {c.channel: c.controlled for c in (await world.switch.snapshot()).channels}


async def test_customer_and_agent_are_joined_once_and_hear_each_other(world: World) -> None:
    (customer, line), (agent, phone) = await they_talk(world)
    await they_hear_each_other(world, line, phone)
    assert [(e.channel, e.peer) for e in world.log.all(ChannelBridged)] == [(customer, agent)]
    peers = {c.channel: (c.peer, c.controlled) for c in (await world.switch.snapshot()).channels}
    assert peers == {customer: (agent, False), agent: (customer, False)}


@pytest.mark.parametrize("first", ["customer", "agent"])
async def test_either_may_be_named_first(world: World, first: str) -> None:
    (customer, line), (agent, phone) = await customer_is_served(world), await agent_is_on(world)
    pair = (customer, agent) if first == "customer" else (agent, customer)
    await join(world, *pair)
    await they_hear_each_other(world, line, phone)


@pytest.mark.parametrize("who", ["customer", "agent"])
@pytest.mark.parametrize("first", ["customer", "agent"])
async def test_when_one_hangs_up_the_other_stays_under_control(world: World, who: str, first: str) -> None:
    customer, agent = await customer_is_served(world), await agent_is_on(world)
    pair = (customer[0], agent[0]) if first == "customer" else (agent[0], customer[0])
    await join(world, *pair)
    gone, left = (customer, agent) if who == "customer" else (agent, customer)
    since = world.log.mark()
    gone[1].hangup()
    ended = await world.log.until(ChannelHungUp, channel=gone[0])
    assert ended.by_far_side
    await world.log.until(ChannelUnbridged, channel=left[0], since=since)
    assert await controlled(world) == {left[0]: True}
    await world.switch.execute(Play(left[0], (SHORT,), "bye"))
    assert (await world.log.until(PlayFinished, play_id="bye")).reason is PlayEnd.COMPLETED
    assert world.log.all(ChannelUnbridged, channel=gone[0]) == []
    assert len(world.log.all(ChannelUnbridged)) == 1


@pytest.mark.parametrize("who", ["customer", "agent"])
async def test_when_we_hang_one_up_the_other_stays(world: World, who: str) -> None:
    customer, agent = await they_talk(world)
    gone, left = (customer, agent) if who == "customer" else (agent, customer)
    await world.switch.execute(Hangup(gone[0]))
    assert not (await world.log.until(ChannelHungUp, channel=gone[0])).by_far_side
    await world.log.until(ChannelUnbridged, channel=left[0])
    await gone[1].ended()
    assert await controlled(world) == {left[0]: True}


async def test_parted_channels_are_both_under_control_and_can_be_joined_again(world: World) -> None:
    (customer, line), (agent, phone) = await they_talk(world)
    for _ in range(2):
        since = world.log.mark()
        await world.switch.execute(Unbridge(agent))
        await world.log.until(ChannelUnbridged, channel=customer, since=since)
        await world.log.until(ChannelUnbridged, channel=agent, since=since)
        assert await controlled(world) == {customer: True, agent: True}
        await join(world, agent, customer)
        await they_hear_each_other(world, line, phone)
    assert len(world.log.all(ChannelUnbridged)) == 4
    assert len(world.log.all(ChannelBridged)) == 3


async def test_parting_who_is_not_joined_does_nothing(world: World) -> None:
    channel, _ = await customer_is_served(world)
    await world.switch.execute(Unbridge(channel))
    await world.switch.execute(Play(channel, (SHORT,), "p1"))
    await world.log.until(PlayFinished, play_id="p1")
    assert world.log.all(ChannelUnbridged) == []


@pytest.mark.parametrize("busy", ["customer", "agent", "both"])
async def test_prompts_and_music_end_when_two_are_joined(world: World, busy: str) -> None:
    (customer, line), (agent, phone) = await customer_is_served(world), await agent_is_on(world)
    if busy in ("customer", "both"):
        await world.switch.execute(Music(customer, on=True))
    if busy in ("agent", "both"):
        await world.switch.execute(Play(agent, (LONG,), "whisper"))
    await join(world, customer, agent)
    await they_hear_each_other(world, line, phone)
    plays = [(e.play_id, e.reason) for e in world.log.all(PlayFinished)]
    assert plays == ([] if busy == "customer" else [("whisper", PlayEnd.STOPPED)])


async def test_a_consultation_moves_the_customer_to_the_colleague(world: World) -> None:
    (customer, line), (agent, _) = await they_talk(world)
    await world.switch.execute(Unbridge(agent))
    await world.log.until(ChannelUnbridged, channel=customer)
    await world.log.until(ChannelUnbridged, channel=agent)
    await world.switch.execute(Music(customer, on=True))
    colleague, second_phone = await agent_is_on(world, "1002")
    await join(world, agent, colleague)
    await world.switch.execute(Hangup(agent))
    await world.log.until(ChannelUnbridged, channel=colleague)
    await join(world, customer, colleague)
    await they_hear_each_other(world, line, second_phone)


@pytest.mark.needs(Capability.HOLD_EVENTS)
async def test_hold_pressed_on_the_phone_is_reported(world: World) -> None:
    _, (agent, phone) = await they_talk(world)
    phone.hold(True)
    await world.log.until(ChannelHeld, channel=agent, held=True)
    phone.hold(False)
    await world.log.until(ChannelHeld, channel=agent, held=False)


async def test_what_is_not_answered_or_joined_already_cannot_be_joined(world: World) -> None:
    (customer, _), (agent, _) = await they_talk(world)
    ringing, _ = await phone_rings(world, "1002")
    waiting, _ = await customer_calls(world)
    for pair in [(customer, agent), (customer, ringing), (waiting, agent), (waiting, waiting)]:
        with pytest.raises(CommandRefused):
            await world.switch.execute(Bridge(*pair))
    with pytest.raises(ChannelGone):
        await world.switch.execute(Bridge(waiting, "gone"))
    with pytest.raises(CommandRefused):
        await world.switch.execute(Play(customer, (SHORT,), "p1"))


@pytest.mark.parametrize("turn", range(5))
async def test_the_caller_hangs_up_at_the_moment_the_agent_answers(world: World, turn: int) -> None:
    customer, line = await customer_is_served(world)
    agent, phone = await phone_rings(world)
    phone.answer()
    await asyncio.sleep(turn * 0.002)
    line.hangup()
    await world.log.until(ChannelAnswered, channel=agent)
    try:
        await world.switch.execute(Bridge(customer, agent))
    except SwitchError as error:
        assert isinstance(error, (ChannelGone, CommandRefused))  # noqa: PT017
    await world.log.until(ChannelHungUp, channel=customer)
    left = {c.channel for c in (await world.switch.snapshot()).channels}
    assert left == {agent}
    await world.switch.execute(Hangup(agent))
    await world.log.until(ChannelHungUp, channel=agent)
    await phone.ended()
    for channel in (customer, agent):
        assert len(world.log.all(ChannelHungUp, channel=channel)) == 1
