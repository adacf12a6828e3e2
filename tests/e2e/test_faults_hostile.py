"""What strangers send: names made to inject, and malformed SIP. Nothing crashes, is injected or lost."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.ledger import calls_of, finished_call

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
ORDERS_DID = "8001"
FLOOD_SECONDS, FLOOD_RATE = 15.0, 60

NAMES = {
    "escaped CR LF": b"x%0d%0aAction: Originate%0d%0aChannel: Local/8001@callyard-trunk%0d%0a",
    "folded header": b"x\r\n Action: Logoff\r\n Event: Hangup",
    "quotes": b"a\\\"b\\\\'c`d",
    "200 characters": b"A" * 200,
    "not UTF-8": b"\xff\xfe\x80\xc3\x28 x",
    "emoji": "王芳 🙂📞👩‍💻".encode(),
    "script": b"<script>alert(document.cookie)</script>",
    "dialplan": b"${SHELL(touch /tmp/callyard-owned)} ${EVAL(x)} ;#[global]",
    "AMI event": b"x%0aEvent: Hangup%0aUniqueid: 1%0a%0a",
    "ESL event": b"%0aUnique-ID: x%0aEvent-Name: FORGED",
    "percent sign": b"50%41",
    "FreeSWITCH variable": b"${system(touch /tmp/callyard-owned)} {origination_uuid=x}[y=z],a|b",
    "template": b"{{7*7}} %s %n ${jndi:ldap://x} '; DROP TABLE calls; --",
}
SHOWN_EXACTLY = ("emoji", "script", "ESL event", "percent sign", "FreeSWITCH variable")
DROPPED = {"asterisk": ("folded header",)}  # no SIP message for this switch: it drops it and serves the next


@pytest.mark.parametrize("kind", NAMES)
async def test_a_hostile_caller_name_is_only_a_name(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker, kind: str
) -> None:
    number = f"139000003{list(NAMES).index(kind):02d}"
    phone = await phones("1001")
    await centre.on_duty("1001")
    caller = await callers(number)
    call = await caller.dial(ORDERS_DID, CUSTOMER_TONE, name=NAMES[kind])
    if kind in DROPPED.get(centre.switch.name, ()):
        call = await caller.dial(ORDERS_DID, CUSTOMER_TONE, name=b"after that")
    leg = await phone.incoming(10)
    document = await centre.agent_is("1001", "alerting")
    shown = document["call"]["caller_name"]
    assert document["call"]["number"].endswith(number)
    assert not any(ord(c) < 32 or ord(c) == 127 for c in shown), repr(shown)
    if kind in SHOWN_EXACTLY:
        assert shown == NAMES[kind].decode().replace("\u200d", ""), "text is kept, but for invisible format characters"
    await leg.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    assert (await centre.floor())["calls"] == 1
    call.hangup()
    await leg.becomes("ended")
    row = await finished_call(centre, number)
    assert len(await calls_of(centre, number)) == 1
    assert row.ended_by == "customer"
    assert not any(ord(c) < 32 or ord(c) == 127 for c in row.ani_name)


async def test_malformed_sip_for_a_quarter_of_a_minute(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    one, two = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    before = {part: centre.pid(part) for part in (centre.switch.name, "engine", "worker", "web")}
    talking = await (await callers("13900000390")).dial(ORDERS_DID, CUSTOMER_TONE)
    leg = await one.incoming(10)
    await leg.answer(AGENT_TONE)
    await talking.hears(AGENT_TONE)
    flood = asyncio.create_task(_flood(centre.settings.sip_port))
    await centre.on_duty("1002")
    served = 0
    while not flood.done():
        number = f"139000004{served:02d}"
        call = await (await callers(number)).dial(ORDERS_DID, CUSTOMER_TONE)
        second = await two.incoming(15)
        await second.answer(AGENT_TONE)
        await call.hears(AGENT_TONE, 10)
        second.hangup()
        await call.becomes("ended", 10)
        served += 1
        await centre.agent_is("1002", "ready", deadline=10)
        await asyncio.sleep(2)
    assert await flood > FLOOD_SECONDS * FLOOD_RATE / 2
    await talking.hears(AGENT_TONE)
    await leg.hears(CUSTOMER_TONE)
    assert served >= 3
    talking.hangup()
    await leg.becomes("ended")
    assert {part: centre.pid(part) for part in before} == before
    for turn in range(served):
        row = await finished_call(centre, f"139000004{turn:02d}")
        assert [leg.kind for leg in row.legs] == ["customer", "agent"]


async def _flood(port: int) -> int:
    """Mutated SIP datagrams from a few ports; how many were sent. The seed is fixed: a failure can be repeated."""
    choose = random.Random(4711)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
    sent, end = 0, asyncio.get_running_loop().time() + FLOOD_SECONDS
    try:
        while asyncio.get_running_loop().time() < end:
            source = choose.choice(sockets)
            source.setblocking(False)
            try:
                source.sendto(_malformed(choose, sent), ("127.0.0.1", port))
            except BlockingIOError:
                pass
            sent += 1
            await asyncio.sleep(1 / FLOOD_RATE)
    finally:
        for each in sockets:
            each.close()
    return sent


def _malformed(choose: random.Random, n: int) -> bytes:
    method = choose.choice(
        ["INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL", "ACK", "NOTIFY", "FOO", "", "INVITE" * 50]
    )
    user = choose.choice(["1001", "8001", "", "%00", "x" * 3000, "1001;transport=ws", "'\"<>", "../..", "😀"])
    lines = [
        f"{method} sip:{user}@127.0.0.1 {choose.choice(['SIP/2.0', 'SIP/9.9', 'HTTP/1.1', ''])}",
        f"Via: SIP/2.0/{choose.choice(['UDP', 'TLS', 'XXX'])} 127.0.0.1:{choose.choice(['5', '99999', '-1', 'a'])};"
        f"branch={choose.choice(['z9hG4bK', ''])}{n};rport",
        f"From: {choose.choice(['<sip:x@y>', 'sip:', chr(34) * 3, '<sip:1001@127.0.0.1>;tag=', '<' * 99])};tag={n}",
        f"To: <sip:{user}@127.0.0.1>",
        f"Call-ID: {choose.choice([str(n), '', 'a' * 5000, 'same'])}",
        f"CSeq: {choose.choice(['1', '-1', '99999999999999', 'x'])} {choose.choice([method, 'INVITE', ''])}",
        f"Contact: {choose.choice(['<sip:a@127.0.0.1:1>', '*', '<', '<sip:' + 'b' * 2000 + '>'])}",
        f"Content-Length: {choose.choice(['0', '-5', '99999', 'NaN', ''])}",
        f"Content-Type: {choose.choice(['application/sdp', 'x/y', '', 'multipart/mixed;boundary='])}",
        f"Max-Forwards: {choose.choice(['70', '0', '-1', '1e9'])}",
        f"Expires: {choose.choice(['0', '-1', '4294967296'])}",
    ]
    choose.shuffle(lines) if choose.random() < 0.2 else None
    body = choose.choice(["", "v=0\r\nm=audio 99999 RTP/AVP 999\r\n", "v=0\r\n" * 200, "\x00" * 50])
    data = bytearray(("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "replace"))
    for _ in range(choose.randrange(0, 12)):
        data[choose.randrange(len(data))] = choose.randrange(256)
    return bytes(data[: choose.choice([len(data), len(data), len(data) // 2, 10, 60000])])[:8000]
