"""What every switch has that is led over a link of its own: its login, its death, browsers that go away."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator

import pytest

from cti.domain.errors import DeadlineExceeded, LinkDown
from cti.domain.switch.commands import DeviceTarget, Music, Originate, SendDigits
from cti.domain.switch.events import DeviceRegistered, LinkLost, LinkUp
from tests.conformance.asterisk_rig import AsteriskWorld
from tests.conformance.freeswitch_rig import FreeSwitchWorld
from tests.conformance.world import customer_is_served, new_channel, they_talk
from tests.fakes import sip
from tests.fakes.events import EventLog


@pytest.fixture(params=["asterisk", "freeswitch"])
async def linked(request: pytest.FixtureRequest) -> AsyncIterator[AsteriskWorld]:
    kind = {"asterisk": AsteriskWorld, "freeswitch": FreeSwitchWorld}[request.param]
    async with kind(request.getfixturevalue(request.param)) as world:
        yield world


async def test_a_wrong_secret_is_told_clearly_and_once(linked: AsteriskWorld) -> None:
    log = EventLog()
    driver = linked.driver(secret="wrong")
    await driver.start(log)
    lost = await log.until(LinkLost)
    assert "refused the login" in lost.reason
    assert "secret" in lost.reason or "password" in lost.reason
    with pytest.raises(LinkDown):
        await driver.snapshot()
    await driver.stop()
    assert len(log.all(LinkLost)) == 1


async def test_a_dead_link_is_noticed_within_five_seconds(linked: AsteriskWorld) -> None:
    channel, _ = await customer_is_served(linked)
    linked.proxy.stall()
    with pytest.raises((DeadlineExceeded, LinkDown)):
        await linked.switch.execute(Music(channel, on=True), deadline=0.5)
    await linked.log.until(LinkLost, deadline=5.0)
    since = linked.log.mark()
    await linked.proxy.cut()
    await linked.proxy.restore()
    await linked.log.until(LinkUp, since=since, deadline=5.0)
    assert [c.channel for c in (await linked.switch.snapshot()).channels] == [channel]


async def test_a_link_lost_while_dialling_never_dials_a_second_time(linked: AsteriskWorld) -> None:
    await linked.register("1001")
    phone = await linked.phone("1001")
    linked.proxy.stall()
    dialling = asyncio.create_task(linked.switch.execute(Originate(new_channel(), DeviceTarget("1001"), "8000")))
    await asyncio.sleep(0)
    await linked.proxy.cut()
    with pytest.raises(LinkDown):
        await dialling
    since = linked.log.mark()
    await linked.proxy.restore()
    await linked.log.until(LinkUp, since=since)
    await linked.nothing_rings("1001")
    assert len(phone.incoming()) == 0


async def test_digits_do_not_hold_up_other_commands_of_asterisk(asterisk_world: AsteriskWorld) -> None:
    (customer, line), _ = await they_talk(asterisk_world)
    sending = asyncio.create_task(asterisk_world.switch.execute(SendDigits(customer, "123456")))
    snapshot = await asterisk_world.switch.snapshot()
    assert not sending.done()
    assert snapshot.up_for is not None
    await sending
    await line.was_sent("123456")


async def test_a_browser_that_goes_away_is_unregistered_at_once(linked: AsteriskWorld) -> None:
    settings = linked.asterisk.switch
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.sip_ws_port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    answer = await _ws_register(reader, writer, 1, [])
    login = sip.digest(
        answer.get("www-authenticate"), "REGISTER", "sip:127.0.0.1", "1001-web", linked.asterisk.passwords["1001-web"]
    )
    answer = await _ws_register(reader, writer, 2, [("Authorization", login)])
    assert answer.status == 200
    await linked.log.until(DeviceRegistered, device="1001-web", registered=True)
    writer.transport.abort()
    await linked.log.until(DeviceRegistered, device="1001-web", registered=False)


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
