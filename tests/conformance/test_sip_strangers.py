"""What a SIP client that keeps no rules must not be able to do to us, on every real switch: nothing is dialled that we
did not ask for, nobody is taken for somebody else, and what is written is shown and not carried out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import Answer, DeviceTarget, Hangup, Originate, Target, TrunkTarget
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelOffered,
    ChannelRinging,
    DeviceRegistered,
    LinkUp,
    TrunkChanged,
)
from tests.conformance.asterisk_rig import AsteriskLeg, AsteriskWorld
from tests.conformance.world import AGENT_HERTZ, CUSTOMER_HERTZ, TRUNK, new_channel, they_talk
from tests.e2e.rig.sipp import SIPP, Sipp
from tests.fakes import sip
from tests.fakes.phone import HOST, SipPhone
from tests.fakes.stranger import Stranger

CR_LF = "%0d%0a"
FORGED = f"x{CR_LF}Unique-ID: forged{CR_LF}Event-Name: FORGED{CR_LF}{CR_LF}"
REFUSED = range(400, 700)
AUDIO = sip.sdp(HOST, 40_000)


@pytest.fixture
def world(sip_world: AsteriskWorld) -> AsteriskWorld:
    return sip_world


@pytest.fixture
async def elsewhere(world: AsteriskWorld) -> AsyncIterator[Stranger]:
    """Somebody whom nobody of us ever dials."""
    async with Stranger(world.outside.server) as found:
        yield found


def password(world: AsteriskWorld, device: str) -> tuple[str, str]:
    return device, world.asterisk.passwords[device]


async def served(world: AsteriskWorld, number: str = "13800138000") -> None:
    """A customer who comes now is."""
    line = await world.call_in("8000", number)
    channel = (await world.log.until(ChannelOffered, caller_number=number)).channel
    await world.switch.execute(Answer(channel))
    await line.talking()
    await world.switch.execute(Hangup(channel))
    await line.ended()
    await world.log.until(ChannelHungUp, channel=channel)


# ---------------------------------------------------------------- who dials


@pytest.mark.parametrize("user", ["13900000000", "8000", f"8000{CR_LF}x"])
@pytest.mark.parametrize("target", [DeviceTarget("1001"), TrunkTarget(TRUNK, "13911112222")], ids=["phone", "trunk"])
async def test_who_redirects_a_call_dials_nobody(
    world: AsteriskWorld, elsewhere: Stranger, target: Target, user: str
) -> None:
    """302 to a carrier, to a service number, with line ends: nobody is called but who was."""
    if isinstance(target, DeviceTarget):
        await world.register(target.device)
    far = await world.phone("1001") if isinstance(target, DeviceTarget) else world.outside
    channel = new_channel()
    await world.switch.execute(Originate(channel, target, "13800000001"))
    call = await far.rings()
    assert call.invite is not None
    contact = ("Contact", f"<sip:{user}@{HOST}:{elsewhere.port}>")
    far.send(sip.reply(call.invite, "302 Moved Temporarily", call.tag, [contact]))
    await served(world)
    await world.switch.execute(Hangup(channel))
    await world.log.until(ChannelHungUp, channel=channel)
    call.ended()
    assert elsewhere.rung() == []
    assert len(world.log.all(ChannelOffered)) == 1, "but for the customer after that nobody called"


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:13900000000@127.0.0.1:{elsewhere}>",
        "<sip:1001@127.0.0.1:{own};fs_path=sip%3A139%40127.0.0.1%3A{elsewhere}>",
        "<sip:1001@127.0.0.1:{own};fs_nat=yes;fs_path=sip%3A1001%40127.0.0.1%3A{elsewhere}>",
        "<sip:1001@127.0.0.1:{own}?Route=%3Csip%3A127.0.0.1%3A{elsewhere}%3Blr%3E>",
        "<sip:1001@127.0.0.2:{elsewhere};maddr=127.0.0.1>",
        "<sip:1001@127.0.0.1:{own};maddr=127.0.0.2>",
        "<sip:1001@127.0.0.2:{elsewhere};m%61ddr=127.0.0.1>",
        "<sip:a,1002,b@127.0.0.1:{own}>",
        '"a|b\\"c" <sip:1001@127.0.0.1:{own};x=1>;a="b|c"',
    ],
    ids=["host", "path", "nat path", "route", "maddr", "maddr beside", "maddr escaped", "names", "text"],
)
async def test_a_phone_is_rung_where_it_registered_and_nowhere_else(
    world: AsteriskWorld, stranger: Stranger, elsewhere: Stranger, contact: str
) -> None:
    """Its contact is its own text: it could name a carrier that trusts our address. Nor at once, before any event."""
    await world.register("1002")
    written = contact.format(own=stranger.port, elsewhere=elsewhere.port)
    register = partial(stranger.ask, "REGISTER", "1001", sender=f"<sip:1001@{HOST}>", login=password(world, "1001"))
    async with Stranger(world.outside.server, at=("127.0.0.2", stranger.port)) as beside:
        assert (await register(contact=written, extra=(("Expires", "60"),))).status == 200
        channel = new_channel()
        try:
            await world.switch.execute(Originate(channel, DeviceTarget("1001"), "13800000001", ring_timeout=5))
        except CommandRefused:
            await served(world)
        else:
            await served(world)
            for invite in stranger.rung()[:1]:
                stranger.send(sip.reply(invite, "486 Busy Here", "t"))
            await world.switch.execute(Hangup(channel))
            await world.log.until(ChannelHungUp, channel=channel)
        assert elsewhere.rung() + beside.rung() == []
        assert (await world.phone("1002")).incoming() == []
    await register(contact="*", extra=(("Expires", "0"),))
    await world.log.until_true(lambda: not registered(world), what="1001 not registered")


def registered(world: AsteriskWorld) -> bool:
    """As far as its events say."""
    told = world.log.all(DeviceRegistered, device="1001")
    return bool(told) and told[-1].registered


async def test_nobody_can_transfer_by_himself(world: AsteriskWorld, elsewhere: Stranger) -> None:
    (_, customer), (_, phone) = await they_talk(world)
    since = world.log.mark()
    for leg in (customer, phone):
        assert isinstance(leg, AsteriskLeg)
        for to in (f"8000@{HOST}:{world.outside.server}", f"139@{HOST}:{elsewhere.port}", "8000@x?Replaces=a"):
            leg.call.request("REFER", [("Refer-To", f"<sip:{to}>"), ("Referred-By", f"<sip:1001@{HOST}>")])
    await customer.hears(AGENT_HERTZ)
    await phone.hears(CUSTOMER_HERTZ)
    assert [e for e in world.log.events[since:] if not isinstance(e, TrunkChanged)] == []
    assert elsewhere.got == []


# ---------------------------------------------------------------- who is who


@pytest.mark.parametrize("user", ["1001", "8000", "nobody"])
async def test_no_request_without_a_password_changes_anything(
    world: AsteriskWorld, stranger: Stranger, elsewhere: Stranger, user: str
) -> None:
    extra = (("Event", "presence"), ("Refer-To", f"<sip:139@{HOST}:{elsewhere.port}>"), ("Expires", "60"))
    for method in ("REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE", "REFER", "INFO", "NOTIFY", "UPDATE", "FOO"):
        for sender in (f"<sip:{user}@{HOST}>", "<sip:1001@callyard>"):
            stranger.tell(method, user, sender=sender, extra=extra)
    await served(world)
    snapshot = await world.switch.snapshot()
    assert (snapshot.channels, any(snapshot.devices.values())) == ((), False)
    told = [type(e) for e in world.log.events if not isinstance(e, TrunkChanged)]
    assert told == [LinkUp, ChannelOffered, ChannelAnswered, ChannelHungUp]
    assert elsewhere.got == []
    assert {message.status for message in stranger.got} <= {200, *REFUSED}


@pytest.mark.parametrize("user", ["1001", "1002"])
async def test_one_agents_password_is_good_for_no_other(world: AsteriskWorld, stranger: Stranger, user: str) -> None:
    """As a registration never; as a call it is the phone of the password that calls, whatever From says."""
    sender = f"<sip:{user}@{HOST}>"
    other = "1002" if user == "1001" else "1001"
    for to in ("1001", "1002"):
        answer = await stranger.ask("REGISTER", to, sender=sender, login=password(world, other))
        assert answer.status in REFUSED or to == other
    for device, registered in (await world.switch.snapshot()).devices.items():
        assert not registered or device == other
    calling = asyncio.create_task(stranger.ask("INVITE", sender=sender, body=AUDIO, login=password(world, other)))
    offering = asyncio.create_task(world.log.until(ChannelOffered))
    await asyncio.wait([calling, offering], return_when=asyncio.FIRST_COMPLETED)
    offering.cancel()
    offered = world.log.all(ChannelOffered)
    assert [(o.device, o.trunk) for o in offered] in ([], [(other, "")])
    for one in offered:
        await world.switch.execute(Hangup(one.channel))
    assert (await calling).status in REFUSED
    await stranger.ask(
        "REGISTER",
        other,
        sender=f"<sip:{other}@{HOST}>",
        contact="*",
        extra=(("Expires", "0"),),
        login=password(world, other),
    )


@pytest.mark.parametrize("user", ["1001", "1001-web"])
async def test_guessing_a_password_gets_nowhere(world: AsteriskWorld, stranger: Stranger, user: str) -> None:
    """Forty guesses: each is refused, and calls are served meanwhile."""
    for guess in range(40):
        for method in ("REGISTER", "INVITE"):
            login = (user, f"guess{guess}")
            body = AUDIO if method == "INVITE" else ""
            answer = await stranger.ask(method, user, sender=f"<sip:{user}@{HOST}>", body=body, login=login)
            assert answer.status in REFUSED
    assert world.log.all(ChannelOffered) == []
    assert not any((await world.switch.snapshot()).devices.values())
    await served(world)


@pytest.mark.parametrize("number", ["*72", "*98", "**", "#", "1002", "9999999"])
async def test_no_code_dialled_at_a_phone_does_anything_by_itself(world: AsteriskWorld, number: str) -> None:
    """Feature codes, other phones, any digits: they are offered to us, unanswered, and wait."""
    await world.register("1001")
    await world.register("1002")
    call = await (await world.phone("1001")).call(number)
    offered = await world.log.until(ChannelOffered)
    assert (offered.device, offered.trunk, offered.dialed) == ("1001", "", number)
    assert (await world.phone("1002")).incoming() == []
    assert world.outside.incoming() == []
    assert call.state == "calling"
    await world.switch.execute(Hangup(offered.channel))
    await call.until("ended")


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize(
    "number",
    [
        f"138{FORGED}".replace(" ", "%20"),
        "138${system(id)}",
        "1|2,3{x}",
        "138%00x",
        "1" * 300,
        "138'x$1",
        "%31%30%30%31",
    ],
)
async def test_a_callers_number_can_always_be_shown_and_sent_on(world: AsteriskWorld, number: str) -> None:
    """It makes no event, and a phone can be rung with it."""
    call = await world.outside.call("8000", shown=number)
    await served(world, "13900000001")
    offered = [o for o in world.log.all(ChannelOffered) if o.caller_number != "13900000001"]
    if not offered:  # no SIP message any more
        call.ended()
        return
    (one,) = offered
    assert (one.device, one.trunk, one.dialed) == ("", TRUNK, "8000")
    (shown,) = (await world.switch.snapshot()).channels
    assert (shown.channel, shown.caller_number) == (one.channel, one.caller_number)
    await world.register("1001")
    channel = new_channel()
    await world.switch.execute(Originate(channel, DeviceTarget("1001"), one.caller_number, number))
    await world.rings("1001")
    for each in (channel, one.channel):
        await world.switch.execute(Hangup(each))
        await world.log.until(ChannelHungUp, channel=each)
    assert len(world.log.all(ChannelOffered)) == 2


@pytest.mark.parametrize("name", [FORGED, "x%0aX-Forged: 1%0a%0a", "x\u2028y\u0085", '\\" <sip:1@x>', "50%41"])
async def test_a_callers_name_makes_no_header_at_a_phone(world: AsteriskWorld, name: str) -> None:
    """What the phone is sent has the lines that every call has, and its answer is understood."""
    await world.register("1001")
    lines = []
    for shown in ("Plain", name):
        channel = new_channel()
        await world.switch.execute(Originate(channel, DeviceTarget("1001"), "13800138000", shown))
        rings = await world.rings("1001")
        assert isinstance(rings, AsteriskLeg)
        assert rings.call.invite is not None
        await world.log.until(ChannelRinging, channel=channel)
        lines.append([header for header, _ in rings.call.invite.headers])
        assert "13800138000" in rings.call.invite.get("from")
        await world.switch.execute(Hangup(channel))
        await world.log.until(ChannelHungUp, channel=channel)
    assert lines[0] == lines[1]


@pytest.mark.parametrize("size", [10_000, 60_000])
async def test_a_header_without_end_is_refused_or_cut(world: AsteriskWorld, size: int) -> None:
    call = await world.outside.call("8000", name="A" * size, shown="13800138000")
    await served(world, "13900000001")
    for offered in world.log.all(ChannelOffered):
        assert offered.dialed == "8000"
        await world.switch.execute(Hangup(offered.channel))
        await world.log.until(ChannelHungUp, channel=offered.channel)
    if call.state == "calling":
        call.hangup()  # it may be offered yet
    call.ended()


async def test_requests_in_a_call_do_nothing_to_others(world: AsteriskWorld) -> None:
    """Each side sends what its own phone has no business with; both are still there and ours."""
    (customer, line), (agent, phone) = await they_talk(world)
    headers = [
        [("Event", "talk")],
        [("Event", "refer"), ("Content-Type", "message/sipfrag")],
        [("Record", "on"), ("X-ClientCode", "x")],
        [("Content-Type", "message/update_display")],
        [("Event", "dialog"), ("Replaces", "a;to-tag=b;from-tag=c")],
    ]
    for leg in (line, phone):
        assert isinstance(leg, AsteriskLeg)
        for method in ("INFO", "NOTIFY", "MESSAGE", "UPDATE", "SUBSCRIBE", "PUBLISH", "FOO"):
            for extra in headers:
                leg.call.request(method, [*extra, ("X-Header", "${system(id)}|a,b{c}")])
    await served(world, "13900000001")
    channels = {c.channel: c for c in (await world.switch.snapshot()).channels}
    assert channels.keys() == {customer, agent}
    assert all(c.controlled or c.peer for c in channels.values())
    assert channels[customer].caller_number == "13800138000"
    for channel in (customer, agent):
        assert world.log.all(ChannelHungUp, channel=channel) == []
        await world.switch.execute(Hangup(channel))
        await world.log.until(ChannelHungUp, channel=channel)


BROKEN = (
    "INVITE sip:8000@[remote_ip] SIP/2.0\nVia: SIP/2.0/UDP [local_ip]:9;branch=[branch]\nCall-ID: [call_id]",
    "INVITE sip:[remote_ip] x SIP/2.0\nVia: SIP/2.0/UDP\nFrom: <sip:x>;tag=\nTo: <\nCall-ID: [call_id]\nCSeq: 1 INVITE",
    "INVITE sip:8000@[remote_ip] SIP/9.9\nVia: [local_ip]\nFrom: \nTo: \nCall-ID: [call_id]\nCSeq: x INVITE",
    "REGISTER\nCall-ID: [call_id]\nCSeq: 99999999999 REGISTER\nContact: <<<>>>\nExpires: -1",
    "BYE sip:8000@[remote_ip] SIP/2.0\nVia: SIP/2.0/UDP [local_ip]:99999\nCall-ID: [call_id]\nCSeq: -1 CANCEL",
    "SIP/2.0 699\nVia: SIP/2.0/UDP [remote_ip]:[remote_port];branch=x\nCall-ID: [call_id]\nCSeq: 1 INVITE",
)


async def test_broken_messages_of_sipp_take_nothing_from_honest_callers(world: AsteriskWorld, tmp_path: Path) -> None:
    """Thirty rounds of them; a call that talks goes on and the next one is served."""
    if not SIPP:
        pytest.skip("NOT RUN: sipp is not installed (apt install sip-tester)")
    (_, customer), (_, phone) = await they_talk(world)
    body = "Content-Type: application/sdp\n\nv=0\nm=audio 99999 x"
    sends = "".join(
        f"<send><![CDATA[\n{text}\nContent-Length: {length}\n{body}\n]]></send>"
        for text in BROKEN
        for length in ("-5", "99999", "0")
    )
    scenario = f'<?xml version="1.0"?>\n<scenario name="broken">\n{sends}\n</scenario>\n'
    target = f"{HOST}:{world.outside.server}"
    with Sipp(tmp_path, "broken", scenario, target, ["-m", "30", "-r", "30", "-default_behaviors", "none"]) as sipp:
        assert await asyncio.to_thread(sipp.wait, 20) in (0, 1), sipp.errors()
        assert len([m for m in sipp.messages() if m.sent]) >= 30 * len(BROKEN)
    await served(world, "13900000001")
    await customer.hears(AGENT_HERTZ)
    await phone.hears(CUSTOMER_HERTZ)
    assert len(world.log.all(ChannelOffered)) == 2


async def test_spam_takes_nothing_from_honest_callers(world: AsteriskWorld) -> None:
    """Two hundred requests of every kind from ten ports without waiting for an answer; then a customer calls."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(10)]
    try:
        for n in range(200):
            method = ("SUBSCRIBE", "PUBLISH", "MESSAGE", "REGISTER", "OPTIONS")[n % 5]
            head = [
                ("Via", f"SIP/2.0/UDP {HOST}:{sockets[n % 10].getsockname()[1]};branch=z9hG4bKspam{n};rport"),
                ("Max-Forwards", "70"),
                ("From", f"<sip:1001@{HOST}>;tag={n}"),
                ("To", f"<sip:{1000 + n % 5}@{HOST}>"),
                ("Call-ID", f"spam-{n}"),
                ("CSeq", f"1 {method}"),
                ("Contact", f"<sip:1001@{HOST}:9>"),
                ("Event", "message-summary"),
                ("Expires", "3600"),
            ]
            sockets[n % 10].sendto(sip.build(f"{method} sip:1001@{HOST} SIP/2.0", head), (HOST, world.outside.server))
        await served(world)
    finally:
        for one in sockets:
            one.close()


async def test_a_phone_of_ours_is_still_what_it_was(world: AsteriskWorld) -> None:
    """The counter-check: with its own password and contact it registers, is rung and answers."""
    await they_talk(world)
    async with SipPhone("1002", world.asterisk.passwords["1002"], server=world.outside.server) as phone:
        await phone.register()
        await phone.register(0)
