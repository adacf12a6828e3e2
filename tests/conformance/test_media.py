"""Prompts, music and keys on a channel that waits for our commands."""

from __future__ import annotations

import time

import pytest

from cti.domain.errors import ChannelGone, CommandRefused
from cti.domain.switch.commands import Answer, Music, Play, SendDigits, StopPlay
from cti.domain.switch.events import ChannelAnswered, ChannelHungUp, Digit, PlayEnd, PlayFinished
from cti.domain.switch.terms import Capability
from tests.conformance.world import (
    LONG,
    LONG_HERTZ,
    SHORT,
    World,
    agent_is_on,
    customer_calls,
    customer_is_served,
    they_talk,
)


async def finished(world: World, play_id: str) -> PlayFinished:
    return await world.log.until(PlayFinished, play_id=play_id)


async def test_prompts_are_played_to_their_end_and_reported_once(world: World) -> None:
    channel, _ = await customer_is_served(world)
    await world.switch.execute(Play(channel, (SHORT, SHORT), "p1"))
    over = await finished(world, "p1")
    assert (over.channel, over.reason) == (channel, PlayEnd.COMPLETED)
    await world.switch.execute(Play(channel, (SHORT,), "p2"))
    await finished(world, "p2")
    assert [e.play_id for e in world.log.all(PlayFinished)] == ["p1", "p2"]


@pytest.mark.needs(Capability.MEDIA)
async def test_a_prompt_right_after_the_answer_is_played_whole(world: World) -> None:
    for turn in range(10):
        channel, leg = await customer_calls(world)
        await world.switch.execute(Answer(channel))
        await world.log.until(ChannelAnswered, channel=channel)
        begun = time.monotonic()
        await world.switch.execute(Play(channel, (SHORT,), f"p{turn}"))
        await finished(world, f"p{turn}")
        assert time.monotonic() - begun > 0.25
        leg.hangup()
        await world.log.until(ChannelHungUp, channel=channel)


async def test_a_missing_prompt_is_skipped_and_the_caller_stays(world: World) -> None:
    channel, _ = await customer_is_served(world)
    await world.switch.execute(Play(channel, ("conf/missing", SHORT, "conf/missing2"), "p1"))
    assert (await finished(world, "p1")).reason is PlayEnd.COMPLETED
    assert [c.controlled for c in (await world.switch.snapshot()).channels] == [True]


async def test_playing_nothing_is_over_at_once(world: World) -> None:
    channel, _ = await customer_is_served(world)
    await world.switch.execute(Play(channel, (), "p1"))
    assert (await finished(world, "p1")).reason is PlayEnd.COMPLETED


@pytest.mark.needs(Capability.MEDIA)
async def test_the_caller_hears_the_prompt(world: World) -> None:
    channel, leg = await customer_is_served(world)
    await world.switch.execute(Play(channel, (LONG,), "p1"))
    await leg.hears(LONG_HERTZ)
    await world.switch.execute(StopPlay(channel))
    assert (await finished(world, "p1")).reason is PlayEnd.STOPPED


@pytest.mark.needs(Capability.MEDIA)
async def test_a_key_ends_a_prompt_that_may_be_barged_in_on(world: World) -> None:
    channel, leg = await customer_is_served(world)
    await world.switch.execute(Play(channel, (LONG, LONG), "p1", barge_in=True))
    await leg.hears(LONG_HERTZ)
    leg.press("2")
    assert (await finished(world, "p1")).reason is PlayEnd.DIGIT
    assert [d.digit for d in world.log.all(Digit)] == ["2"]
    await world.switch.execute(Play(channel, (SHORT,), "p2", barge_in=True))
    assert (await finished(world, "p2")).reason is PlayEnd.COMPLETED


@pytest.mark.needs(Capability.MEDIA)
async def test_a_key_does_not_end_any_other_prompt(world: World) -> None:
    channel, leg = await customer_is_served(world)
    await world.switch.execute(Play(channel, (LONG,), "p1"))
    await leg.hears(LONG_HERTZ)
    leg.press("2")
    await world.log.until(Digit)
    assert world.log.all(PlayFinished) == []
    await leg.hears(LONG_HERTZ)


@pytest.mark.needs(Capability.MEDIA)
async def test_a_new_prompt_replaces_the_old_one_at_once(world: World) -> None:
    channel, _ = await customer_is_served(world)
    await world.switch.execute(Play(channel, (LONG,), "p1"))
    await world.switch.execute(Play(channel, (SHORT,), "p2"))
    assert (await finished(world, "p1")).reason is PlayEnd.STOPPED
    assert (await finished(world, "p2")).reason is PlayEnd.COMPLETED


@pytest.mark.needs(Capability.MEDIA)
async def test_music_plays_stops_for_a_prompt_and_comes_again(world: World) -> None:
    channel, leg = await customer_is_served(world)
    await world.switch.execute(Music(channel, on=True))
    await leg.hears_sound()
    await world.switch.execute(Play(channel, (LONG,), "p1"))
    await leg.hears(LONG_HERTZ)
    await world.switch.execute(Music(channel, on=True))
    assert (await finished(world, "p1")).reason is PlayEnd.STOPPED
    await leg.hears_sound()
    await world.switch.execute(Music(channel, on=False))
    await leg.hears_silence()


async def test_stopping_nothing_does_nothing(world: World) -> None:
    channel, _ = await customer_is_served(world)
    await world.switch.execute(StopPlay(channel))
    await world.switch.execute(Play(channel, (SHORT,), "p1"))
    assert (await finished(world, "p1")).reason is PlayEnd.COMPLETED
    assert len(world.log.all(PlayFinished)) == 1


async def test_a_caller_who_hangs_up_in_a_prompt_ends_it_before_himself(world: World) -> None:
    channel, leg = await customer_is_served(world)
    await world.switch.execute(Play(channel, (LONG,), "p1"))
    leg.hangup()
    await world.log.until(ChannelHungUp, channel=channel)
    assert world.log.kinds(channel)[-2:] == [PlayFinished, ChannelHungUp]
    assert world.log.all(PlayFinished)[0].reason is PlayEnd.FAILED
    with pytest.raises(ChannelGone):
        await world.switch.execute(Play(channel, (SHORT,), "p2"))


async def test_digits_are_sent_to_the_far_side_in_a_bridge(world: World) -> None:
    (customer, customers_line), _ = await they_talk(world)
    await world.switch.execute(SendDigits(customer, "12#"))
    await customers_line.was_sent("12#")


async def test_digits_are_sent_outside_a_bridge_too(world: World) -> None:
    channel, phone = await agent_is_on(world)
    await world.switch.execute(SendDigits(channel, "9"))
    await phone.was_sent("9")


async def test_what_is_no_prompt_digit_or_music_class_is_refused(world: World) -> None:
    channel, _ = await customer_is_served(world)
    refused = [
        Play(channel, ("../../etc/passwd",), "p1"),
        Play(channel, ("/etc/passwd",), "p1"),
        Play(channel, ("a,b",), "p1"),
        Play(channel, ("a\r\nAction: x",), "p1"),
        SendDigits(channel, "12x"),
        Music(channel, on=True, music="default\r\nAction: Logoff"),
    ]
    for command in refused:
        with pytest.raises(CommandRefused):
            await world.switch.execute(command)
    await world.switch.execute(Play(channel, (SHORT,), "p2"))
    assert (await finished(world, "p2")).reason is PlayEnd.COMPLETED
