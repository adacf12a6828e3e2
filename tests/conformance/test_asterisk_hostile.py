"""What a stranger's SIP must not be able to do to us through a real Asterisk."""

from __future__ import annotations

import asyncio
import base64
import os

import pytest

from cti.domain.switch.commands import DeviceTarget, Hangup, Originate
from cti.domain.switch.events import ChannelAnswered, ChannelHungUp, ChannelOffered
from tests.conformance.asterisk_rig import AsteriskWorld
from tests.conformance.world import new_channel
from tests.fakes import sip
from tests.fakes.phone import SipPhone

FORGED = (
    "\r\nX: \r\n\r\nEvent: AsyncAGIStart\r\nContext: callyard-agent\r\nChannel: PJSIP/1001-00000001\r\n"
    "Uniqueid: forged\r\nExten: 13900000000\r\nX: "
)
HOSTILE = "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in FORGED)


async def test_line_ends_in_a_callers_number_make_no_events(asterisk_world: AsteriskWorld) -> None:
    world = asterisk_world
    call = await world.outside.call("8000", shown=f"138{HOSTILE}")
    first = await world.log.until(ChannelOffered)
    call.hangup()
    await world.log.until(ChannelHungUp, channel=first.channel)
    assert [(e.device, e.dialed) for e in world.log.all(ChannelOffered)] == [("", "8000")]
    assert first.caller_number.startswith("138")


@pytest.mark.parametrize(
    ("written", "name", "number"),
    [
        ("Bob Demo <sip:+8613800138000@x.invalid>", "Bob Demo", "+8613800138000"),
        ('"张三, <demo>" <sip:%2b86138@x.invalid:5070;user=phone>', "张三, <demo>", "+86138"),
        ("sip:13800138000@x.invalid;user=phone", "", "13800138000"),
        ('"13,8" <sip:x.invalid>', "13,8", ""),
        ('"${CALLERID(num)}" <sip:13800138000@x.invalid>', "${CALLERID(num)}", "13800138000"),
    ],
)
async def test_name_and_number_are_what_from_says(
    asterisk_world: AsteriskWorld, written: str, name: str, number: str
) -> None:
    world = asterisk_world
    outside = world.outside
    head = [
        ("Via", f"SIP/2.0/UDP 127.0.0.1:{outside.port};branch=z9hG4bK{os.urandom(6).hex()};rport"),
        ("Max-Forwards", "70"),
        ("From", f"{written};tag=w"),
        ("To", "<sip:8000@127.0.0.1>"),
        ("Call-ID", os.urandom(6).hex()),
        ("CSeq", "1 INVITE"),
        ("Contact", f"<sip:outside@127.0.0.1:{outside.port}>"),
    ]
    outside.send(sip.build("INVITE sip:8000@127.0.0.1 SIP/2.0", head, sip.sdp("127.0.0.1", 40000)))
    offered = await world.log.until(ChannelOffered)
    assert (offered.caller_name, offered.caller_number) == (name, number)
    await world.switch.execute(Hangup(offered.channel))
    await world.log.until(ChannelHungUp, channel=offered.channel)


@pytest.mark.parametrize("tail", [HOSTILE, "%0d%0aUniqueid%3a%20forged", "a", "%7b", "&x", ",x", "1" * 40])
async def test_a_dialled_number_that_is_none_is_not_found(asterisk_world: AsteriskWorld, tail: str) -> None:
    world = asterisk_world
    call = await world.outside.call(f"8000{tail}", shown="13800000001")
    await call.until("ended")
    assert call.status in (404, 484)
    assert world.log.all(ChannelOffered) == []


async def test_an_authenticated_phone_cannot_send_line_ends_either(asterisk_world: AsteriskWorld) -> None:
    world = asterisk_world
    await world.register("1001")
    call = await (await world.phone("1001")).call(f"8000{HOSTILE}")
    await call.until("ended")
    assert call.status == 404
    assert world.log.all(ChannelOffered) == []


async def test_a_websocket_without_a_login_is_no_trunk(asterisk_world: AsteriskWorld) -> None:
    """Behind a TLS proxy every browser comes from the address that belongs to the loopback trunk."""
    world = asterisk_world
    answer = await _invite_by_websocket(world.asterisk.switch.sip_ws_port)
    assert answer.status in (401, 403, 603)
    assert world.log.all(ChannelOffered) == []


async def _invite_by_websocket(port: int) -> sip.SipMessage:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    head = [
        ("Via", "SIP/2.0/WS x.invalid;branch=z9hG4bKstranger"),
        ("Max-Forwards", "70"),
        ("From", "<sip:stranger@127.0.0.1>;tag=w"),
        ("To", "<sip:8000@127.0.0.1>"),
        ("Call-ID", f"ws-{os.urandom(4).hex()}"),
        ("CSeq", "1 INVITE"),
        ("Contact", "<sip:stranger@x.invalid;transport=ws>"),
    ]
    data = sip.build("INVITE sip:8000@127.0.0.1 SIP/2.0", head, sip.sdp("127.0.0.1", 40000))
    writer.write(b"\x81" + bytes([0x80 | 126]) + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data)
    try:
        async with asyncio.timeout(5):
            while True:
                _, size = await reader.readexactly(2)
                length = size & 127
                if length == 126:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                message = sip.parse(await reader.readexactly(length)) if length else None
                if message is not None and message.status >= 200:
                    return message
    finally:
        writer.transport.abort()


REDIRECTS = ("PJSIP%2f13900000000%40trunk-t1", f"8000{HOSTILE}", "8000")


@pytest.mark.parametrize("user", REDIRECTS)
async def test_a_phone_that_redirects_dials_nothing_of_ours(asterisk_world: AsteriskWorld, user: str) -> None:
    """302 to the trunk, with line ends, to a service number: the same leg asks the same phone again, nobody else."""
    world = asterisk_world
    await world.register("1001")
    phone = await world.phone("1001")
    channel = new_channel()
    async with SipPhone("elsewhere", server=world.asterisk.switch.sip_port) as elsewhere:
        await world.switch.execute(Originate(channel, DeviceTarget("1001"), "13800000001"))
        call = await phone.rings()
        assert call.invite is not None
        contact = ("Contact", f"<sip:{user}@127.0.0.1:{elsewhere.port}>")
        phone.send(sip.reply(call.invite, "302 Moved", call.tag, [contact]))
        await world.log.until(ChannelAnswered, channel=channel)
        await world.switch.execute(Hangup(channel))
        await world.log.until(ChannelHungUp, channel=channel)
        assert elsewhere.incoming() == []
    assert world.outside.incoming() == []
    assert world.log.all(ChannelOffered) == []
