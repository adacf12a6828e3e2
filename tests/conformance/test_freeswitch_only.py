"""What only a real FreeSWITCH has: its event socket's login, what it does with callers' text, its bridges' corners."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from cti.domain.errors import SwitchError
from cti.domain.switch.commands import Answer, Bridge, Hangup, Play, RecordStart, SetState
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeaving,
    ChannelOffered,
    ChannelUnbridged,
    LinkUp,
    PlayFinished,
    TrunkChanged,
)
from cti.domain.switch.terms import Cause
from tests.conformance.freeswitch_rig import FreeSwitchWorld
from tests.conformance.world import SHORT, agent_is_on, customer_calls, customer_is_served, they_talk
from tests.fakes import sip


@pytest.mark.parametrize(
    "name",
    [
        "%0aUnique-ID: x%0aEvent-Name: FORGED",
        "50%41",
        "x%0d%0a%0d%0aContent-Type: text/disconnect-notice",
        "a,b}c{d [x] ^^:y",
        "O'Neill & 50% <i>",
    ],
)
async def test_a_callers_name_is_shown_exactly(freeswitch_world: FreeSwitchWorld, name: str) -> None:
    world = freeswitch_world
    channel, line = await customer_calls(world, name=name)
    (offered,) = world.log.all(ChannelOffered)
    assert (offered.channel, offered.caller_name, offered.caller_number) == (channel, name, "13800138000")
    snapshot = await world.switch.snapshot()
    (shown,) = snapshot.channels
    assert (shown.caller_name, shown.caller_number) == (name, "13800138000")
    assert snapshot.up_for is not None
    await world.switch.execute(Answer(channel))
    await line.talking()
    line.hangup()
    await world.log.until(ChannelHungUp, channel=channel)
    told = [type(e) for e in world.log.events if not isinstance(e, TrunkChanged)]
    assert told == [LinkUp, ChannelOffered, ChannelAnswered, ChannelHungUp]


async def test_a_phone_that_hangs_up_is_told_before_its_leg_ends(freeswitch_world: FreeSwitchWorld) -> None:
    """A BYE of somebody who does not know the dialog changes nothing."""
    world = freeswitch_world
    agent, leg = await agent_is_on(world)
    customer, line = await customer_calls(world)
    call, stranger = leg.call, world.outside
    assert call.invite is not None
    head = [("Via", stranger.via("forged")), ("Call-ID", call.call_id), ("CSeq", "9 BYE"), ("Max-Forwards", "70")]
    for tags in (("ours", "theirs"), (call.tag, "theirs"), ("ours", "")):
        ends = [("From", f"<sip:1001@x>;tag={tags[0]}"), ("To", f"<sip:8000@x>;tag={tags[1]}")]
        stranger.send(sip.build(f"BYE {call.target} SIP/2.0", head + ends))
    await world.switch.execute(SetState(agent, "still-there"))
    leg.hangup()
    left = await world.log.until(ChannelLeaving, channel=agent)
    ended = await world.log.until(ChannelHungUp, channel=agent)
    assert left.at <= ended.at
    assert (ended.cause, ended.by_far_side) == (Cause.NORMAL, True)
    line.hangup()
    await world.log.until(ChannelHungUp, channel=customer)
    assert len(world.log.all(ChannelLeaving)) == 1


async def test_what_a_caller_writes_is_never_carried_out(freeswitch_world: FreeSwitchWorld, tmp_path: Path) -> None:
    """FreeSWITCH expands variables inside variables: none that a caller fills may be named in the dialplan."""
    world = freeswitch_world
    made = tmp_path / "made"
    for text in (f"${{system(touch {made})}}", f"$${{system touch {made}}}", f"@@system touch {made}@@"):
        since = world.log.mark()
        line = await world.call_in("8000", "13800138000", text)
        offered = await world.log.until(ChannelOffered, since=since)
        await world.switch.execute(Answer(offered.channel))
        await line.talking()
        agent, _ = await agent_is_on(world)
        await world.switch.execute(Bridge(offered.channel, agent))
        await world.log.until(ChannelBridged, since=since)
        for channel in (offered.channel, agent):
            await world.switch.execute(Hangup(channel))
            await world.log.until(ChannelHungUp, channel=channel)
    assert not made.exists()


async def test_a_phones_name_must_be_proven_also_from_a_trunks_address(freeswitch_world: FreeSwitchWorld) -> None:
    world = freeswitch_world
    call = await world.outside.call("8000", shown="1001")
    await call.until("ended")
    assert call.status in (401, 403, 407)
    refused = await world.outside.call("../x", shown="13800138000")
    await refused.until("ended")
    assert refused.status == 403
    assert world.log.all(ChannelOffered) == []


@pytest.mark.parametrize("who", ["customer", "agent"])
async def test_who_hangs_up_on_hold_leaves_the_other_to_us(freeswitch_world: FreeSwitchWorld, who: str) -> None:
    world = freeswitch_world
    customer, agent = await they_talk(world)
    gone, left = (customer, agent) if who == "customer" else (agent, customer)
    gone[1].hold(True)
    await world.log.until(ChannelHeld, channel=gone[0], held=True)
    gone[1].hangup()
    await world.log.until(ChannelHungUp, channel=gone[0])
    await world.log.until(ChannelUnbridged, channel=left[0])
    await world.switch.execute(Play(left[0], (SHORT,), "p"))
    await world.log.until(PlayFinished, play_id="p")


@pytest.mark.parametrize("wait", [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08])
@pytest.mark.parametrize("who", ["customer", "agent"])
async def test_who_is_left_when_two_are_just_being_joined_stays(
    freeswitch_world: FreeSwitchWorld, who: str, wait: float
) -> None:
    """A caller always. An agent's phone may be hung up by FreeSWITCH itself at one unlucky moment; that is told."""
    world = freeswitch_world
    customer, agent = await customer_is_served(world), await agent_is_on(world)
    gone, left = (customer, agent) if who == "customer" else (agent, customer)
    since = world.log.mark()
    joining = asyncio.create_task(world.switch.execute(Bridge(customer[0], agent[0])))
    await asyncio.sleep(wait)
    gone[1].hangup()
    await asyncio.gather(joining, return_exceptions=True)
    assert joining.exception() is None or isinstance(joining.exception(), SwitchError)
    await world.log.until(ChannelHungUp, channel=gone[0])
    if joining.exception() is None:
        await world.log.until_true(
            lambda: bool(
                world.log.all(ChannelUnbridged, since, channel=left[0])
                or (who == "customer" and world.log.all(ChannelHungUp, since, channel=left[0]))
            ),
            what=f"{left[0]} ours again",
        )
        if world.log.all(ChannelHungUp, channel=left[0]):
            assert (await world.switch.snapshot()).channels == ()
            return
    assert [(c.channel, c.controlled) for c in (await world.switch.snapshot()).channels] == [(left[0], True)]
    await world.switch.execute(Play(left[0], (SHORT,), "p"))
    await world.log.until(PlayFinished, play_id="p")


