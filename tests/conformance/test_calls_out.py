"""Calls that we make: to phones of ours and through a trunk."""

from __future__ import annotations

import pytest

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import Answer, AnswerDevice, DeviceTarget, Hangup, Originate, TestCall, TrunkTarget
from cti.domain.switch.events import ChannelAnswered, ChannelHungUp, ChannelOffered, ChannelRinging, Digit
from cti.domain.switch.terms import Capability, Cause
from tests.conformance.world import TRUNK, World, new_channel, phone_rings


async def test_a_phone_rings_and_is_answered(world: World) -> None:
    channel, leg = await phone_rings(world)
    await world.log.until(ChannelRinging, channel=channel)
    leg.answer()
    await world.log.until(ChannelAnswered, channel=channel)
    assert world.log.kinds(channel) == [ChannelRinging, ChannelAnswered]
    (shown,) = (await world.switch.snapshot()).channels
    assert (shown.channel, shown.answered, shown.controlled, shown.device) == (channel, True, True, "1001")


@pytest.mark.needs(Capability.DECLINE)
@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED, Cause.NO_ANSWER])
async def test_a_phone_that_refuses_says_why(world: World, cause: Cause) -> None:
    channel, leg = await phone_rings(world)
    leg.reject(cause)
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (cause, True)


async def test_a_phone_nobody_picks_up_stops_ringing(world: World) -> None:
    channel, leg = await phone_rings(world, ring_timeout=0.4)
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.NO_ANSWER, False)
    await leg.ended()


async def test_a_phone_that_is_not_registered_cannot_be_reached(world: World) -> None:
    channel = new_channel()
    await world.switch.execute(Originate(channel, DeviceTarget("1001"), "8000"))
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert ended.cause is Cause.UNREACHABLE
    assert world.log.kinds(channel) == [ChannelHungUp]


@pytest.mark.needs(Capability.REGISTRATION)
async def test_the_place_a_phone_registered_from_last_is_rung(world: World) -> None:
    await world.register("1001")
    await world.register_elsewhere("1001")
    channel, leg = await phone_rings(world)
    leg.answer()
    await world.log.until(ChannelAnswered, channel=channel)
    assert (await world.switch.snapshot()).devices["1001"]


async def test_we_give_up_while_the_phone_rings(world: World) -> None:
    channel, leg = await phone_rings(world)
    await world.switch.execute(Hangup(channel))
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.CANCELLED, False)
    await leg.ended()


async def test_we_give_up_at_once_and_the_phone_does_not_ring_on(world: World) -> None:
    await world.register("1001")
    channel = new_channel()
    await world.switch.execute(Originate(channel, DeviceTarget("1001"), "8000"))
    await world.switch.execute(Hangup(channel))
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert ended.cause is Cause.CANCELLED
    await world.nothing_rings("1001")


async def test_a_channel_id_is_dialled_once(world: World) -> None:
    channel, leg = await phone_rings(world)
    await world.switch.execute(Originate(channel, DeviceTarget("1001"), "8000"))
    leg.reject(Cause.BUSY)
    await world.log.until(ChannelHungUp, channel=channel)
    await world.switch.execute(Originate(channel, DeviceTarget("1001"), "8000"))
    await world.nothing_rings("1001")
    assert len(world.log.all(ChannelHungUp, channel=channel)) == 1


@pytest.mark.needs(Capability.AUTO_ANSWER)
async def test_a_phone_asked_to_pick_up_by_itself_does(world: World) -> None:
    channel, leg = await phone_rings(world, auto_answer=True)
    await world.log.until(ChannelAnswered, channel=channel)
    await leg.talking()


@pytest.mark.needs(Capability.REMOTE_ANSWER)
async def test_we_make_a_ringing_phone_pick_up(world: World) -> None:
    channel, leg = await phone_rings(world)
    await world.log.until(ChannelRinging, channel=channel)
    await world.switch.execute(AnswerDevice(channel))
    await world.log.until(ChannelAnswered, channel=channel)
    await leg.talking()


async def test_an_outside_number_is_dialled_through_the_trunk(world: World) -> None:
    channel = new_channel()
    await world.switch.execute(Originate(channel, TrunkTarget(TRUNK, "13900139000"), "8000", "Callyard"))
    leg = await world.rings_outside("13900139000")
    await world.log.until(ChannelRinging, channel=channel)
    leg.answer()
    await world.log.until(ChannelAnswered, channel=channel)
    (shown,) = (await world.switch.snapshot()).channels
    assert (shown.trunk, shown.device) == (TRUNK, "")
    leg.hangup()
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.NORMAL, True)


@pytest.mark.parametrize("number", ["1&Local/8000@x", "1\r\nAction: Hangup", "1,2", "", "1@evil"])
async def test_a_number_that_is_none_is_refused_before_the_switch(world: World, number: str) -> None:
    with pytest.raises(CommandRefused):
        await world.switch.execute(Originate(new_channel(), TrunkTarget(TRUNK, number), "8000"))
    assert (await world.switch.snapshot()).channels == ()


async def test_a_hostile_name_is_shown_harmlessly(world: World) -> None:
    channel, leg = await phone_rings(world, caller_name='x" <sip:evil@evil>;\r\nAction: Logoff\r\n\r\n')
    leg.answer()
    await world.log.until(ChannelAnswered, channel=channel)
    assert (await world.switch.snapshot()).channels[0].channel == channel


@pytest.mark.needs(Capability.TEST_CALL)
async def test_a_test_call_is_offered_and_presses_its_keys(world: World) -> None:

    await world.switch.execute(
        TestCall("8000", "13900139000", "Demo 张三", digits="1", digit_after=0.2, max_seconds=20)
    )
    offered = await world.log.until(ChannelOffered)
    assert (offered.dialed, offered.caller_number) == ("8000", "13900139000")
    if Capability.CALLER_NAME in world.switch.capabilities:
        assert offered.caller_name == "Demo 张三"
    assert [c.channel for c in (await world.switch.snapshot()).channels] == [offered.channel]
    await world.switch.execute(Answer(offered.channel))
    assert (await world.log.until(Digit, channel=offered.channel)).digit == "1"
    await world.switch.execute(Hangup(offered.channel))
    await world.log.until(ChannelHungUp, channel=offered.channel)
