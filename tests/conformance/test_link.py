"""The switch is the truth: state on channels, snapshots, a link that is lost, an engine that starts anew."""

from __future__ import annotations

import asyncio

import pytest

from cti.domain.errors import ChannelGone, CommandRefused, LinkDown
from cti.domain.switch.commands import (
    Bridge,
    DeviceTarget,
    Hangup,
    Music,
    Originate,
    Play,
    RecordStart,
    RecordStop,
    SetState,
)
from cti.domain.switch.events import (
    ChannelBridged,
    ChannelHungUp,
    ChannelUnbridged,
    DeviceRegistered,
    LinkLost,
    LinkUp,
    PlayFinished,
    RecordingStarted,
    RecordingStopped,
)
from cti.domain.switch.snapshot import ChannelSnapshot
from cti.domain.switch.terms import Capability
from tests.conformance.world import (
    AGENT_HERTZ,
    CUSTOMER_HERTZ,
    SHORT,
    TRUNK,
    World,
    agent_is_on,
    customer_calls,
    customer_is_served,
    new_channel,
    they_talk,
)

FULL_STATE = "".join(f"{n:05d}" for n in range(400))


async def lose(world: World) -> int:
    since = world.log.mark()
    await world.cut_link()
    await world.log.until(LinkLost, since=since)
    return since


async def restore(world: World, since: int) -> None:
    await world.restore_link()
    await world.log.until(LinkUp, since=since, deadline=5.0)


async def test_state_is_read_back_as_it_was_set(world: World) -> None:
    channel, _ = await customer_is_served(world)
    for state in ("short", FULL_STATE, "A-Z_09", ""):
        await world.switch.execute(SetState(channel, state))
        assert [c.state for c in (await world.switch.snapshot()).channels] == [state]
    for state in ("has space", "x" * 2001, "a\nb"):
        with pytest.raises(CommandRefused):
            await world.switch.execute(SetState(channel, state))


async def test_state_of_a_dialled_channel_is_there_from_the_start(world: World) -> None:
    await world.register("1001")
    channel = new_channel()
    await world.switch.execute(Originate(channel, DeviceTarget("1001"), "8000", state=FULL_STATE))
    leg = await world.rings("1001")
    (ringing,) = (await world.switch.snapshot()).channels
    assert (ringing.state, ringing.answered, ringing.controlled, ringing.incoming) == (FULL_STATE, False, False, False)
    leg.answer()


async def test_a_snapshot_tells_everything_about_a_waiting_caller(world: World) -> None:
    channel, _ = await customer_calls(world, "13800138000", "张三")
    (seen,) = (await world.switch.snapshot()).channels
    name = "张三" if Capability.CALLER_NAME in world.switch.capabilities else ""
    assert seen.channel == channel
    assert (seen.caller_number, seen.caller_name, seen.dialed) == ("13800138000", name, "8000")
    assert (seen.incoming, seen.answered, seen.controlled) == (True, False, True)
    assert (seen.trunk, seen.device, seen.peer, seen.state) == (TRUNK, "", "", "")
    assert 0 <= seen.age < 60


@pytest.mark.needs(Capability.REGISTRATION)
async def test_registrations_are_reported_and_in_the_snapshot(world: World) -> None:
    assert {d: r for d, r in (await world.switch.snapshot()).devices.items() if d == "1001"} == {"1001": False}
    await world.register("1001")
    assert (await world.switch.snapshot()).devices["1001"] is True
    since = world.log.mark()
    await world.unregister("1001")
    await world.log.until(DeviceRegistered, device="1001", registered=False, since=since)
    assert (await world.switch.snapshot()).devices["1001"] is False


async def test_commands_fail_at_once_without_a_link(world: World) -> None:
    channel, _ = await customer_is_served(world)
    since = await lose(world)
    for command in (Hangup(channel), Play(channel, (SHORT,), "p")):
        with pytest.raises(LinkDown):
            await world.switch.execute(command)
    with pytest.raises(LinkDown):
        await world.switch.snapshot()
    await restore(world, since)
    assert [c.channel for c in (await world.switch.snapshot()).channels] == [channel]


