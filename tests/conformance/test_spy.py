"""A supervisor who listens, whispers and barges in: who hears whom, with real tones, and how it ends."""

from __future__ import annotations

import asyncio

import pytest

from cti.domain.errors import ChannelGone, CommandRefused
from cti.domain.switch.commands import Hangup, RecordStop, Spy, SpyMode, Unbridge
from cti.domain.switch.events import ChannelUnbridged
from cti.domain.switch.terms import Capability
from tests.conformance.test_recording import start, stopped, tracks
from tests.conformance.world import AGENT_HERTZ, CUSTOMER_HERTZ, Leg, World, agent_is_on, join, they_talk
from tests.fakes.rtp import tone_level

pytestmark = pytest.mark.needs(Capability.SPY)

SUPERVISOR_HERTZ = 2000.0


async def supervisor_is_on(world: World) -> tuple[str, Leg]:
    channel, phone = await agent_is_on(world, "1002")
    phone.say(SUPERVISOR_HERTZ)
    return channel, phone


async def begins(world: World, channel: str, target: str, mode: SpyMode) -> None:
    """It listens, and the switch says so."""
    await world.switch.execute(Spy(channel, target, mode))
    async with asyncio.timeout(3):
        while await spying(world) != {channel: target}:
            pass


async def spying(world: World) -> dict[str, str]:
    channels = (await world.switch.snapshot()).channels
    return {c.channel: c.spying for c in channels if c.spying and not c.controlled}


def hears_supervisor(leg: Leg) -> bool:
    return bool(leg.call.rtp.hears(SUPERVISOR_HERTZ, 0.1))  # type: ignore[attr-defined]


async def only_hears(leg: Leg, hertz: float) -> None:
    """That tone, and nothing of the supervisor's."""
    await leg.hears(hertz)
    assert not hears_supervisor(leg)


async def hears_supervisor_too(leg: Leg) -> None:
    call = leg.call  # type: ignore[attr-defined]
    call.rtp.forget()
    await call.phone.until(lambda: hears_supervisor(leg), "the supervisor is heard")


async def hears_both(leg: Leg) -> None:
    call = leg.call  # type: ignore[attr-defined]
    call.rtp.forget()
    both = lambda: all(call.rtp.hears(hertz, 0.1) for hertz in (CUSTOMER_HERTZ, AGENT_HERTZ))  # noqa: E731
    await call.phone.until(both, "customer and agent are heard")


@pytest.mark.needs(Capability.MEDIA)
async def test_who_hears_whom(world: World) -> None:
    (_, line), (agent, phone) = await they_talk(world)
    supervisor, listener = await supervisor_is_on(world)
    await world.switch.execute(Spy(supervisor, agent, SpyMode.LISTEN))
    await hears_both(listener)
    await only_hears(line, AGENT_HERTZ)
    await only_hears(phone, CUSTOMER_HERTZ)

    await world.switch.execute(Spy(supervisor, agent, SpyMode.WHISPER))
    await hears_supervisor_too(phone)
    await only_hears(line, AGENT_HERTZ)
    await hears_both(listener)

    await world.switch.execute(Spy(supervisor, agent, SpyMode.BARGE))
    await hears_supervisor_too(line)
    await hears_supervisor_too(phone)
    await hears_both(listener)

    await world.switch.execute(Spy(supervisor, agent, SpyMode.LISTEN))
    await hears_both(listener)
    await only_hears(line, AGENT_HERTZ)
    assert await spying(world) == {supervisor: agent}
    assert not [e for e in world.log.all(ChannelUnbridged) if e.channel == supervisor]


@pytest.mark.needs(Capability.MEDIA, Capability.RECORD)
async def test_a_whisper_is_not_on_the_customers_recording(world: World) -> None:
    (customer, line), (agent, phone) = await they_talk(world)
    supervisor, _ = await supervisor_is_on(world)
    recording_id, file = await start(world, customer)
    await world.switch.execute(Spy(supervisor, agent, SpyMode.WHISPER))
    await hears_supervisor_too(phone)
    await only_hears(line, AGENT_HERTZ)
    await world.switch.execute(RecordStop(customer, recording_id))
    await stopped(world, recording_id)
    said, heard = tracks(world, file)
    assert tone_level(said[-3200:], CUSTOMER_HERTZ) > 0.9
    assert tone_level(heard[-3200:], AGENT_HERTZ) > 0.9
    assert max(tone_level(track, SUPERVISOR_HERTZ) for track in (said, heard)) < 0.01


