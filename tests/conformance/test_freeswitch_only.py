"""What only a real FreeSWITCH has: its event socket's login, what it does with callers' text, its bridges' corners."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import statistics
import time
from pathlib import Path

import pytest

from cti.domain.errors import DeadlineExceeded, LinkDown, SwitchError
from cti.domain.switch import (
    Answer,
    Bridge,
    ChannelAnswered,
    ChannelBridged,
    ChannelHeld,
    ChannelHungUp,
    ChannelOffered,
    ChannelUnbridged,
    DeviceRegistered,
    DeviceTarget,
    Hangup,
    LinkLost,
    LinkUp,
    Music,
    Originate,
    Play,
    PlayFinished,
    RecordStart,
    TrunkChanged,
)
from tests.conformance.freeswitch_rig import FreeSwitchWorld
from tests.conformance.test_asterisk_only import _ws_register
from tests.conformance.world import SHORT, agent_is_on, customer_calls, customer_is_served, new_channel, they_talk
from tests.fakes import sip
from tests.fakes.events import EventLog


async def test_a_wrong_password_is_told_clearly_and_once(freeswitch_world: FreeSwitchWorld) -> None:
    log = EventLog()
    driver = freeswitch_world.driver(password="wrong")
    await driver.start(log)
    lost = await log.until(LinkLost)
    assert "refused the login" in lost.reason
    assert "password" in lost.reason
    with pytest.raises(LinkDown):
        await driver.snapshot()
    await driver.stop()
    assert len(log.all(LinkLost)) == 1


async def test_a_dead_link_is_noticed_within_five_seconds(freeswitch_world: FreeSwitchWorld) -> None:
    world = freeswitch_world
    channel, _ = await customer_is_served(world)
    world.proxy.stall()
    with pytest.raises((DeadlineExceeded, LinkDown)):
        await world.switch.execute(Music(channel, on=True), deadline=0.5)
    await world.log.until(LinkLost, deadline=5.0)
    since = world.log.mark()
    await world.proxy.cut()
    await world.proxy.restore()
    await world.log.until(LinkUp, since=since, deadline=5.0)
    assert [c.channel for c in (await world.switch.snapshot()).channels] == [channel]


async def test_a_link_lost_while_dialling_never_dials_a_second_time(freeswitch_world: FreeSwitchWorld) -> None:
    world = freeswitch_world
    await world.register("1001")
    phone = await world.phone("1001")
    world.proxy.stall()
    dialling = asyncio.create_task(world.switch.execute(Originate(new_channel(), DeviceTarget("1001"), "8000")))
    await asyncio.sleep(0)
    await world.proxy.cut()
    with pytest.raises(LinkDown):
        await dialling
    since = world.log.mark()
    await world.proxy.restore()
    await world.log.until(LinkUp, since=since)
    await world.nothing_rings("1001")
    assert len(phone.incoming()) == 0


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
    (shown,) = (await world.switch.snapshot()).channels
    assert (shown.caller_name, shown.caller_number) == (name, "13800138000")
    await world.switch.execute(Answer(channel))
    await line.talking()
    line.hangup()
    await world.log.until(ChannelHungUp, channel=channel)
    told = [type(e) for e in world.log.events if not isinstance(e, TrunkChanged)]
    assert told == [LinkUp, ChannelOffered, ChannelAnswered, ChannelHungUp]


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


async def test_a_browser_that_goes_away_is_unregistered(freeswitch_world: FreeSwitchWorld) -> None:
    world = freeswitch_world
    settings = world.asterisk.switch
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.sip_ws_port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    answer = await _ws_register(reader, writer, 1, [])
    login = sip.digest(
        answer.get("www-authenticate"), "REGISTER", "sip:127.0.0.1", "1001-web", world.asterisk.passwords["1001-web"]
    )
    answer = await _ws_register(reader, writer, 2, [("Authorization", login)])
    assert answer.status == 200
    await world.log.until(DeviceRegistered, device="1001-web", registered=True)
    assert (await world.switch.snapshot()).devices["1001-web"]
    writer.transport.abort()
    await world.log.until(DeviceRegistered, device="1001-web", registered=False, deadline=10.0)


async def test_commands_are_quick(freeswitch_world: FreeSwitchWorld, record_property: pytest.RecordProperty) -> None:
    """Not a benchmark: a guard. FreeSWITCH needs two turns of 20 ms to join two channels."""
    world = freeswitch_world
    await world.register("1001")
    phone = await world.phone("1001")
    ringing, answering, joining = [], [], []
    for turn in range(15):
        since = world.log.mark()
        line = await world.call_in("8000", "1", "")
        customer = (await world.log.until(ChannelOffered, since=since)).channel
        begun = time.monotonic()
        await world.switch.execute(Answer(customer))
        await world.log.until(ChannelAnswered, channel=customer)
        answering.append(time.monotonic() - begun)
        agent = new_channel()
        begun = time.monotonic()
        await world.switch.execute(Originate(agent, DeviceTarget("1001"), "8000"))
        call = await phone.rings(count=turn + 1)
        ringing.append(call.at - begun)
        call.answer()
        await world.log.until(ChannelAnswered, channel=agent)
        begun = time.monotonic()
        await world.switch.execute(Bridge(customer, agent))
        await world.log.until(ChannelBridged, since=since, channel=customer)
        joining.append(time.monotonic() - begun)
        for channel in (agent, customer):
            await world.switch.execute(Hangup(channel))
            await world.log.until(ChannelHungUp, channel=channel)
        await line.ended()
    for name, times, most in (
        ("originate to INVITE", ringing, 0.02),
        ("answer", answering, 0.06),
        ("bridge", joining, 0.15),
    ):
        shown = [round(t * 1000, 1) for t in sorted(times)]
        record_property(name, shown)
        print(name, shown)
        assert statistics.median(times) < most, f"{name}: {shown} ms"