async def test_a_recording_started_as_the_caller_hangs_up_leaves_no_channel_behind(
    freeswitch_world: FreeSwitchWorld,
) -> None:
    """A recording thread that starts too late would hold its dead channel for ever."""
    world = freeswitch_world
    for turn in range(60):
        channel, line = await customer_is_served(world)
        line.hangup()
        await asyncio.sleep(turn % 12 * 0.001)
        with contextlib.suppress(SwitchError):
            await world.switch.execute(RecordStart(channel, f"r{turn}", f"late/{channel}"))
        await world.log.until(ChannelHungUp, channel=channel)
    for _ in range(50):
        if "\n0 session(s) - peak" in world.asterisk.cli("status"):
            return
        await asyncio.sleep(0.1)
    pytest.fail(world.asterisk.cli("show channels"))


async def test_who_waits_parked_is_not_thrown_out(freeswitch_world: FreeSwitchWorld) -> None:
    """FreeSWITCH gives a channel it takes out of a broken bridge three seconds: ours must have none."""
    world = freeswitch_world
    (customer, _), (_, phone) = await they_talk(world)
    phone.hangup()
    await world.log.until(ChannelUnbridged, channel=customer)
    await asyncio.sleep(4.0)
    assert [c.channel for c in (await world.switch.snapshot()).channels] == [customer]
    assert world.log.all(ChannelHungUp, channel=customer) == []
