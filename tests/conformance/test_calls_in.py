"""Calls that come in: how they are offered, answered, refused, given up."""

from __future__ import annotations

import pytest

from cti.domain.errors import ChannelGone
from cti.domain.switch.commands import Answer, Hangup
from cti.domain.switch.events import ChannelAnswered, ChannelHungUp, ChannelOffered, Digit
from cti.domain.switch.terms import Capability, Cause
from tests.conformance.world import TRUNK, World, customer_calls, customer_is_served


async def test_a_customers_call_is_offered_once_with_who_and_what_was_dialled(world: World) -> None:
    channel, _ = await customer_calls(world, "13800138000", "Demo Customer")
    offered = world.log.all(ChannelOffered)
    name = "Demo Customer" if Capability.CALLER_NAME in world.switch.capabilities else ""
    assert [(o.caller_number, o.caller_name, o.dialed, o.trunk, o.device) for o in offered] == [
        ("13800138000", name, "8000", TRUNK, "")
    ]
    await world.switch.execute(Answer(channel))
    await world.log.until(ChannelAnswered, channel=channel)
    assert len(world.log.all(ChannelOffered)) == 1


async def test_a_call_from_our_own_phone_names_the_device(world: World) -> None:
    await world.register("1001")
    leg = await world.dial_from("1001", "1002")
    offered = await world.log.until(ChannelOffered)
    assert (offered.device, offered.trunk, offered.dialed) == ("1001", "", "1002")
    leg.hangup()
    await world.log.until(ChannelHungUp, channel=offered.channel)


async def test_answering_twice_answers_once(world: World) -> None:
    channel, leg = await customer_calls(world)
    await world.switch.execute(Answer(channel))
    await leg.talking()
    await world.log.until(ChannelAnswered, channel=channel)
    await world.switch.execute(Answer(channel))
    assert len(world.log.all(ChannelAnswered, channel=channel)) == 1


async def test_a_caller_who_gives_up_before_the_answer_has_cancelled(world: World) -> None:
    channel, leg = await customer_calls(world)
    leg.hangup()
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.CANCELLED, True)


async def test_a_caller_who_hangs_up_in_a_call_ended_it_normally(world: World) -> None:
    channel, leg = await customer_is_served(world)
    leg.hangup()
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.NORMAL, True)
    with pytest.raises(ChannelGone):
        await world.switch.execute(Answer(channel))
    await world.switch.execute(Hangup(channel))
    assert world.log.kinds(channel)[-1] is ChannelHungUp
    assert len(world.log.all(ChannelHungUp, channel=channel)) == 1


async def test_we_can_refuse_a_call_as_busy(world: World) -> None:
    channel, leg = await customer_calls(world)
    await world.switch.execute(Hangup(channel, Cause.BUSY))
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.BUSY, False)
    await leg.ended()


async def test_we_can_end_an_answered_call(world: World) -> None:
    channel, leg = await customer_is_served(world)
    await world.switch.execute(Hangup(channel))
    ended = await world.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.NORMAL, False)
    await leg.ended()


async def test_the_customers_keys_are_reported_in_order(world: World) -> None:
    channel, leg = await customer_is_served(world)
    leg.press("1#")
    await world.log.until_true(lambda: len(world.log.all(Digit, channel=channel)) == 2, what="two digits")
    assert [d.digit for d in world.log.all(Digit, channel=channel)] == ["1", "#"]


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "long": "x" * 200,
    "emoji": "张三 😀",
    "headers": "a Event: FORGED Uniqueid: 1",
    "percent": "x%0d%0aEvent: FORGED",
    "invalid utf-8": "caf\udce9",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_caller_name_changes_nothing(world: World, kind: str) -> None:
    channel, leg = await customer_calls(world, name=HOSTILE[kind].replace('"', ""))
    offered = world.log.all(ChannelOffered)
    assert [(o.channel, o.caller_number, o.dialed) for o in offered] == [(channel, "13800138000", "8000")]
    await world.switch.execute(Answer(channel))
    await leg.talking()
    await world.switch.execute(Hangup(channel))
    await world.log.until(ChannelHungUp, channel=channel)
    assert len(world.log.all(ChannelHungUp)) == 1
