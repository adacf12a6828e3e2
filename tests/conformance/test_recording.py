"""Recordings: two tracks, through bridges, paused, complete when reported."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import numpy.typing as npt
import pytest

from cti.domain.errors import ChannelGone, CommandRefused
from cti.domain.switch.commands import RecordPause, RecordStart, RecordStop, Unbridge
from cti.domain.switch.events import ChannelHungUp, ChannelUnbridged, RecordingStarted, RecordingStopped
from cti.domain.switch.terms import Capability
from tests.conformance.world import (
    AGENT_HERTZ,
    CUSTOMER_HERTZ,
    World,
    customer_is_served,
    eventually,
    join,
    new_channel,
    they_talk,
)
from tests.fakes.rtp import tone_level

pytestmark = pytest.mark.needs(Capability.RECORD)

SILENCE = 0.6


def tracks(world: World, file: str) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    stereo = np.frombuffer((world.spool / file).read_bytes(), dtype="<i2").reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


async def start(world: World, channel: str, silence: float = 0.0) -> tuple[str, str]:
    recording_id = new_channel()
    name = f"2026/11/21/{recording_id}"
    await world.switch.execute(RecordStart(channel, recording_id, name, silence))
    await world.log.until(RecordingStarted, channel=channel, recording_id=recording_id)
    return recording_id, f"{name}.raw"


async def has_sound(world: World, file: str) -> None:
    """Until something is on it: one without a sample need not be there when it ends (FreeSWITCH takes it away)."""
    if Capability.MEDIA in world.switch.capabilities:
        path = world.spool / file
        await eventually(lambda: path.exists() and path.stat().st_size > 0, f"sound on {file}")


def seconds_on(world: World, file: str) -> float:
    path = world.spool / file
    return path.stat().st_size / 32_000 if path.exists() else 0.0


async def stopped(world: World, recording_id: str) -> str:
    return (await world.log.until(RecordingStopped, recording_id=recording_id)).file


async def test_a_recording_starts_and_stops_and_its_file_is_there(world: World) -> None:
    channel, _ = await customer_is_served(world)
    recording_id, file = await start(world, channel)
    await world.switch.execute(RecordStart(channel, recording_id, "again"))
    await asyncio.sleep(0.1)
    await world.switch.execute(RecordStop(channel, recording_id))
    assert await stopped(world, recording_id) == file
    size = (world.spool / file).stat().st_size
    assert size % 4 == 0
    await world.switch.execute(RecordStop(channel, recording_id))
    assert len(world.log.all(RecordingStopped)) == 1
    assert len(world.log.all(RecordingStarted)) == 1
    assert not (world.spool / "again.raw").exists()


@pytest.mark.needs(Capability.MEDIA)
async def test_left_is_what_the_channel_says_right_what_it_hears(world: World) -> None:
    (customer, line), (_, phone) = await they_talk(world)
    recording_id, file = await start(world, customer)
    await phone.hears(CUSTOMER_HERTZ)
    await line.hears(AGENT_HERTZ)
    await asyncio.sleep(0.5)
    await world.switch.execute(RecordStop(customer, recording_id))
    await stopped(world, recording_id)
    left, right = tracks(world, file)
    assert tone_level(left[-3200:], CUSTOMER_HERTZ) > 0.9
    assert tone_level(right[-3200:], AGENT_HERTZ) > 0.9


@pytest.mark.needs(Capability.MEDIA)
@pytest.mark.parametrize("recorded", ["customer", "agent"])
async def test_a_recording_goes_on_when_two_are_parted_and_joined_again(world: World, recorded: str) -> None:
    (customer, line), (agent, phone) = await they_talk(world)
    channel = customer if recorded == "customer" else agent
    recording_id, file = await start(world, channel)
    begun = time.monotonic()
    await asyncio.sleep(0.2)
    await world.switch.execute(Unbridge(agent))
    await world.log.until(ChannelUnbridged, channel=customer)
    await world.log.until(ChannelUnbridged, channel=agent)
    await asyncio.sleep(0.2)
    await join(world, agent, customer)
    await phone.hears(CUSTOMER_HERTZ)
    await line.hears(AGENT_HERTZ)
    await world.switch.execute(RecordStop(channel, recording_id))
    seconds = time.monotonic() - begun
    await stopped(world, recording_id)
    left, right = tracks(world, file)
    says, heard = (CUSTOMER_HERTZ, AGENT_HERTZ) if recorded == "customer" else (AGENT_HERTZ, CUSTOMER_HERTZ)
    assert tone_level(left[-3200:], says) > 0.9
    assert tone_level(right[-3200:], heard) > 0.9
    assert abs(len(left) / 8000 - seconds) < 0.3, "the time line is whole"
    assert len(world.log.all(RecordingStopped)) == 1


async def test_a_hang_up_ends_the_recording_before_the_channel(world: World) -> None:
    channel, line = await customer_is_served(world)
    recording_id, file = await start(world, channel)
    await has_sound(world, file)
    line.hangup()
    await world.log.until(ChannelHungUp, channel=channel)
    assert world.log.kinds(channel)[-2:] == [RecordingStopped, ChannelHungUp]
    assert await stopped(world, recording_id) == file
    assert (world.spool / file).exists()
    with pytest.raises(ChannelGone):
        await world.switch.execute(RecordStop(channel, recording_id))


@pytest.mark.needs(Capability.RECORD_PAUSE, Capability.MEDIA)
async def test_a_pause_is_silence_on_both_tracks(world: World) -> None:
    (customer, line), (_, phone) = await they_talk(world)
    await phone.hears(CUSTOMER_HERTZ)
    await line.hears(AGENT_HERTZ)
    recording_id, file = await start(world, customer)
    await asyncio.sleep(0.3)
    await world.switch.execute(RecordPause(customer, recording_id, paused=True))
    await asyncio.sleep(0.6)
    await world.switch.execute(RecordPause(customer, recording_id, paused=False))
    await asyncio.sleep(0.4)
    await world.switch.execute(RecordStop(customer, recording_id))
    await stopped(world, recording_id)
    for track in tracks(world, file):
        loud = np.abs(track[: len(track) // 160 * 160]).reshape(-1, 160).max(axis=1) > 500
        assert loud[:15].any(), "sound before the pause"
        assert loud[-15:].any(), "sound after the pause"
        assert (~loud).sum() >= 20, "0.4 s of silence at least"


@pytest.mark.needs(Capability.RECORD_PAUSE)
async def test_what_is_not_recorded_cannot_be_paused(world: World) -> None:
    channel, _ = await customer_is_served(world)
    with pytest.raises(CommandRefused):
        await world.switch.execute(RecordPause(channel, "nothing", paused=True))


async def test_a_name_outside_the_spool_is_refused(world: World) -> None:
    channel, _ = await customer_is_served(world)
    for name in ("../x", "/tmp/x", "a|b", "a,b", "$(x)", ""):
        with pytest.raises(CommandRefused):
            await world.switch.execute(RecordStart(channel, "r", name))


@pytest.mark.needs(Capability.SILENCE_END, Capability.MEDIA)
async def test_who_has_finished_speaking_ends_a_recording_that_waits_for_it(world: World) -> None:
    channel, line = await customer_is_served(world)
    recording_id, file = await start(world, channel, silence=SILENCE)
    begun = time.monotonic()
    await eventually(lambda: seconds_on(world, file) > 1.5 * SILENCE, "it goes on while something is said")
    line.say(0.0)
    spoken = time.monotonic() - begun
    await stopped(world, recording_id)
    assert SILENCE - 0.15 < time.monotonic() - begun - spoken < SILENCE + 0.6
    said, _ = tracks(world, file)
    assert tone_level(said[:1600], CUSTOMER_HERTZ) > 0.9
    another, _ = await start(world, channel)
    await world.switch.execute(RecordStop(channel, another))
    await stopped(world, another)


@pytest.mark.needs(Capability.SILENCE_END, Capability.MEDIA)
async def test_who_says_nothing_at_all_ends_it_too(world: World) -> None:
    channel, line = await customer_is_served(world)
    line.say(0.0)
    recording_id, _ = await start(world, channel, silence=SILENCE)
    await stopped(world, recording_id)
    assert len(world.log.all(RecordingStopped)) == 1
