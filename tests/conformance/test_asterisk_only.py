"""What only a real Asterisk has: its manager's logins, its websocket, its clocks; the contract is elsewhere."""

from __future__ import annotations

import asyncio
import base64
import os
import statistics
import time
from collections.abc import Callable

import pytest

from cti.domain.errors import DeadlineExceeded, LinkDown
from cti.domain.switch import (
    Answer,
    Bridge,
    ChannelAnswered,
    ChannelBridged,
    ChannelHungUp,
    DeviceRegistered,
    DeviceTarget,
    Hangup,
    LinkLost,
    LinkUp,
    Music,
    Originate,
    SendDigits,
)
from tests.conformance.asterisk_rig import AsteriskWorld
from tests.conformance.world import customer_is_served, new_channel, they_talk
from tests.fakes import sip
from tests.fakes.events import EventLog


async def test_a_wrong_secret_is_told_clearly_and_once(asterisk_world: AsteriskWorld) -> None:
    log = EventLog()
    driver = asterisk_world.driver(secret="wrong")
    await driver.start(log)
    lost = await log.until(LinkLost)
    assert "refused the login" in lost.reason
    assert "secret" in lost.reason
    with pytest.raises(LinkDown):
        await driver.snapshot()
    await driver.stop()
    assert len(log.all(LinkLost)) == 1


async def test_a_dead_link_is_noticed_within_five_seconds(asterisk_world: AsteriskWorld) -> None:
    world = asterisk_world
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


async def test_a_link_lost_while_dialling_never_dials_a_second_time(asterisk_world: AsteriskWorld) -> None:
    world = asterisk_world
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


async def test_digits_do_not_hold_up_other_commands(asterisk_world: AsteriskWorld) -> None:
    world = asterisk_world
    (customer, line), _ = await they_talk(world)
    sending = asyncio.create_task(world.switch.execute(SendDigits(customer, "123456")))
    await world.switch.snapshot()
    assert not sending.done()
    await sending
    await line.was_sent("123456")


async def test_a_browser_that_goes_away_is_unregistered_at_once(asterisk_world: AsteriskWorld) -> None:
    world = asterisk_world
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
    writer.transport.abort()
    await world.log.until(DeviceRegistered, device="1001-web", registered=False)


async def _ws_register(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cseq: int, extra: list[tuple[str, str]]
) -> sip.SipMessage:
    head = [
        ("Via", f"SIP/2.0/WS x.invalid;branch=z9hG4bK{cseq}"),
        ("Max-Forwards", "70"),
        ("From", "<sip:1001-web@127.0.0.1>;tag=w"),
        ("To", "<sip:1001-web@127.0.0.1>"),
        ("Call-ID", "ws-test"),
        ("CSeq", f"{cseq} REGISTER"),
        ("Contact", "<sip:1001-web@x.invalid;transport=ws>"),
        ("Expires", "60"),
    ]
    writer.write(_masked(sip.build("REGISTER sip:127.0.0.1 SIP/2.0", [*head, *extra])))
    while True:
        async with asyncio.timeout(5):
            first, size = await reader.readexactly(2)
            length = size & 127
            if length == 126:
                length = int.from_bytes(await reader.readexactly(2), "big")
            message = sip.parse(await reader.readexactly(length)) if length else None
        if first & 15 == 1 and message is not None and message.status >= 200:
            return message


def _masked(data: bytes) -> bytes:
    """One text frame from a client, with a mask of zeros."""
    return b"\x81" + bytes([0x80 | 126]) + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data


async def test_commands_are_quick(
    asterisk_world: AsteriskWorld, record_property: Callable[[str, object], None]
) -> None:
    """Not a benchmark: a guard against waits of 20 and 100 ms, which Asterisk's AGI loop has when it is not woken."""
    world = asterisk_world
    await world.register("1001")
    phone = await world.phone("1001")
    ringing, answering, joining = [], [], []
    for turn in range(15):
        line = await world.call_in("8000", "1", "")
        since = world.log.mark()
        await world.log.until_true(lambda: bool(world.switch.channels), what="a call")
        customer = next(iter(world.switch.channels))
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
    for name, times in (("originate to INVITE", ringing), ("answer", answering), ("bridge", joining)):
        record_property(name, [round(t * 1000, 1) for t in sorted(times)])
        assert statistics.median(times) < 0.5, f"{name}: {[round(t * 1000, 1) for t in sorted(times)]} ms"