async def test_a_call_goes_on_while_the_link_is_lost_and_can_be_led_afterwards(world: World) -> None:
    (customer, line), (agent, phone) = await they_talk(world)
    since = await lose(world)
    if Capability.MEDIA in world.switch.capabilities:
        await phone.hears(CUSTOMER_HERTZ)
        await line.hears(AGENT_HERTZ)
    await restore(world, since)
    peers = {c.channel: c.peer for c in (await world.switch.snapshot()).channels}
    assert peers == {customer: agent, agent: customer}
    phone.hangup()
    await world.log.until(ChannelHungUp, channel=agent)
    await world.log.until(ChannelUnbridged, channel=customer)
    await world.switch.execute(Play(customer, (SHORT,), "p1"))
    await world.log.until(PlayFinished, play_id="p1")


async def test_who_hung_up_meanwhile_is_gone_from_the_snapshot(world: World) -> None:
    (customer, _), (agent, phone) = await they_talk(world)
    since = await lose(world)
    phone.hangup()
    await phone.ended()
    await restore(world, since)
    shown = (await world.switch.snapshot()).channels
    assert [(c.channel, c.controlled, c.peer) for c in shown] == [(customer, True, "")]
    with pytest.raises(ChannelGone):
        await world.switch.execute(Bridge(customer, agent))
    again, _ = await agent_is_on(world, "1002")
    await world.switch.execute(Bridge(customer, again))
    await world.log.until(ChannelBridged, channel=customer, peer=again)


async def somebody_is_there(world: World) -> tuple[ChannelSnapshot, ...]:
    """Snapshots until there is a channel: a call on its way to the switch cannot be waited for otherwise."""
    async with asyncio.timeout(5):
        shown = (await world.switch.snapshot()).channels
        while not shown:
            shown = (await world.switch.snapshot()).channels
    return shown


async def test_who_called_meanwhile_is_in_the_snapshot_and_can_be_served(world: World) -> None:
    since = await lose(world)
    await world.call_in("8000", "13800138000", "")
    await restore(world, since)
    (caller,) = await somebody_is_there(world)
    assert (caller.incoming, caller.controlled, caller.answered) == (True, True, False)
    await world.switch.execute(Hangup(caller.channel))
    await world.log.until(ChannelHungUp, channel=caller.channel)


async def test_a_restarted_engine_finds_and_leads_every_call(world: World) -> None:
    (customer, _), (agent, _) = await they_talk(world)
    waiting, _ = await customer_is_served(world)
    await world.switch.execute(SetState(waiting, FULL_STATE))
    await world.switch.execute(Music(waiting, on=True))
    await world.restart_driver()
    seen = {c.channel: c for c in (await world.switch.snapshot()).channels}
    assert seen.keys() == {customer, agent, waiting}
    assert (seen[customer].peer, seen[agent].peer) == (agent, customer)
    assert (seen[waiting].state, seen[waiting].controlled) == (FULL_STATE, True)
    assert (seen[customer].incoming, seen[agent].incoming) == (True, False)
    await world.switch.execute(Hangup(agent))
    await world.log.until(ChannelUnbridged, channel=customer)
    second, second_phone = await agent_is_on(world, "1002")
    await world.switch.execute(Bridge(waiting, second))
    await world.log.until(ChannelBridged, channel=waiting, peer=second)
    if Capability.MEDIA in world.switch.capabilities:
        await second_phone.hears(CUSTOMER_HERTZ)


async def test_an_id_dialled_before_a_restart_is_not_dialled_again(world: World) -> None:
    agent, _ = await agent_is_on(world)
    await world.restart_driver()
    await world.switch.execute(Originate(agent, DeviceTarget("1001"), "8000"))
    await world.nothing_rings("1001")
    assert [c.channel for c in (await world.switch.snapshot()).channels] == [agent]


@pytest.mark.needs(Capability.RECORD)
async def test_a_restarted_engine_stops_a_recording_it_did_not_start(world: World) -> None:
    channel, _ = await customer_is_served(world)
    recording_id = new_channel()
    await world.switch.execute(RecordStart(channel, recording_id, f"a/{recording_id}"))
    await world.log.until(RecordingStarted, recording_id=recording_id)
    await world.restart_driver()
    await world.switch.execute(RecordStop(channel, recording_id))
    assert (await world.log.until(RecordingStopped, recording_id=recording_id)).file == f"a/{recording_id}.raw"