@pytest.mark.needs(Capability.MEDIA, Capability.RECORD)
async def test_who_barges_in_is_recorded_with_all_others_on_their_own_channel(world: World) -> None:
    (_, line), (agent, phone) = await they_talk(world)
    supervisor, listener = await supervisor_is_on(world)
    await world.switch.execute(Spy(supervisor, agent, SpyMode.BARGE))
    recording_id, file = await start(world, supervisor)
    await hears_supervisor_too(line)
    await hears_supervisor_too(phone)
    await hears_both(listener)
    await world.switch.execute(RecordStop(supervisor, recording_id))
    await stopped(world, recording_id)
    said, heard = (track[-3200:] for track in tracks(world, file))
    assert tone_level(said, SUPERVISOR_HERTZ) > 0.9
    assert min(tone_level(heard, hertz) for hertz in (CUSTOMER_HERTZ, AGENT_HERTZ)) > 0.1


async def test_when_the_target_leaves_its_bridge_it_goes_on_or_says_so_and_can_be_asked_again(world: World) -> None:
    (customer, line), (agent, _) = await they_talk(world)
    supervisor, listener = await supervisor_is_on(world)
    await begins(world, supervisor, agent, SpyMode.LISTEN)
    await world.switch.execute(Unbridge(agent))
    for channel in (agent, customer):
        await world.log.until(ChannelUnbridged, channel=channel)
    await join(world, customer, agent)
    if Capability.MEDIA in world.switch.capabilities:
        await line.hears(AGENT_HERTZ)
    if await spying(world) != {supervisor: agent}:
        await world.log.until(ChannelUnbridged, channel=supervisor)
        await begins(world, supervisor, agent, SpyMode.LISTEN)
    if Capability.MEDIA in world.switch.capabilities:
        await hears_both(listener)
    assert await spying(world) == {supervisor: agent}


async def test_it_ends_when_asked_and_the_conversation_goes_on(world: World) -> None:
    (customer, _), (agent, _) = await they_talk(world)
    supervisor, _ = await supervisor_is_on(world)
    await begins(world, supervisor, agent, SpyMode.LISTEN)
    await world.switch.execute(Unbridge(supervisor))
    await world.log.until(ChannelUnbridged, channel=supervisor)
    seen = {c.channel: (c.controlled, c.peer, c.spying) for c in (await world.switch.snapshot()).channels}
    assert seen == {customer: (False, agent, ""), agent: (False, customer, ""), supervisor: (True, "", "")}
    await begins(world, supervisor, agent, SpyMode.BARGE)


async def test_the_targets_end_gives_the_supervisor_back(world: World) -> None:
    (customer, _), (agent, phone) = await they_talk(world)
    supervisor, _ = await supervisor_is_on(world)
    await begins(world, supervisor, agent, SpyMode.LISTEN)
    phone.hangup()
    await world.log.until(ChannelUnbridged, channel=supervisor)
    await world.log.until(ChannelUnbridged, channel=customer)
    await join(world, customer, supervisor)


async def test_it_goes_on_when_the_driver_is_restarted_and_can_be_ended_then(world: World) -> None:
    _, (agent, _) = await they_talk(world)
    supervisor, _ = await supervisor_is_on(world)
    await begins(world, supervisor, agent, SpyMode.LISTEN)
    await world.restart_driver()
    assert await spying(world) == {supervisor: agent}
    await world.switch.execute(Unbridge(supervisor))
    await world.log.until(ChannelUnbridged, channel=supervisor)
    assert await spying(world) == {}


async def test_what_cannot_be_listened_to_is_refused(world: World) -> None:
    _, (agent, _) = await they_talk(world)
    supervisor, _ = await supervisor_is_on(world)
    with pytest.raises(ChannelGone):
        await world.switch.execute(Spy(supervisor, "cy-nobody", SpyMode.LISTEN))
    with pytest.raises(CommandRefused):
        await world.switch.execute(Spy(supervisor, supervisor, SpyMode.LISTEN))
    with pytest.raises(CommandRefused):
        await world.switch.execute(Spy(agent, supervisor, SpyMode.LISTEN))  # it talks
    with pytest.raises(CommandRefused):
        await world.switch.execute(Spy(supervisor, f"{agent},x", SpyMode.LISTEN))
    assert await spying(world) == {}
    await world.switch.execute(Hangup(supervisor))
