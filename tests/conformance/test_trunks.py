"""SIP trunks on the wire: what a carrier sees of us, and which of its calls we take."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator

import pytest

from cti.domain.switch.commands import Answer, Bridge, Hangup, Originate, TrunkTarget
from cti.domain.switch.events import ChannelAnswered, ChannelHungUp, ChannelOffered, TrunkChanged
from cti.domain.switch.terms import Cause, TrunkState
from tests.conformance import trunks
from tests.conformance.asterisk_rig import AsteriskWorld
from tests.conformance.conftest import not_run
from tests.conformance.freeswitch_rig import FreeSwitchWorld
from tests.conformance.world import new_channel
from tests.fakes.carrier import Carrier, expires
from tests.fakes.phone import PhoneCall
from tests.fakes.stream_peer import StreamPeer

REGISTERS_WITHIN = 40.0
GONE_WITHIN = 15.0
HOSTILE_TO = "8$%7bx%7d00%0d%0aX,1@carrier.example"


@pytest.fixture(params=["asterisk", "freeswitch"])
async def real(request: pytest.FixtureRequest) -> AsyncIterator[AsteriskWorld]:
    kind = AsteriskWorld if request.param == "asterisk" else FreeSwitchWorld
    async with kind(request.getfixturevalue(request.param)) as world:
        yield world


async def carrier(world: AsteriskWorld, host: str) -> Carrier:
    port = world.asterisk.outside_port
    one = Carrier(host, server=world.asterisk.switch.sip_port, port=port, user=trunks.AUTH_USER, password=trunks.SECRET)
    return await one.__aenter__()


@pytest.fixture
async def account(real: AsteriskWorld) -> AsyncIterator[Carrier]:
    """The carrier we register at."""
    one = await carrier(real, trunks.ACCOUNT_HOST)
    yield one
    await one.__aexit__()


@pytest.fixture
async def peer(real: AsteriskWorld) -> AsyncIterator[Carrier]:
    """The other side of the trunk that is known by its address."""
    one = await carrier(real, trunks.ADDRESS_HOST)
    yield one
    await one.__aexit__()


async def registered(world: AsteriskWorld, account: Carrier) -> None:
    """Now, and not when the switch tries again by itself."""
    mark = world.log.mark()
    world.register_trunk(trunks.ACCOUNT)
    await account.until(lambda: bool(account.contact), "registered", REGISTERS_WITHIN)
    if (await world.switch.snapshot()).trunks[trunks.ACCOUNT] is not TrunkState.UP:
        await world.log.until(TrunkChanged, trunk=trunks.ACCOUNT, state=TrunkState.UP, since=mark)


async def calls_out(
    world: AsteriskWorld, to: Carrier, trunk: str, number: str, shown: str, hidden: bool = False
) -> PhoneCall:
    channel, before = new_channel(), len(to.incoming())
    await world.switch.execute(Originate(channel, TrunkTarget(trunk, number, hidden), shown, "张三 Centre"))
    call = await to.rings(index=before, count=before + 1)
    await world.switch.execute(Hangup(channel))
    await call.until("ended")
    await world.log.until(ChannelHungUp, channel=channel)
    return call


def codecs(call: PhoneCall) -> list[str]:
    assert call.invite is not None
    return re.findall(r"a=rtpmap:\d+ (PCM[AU]|G722)/", call.invite.body)


def user(header: str) -> str:
    found = re.search(r"sip:([^@>;]*)", header)
    return found[1] if found else ""


async def test_it_registers_with_a_password(real: AsteriskWorld, account: Carrier) -> None:
    await registered(real, account)
    asked = account.registration
    assert asked is not None
    assert user(asked.get("to")) == trunks.USER
    assert f'username="{trunks.AUTH_USER}"' in asked.get("authorization")
    assert expires(asked) == 120


async def test_a_call_out_by_the_account(real: AsteriskWorld, account: Carrier) -> None:
    await registered(real, account)
    call = await calls_out(real, account, trunks.ACCOUNT, "17909013800138000", "02160000000")
    assert call.invite is not None
    assert re.match(r"INVITE sip:17909013800138000@127\.0\.0\.2", call.invite.start)
    assert user(call.invite.get("from")) == trunks.USER
    assert f"@{trunks.ACCOUNT_HOST}" in call.invite.get("from")
    assert user(call.invite.get("p-asserted-identity")) == "02160000000"
    assert codecs(call) == ["PCMA", "PCMU"]


async def test_a_call_out_by_address(real: AsteriskWorld, peer: Carrier) -> None:
    call = await calls_out(real, peer, trunks.BY_ADDRESS, "+8613800138000", "02160000000")
    assert call.invite is not None
    assert user(call.invite.start) == "+8613800138000"
    assert user(call.invite.get("from")) == "02160000000"
    assert user(call.invite.get("p-asserted-identity")) == "02160000000"
    assert codecs(call) == ["PCMU"]
    assert call.invite.get("privacy") in ("", "none")


async def test_a_hidden_number_is_for_the_carrier_only(real: AsteriskWorld, peer: Carrier) -> None:
    call = await calls_out(real, peer, trunks.BY_ADDRESS, "13800138000", "02160000000", hidden=True)
    assert call.invite is not None
    assert "02160000000" not in call.invite.get("from")
    assert "张三" not in call.invite.get("from")
    assert "anonymous" in call.invite.get("from").lower()
    assert user(call.invite.get("p-asserted-identity")) == "02160000000"
    assert "id" in call.invite.get("privacy")


async def test_a_carrier_that_wants_provisional_answers_acknowledged(real: AsteriskWorld, peer: Carrier) -> None:
    """Both ways (RFC 3262), the call out with sound before the answer; then the two hear each other. One that knows
    nothing of it is answered with sound all the same."""
    peer.reliable, out = True, new_channel()
    await real.switch.execute(Originate(out, TrunkTarget(trunks.BY_ADDRESS, "13800138000"), "8000"))
    called = await (await peer.rings()).until("talking")
    await real.log.until(ChannelAnswered, channel=out)
    caller, channel = await answered(real, peer)
    told = [answer for answer in peer.heard if answer.call_id == caller.call_id and 100 < answer.status < 200]
    assert all(answer.get("rseq") for answer in told)
    assert {answer.status for answer in peer.acknowledged} <= {0, 200}
    await real.switch.execute(Bridge(channel, out))
    caller.say(1100)
    await called.say(700).hears(1100)
    await caller.hears(700)
    caller.hangup()
    called.hangup()
    peer.reliable = False
    plain, _ = await answered(real, peer)
    (ok,) = (answer for answer in peer.heard if answer.call_id == plain.call_id and answer.status == 200)
    assert ok.rtp_address is not None
    plain.hangup()


async def answered(world: AsteriskWorld, by: Carrier) -> tuple[PhoneCall, str]:
    """A call of the carrier's to us."""
    mark = world.log.mark()
    call = await by.call("4711", shown="13900139000")
    offered = await world.log.until(ChannelOffered, since=mark)
    await world.switch.execute(Answer(offered.channel))
    await call.until("talking")
    await world.log.until(ChannelAnswered, channel=offered.channel)
    return call, offered.channel


async def test_the_number_dialled_is_read_in_to(real: AsteriskWorld, account: Carrier) -> None:
    """And nothing but digits comes out of it."""
    await registered(real, account)
    number = user(account.contact)
    for to, dialled in (("62160001@carrier.example;user=phone", "62160001"), (HOSTILE_TO, r"[0-9*#+]+|s")):
        mark = real.log.mark()
        call = await account.call(number, shown="13900139000", to=f"sip:{to}")
        offered = await real.log.until(ChannelOffered, since=mark)
        assert (offered.trunk, offered.caller_number) == (trunks.ACCOUNT, "13900139000")
        assert re.fullmatch(dialled, offered.dialed)
        call.hangup()
        await call.until("ended")


async def test_the_number_dialled_is_fixed(real: AsteriskWorld, peer: Carrier) -> None:
    call = await peer.call("4711", shown="13900139000")
    offered = await real.log.until(ChannelOffered)
    assert (offered.dialed, offered.trunk) == (trunks.FIXED, trunks.BY_ADDRESS)
    call.hangup()
    await call.until("ended")


async def test_a_call_from_another_address_is_refused(real: AsteriskWorld) -> None:
    stranger = await carrier(real, trunks.STRANGER_HOST)
    mark = real.log.mark()
    call = await stranger.call(trunks.USER, shown=trunks.USER)
    await call.until("ended", 10.0)
    assert call.status in (401, 403, 407)
    known = await carrier(real, trunks.ADDRESS_HOST)
    good = await known.call("4711", shown="13900139001")
    offered = await real.log.until(ChannelOffered, since=mark)
    assert offered.caller_number == "13900139001"
    good.hangup()
    await good.until("ended")
    await stranger.__aexit__()
    await known.__aexit__()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Of a TLS server."""
    folder, program = tmp_path_factory.mktemp("tls"), shutil.which("openssl")
    if program is None:
        not_run("TLS", "openssl is missing: apt-get install openssl")
    key, own = str(folder / "key.pem"), str(folder / "own.pem")
    asked = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=carrier.example"]
    subprocess.run([str(program), *asked, "-keyout", key, "-out", own], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    return context


@pytest.mark.parametrize("kind", ["tcp", "tls"])
async def test_a_call_out_over_a_stream(real: AsteriskWorld, certificate: ssl.SSLContext, kind: str) -> None:
    channel, tls = new_channel(), certificate if kind == "tls" else None
    async with StreamPeer(trunks.STREAMS[kind], real.asterisk.outside_port, tls) as far:
        await real.switch.execute(Originate(channel, TrunkTarget(kind, "13800138000"), "8000"))
        invite = await far.hears("INVITE")
        assert user(invite.start) == "13800138000"
        assert f"SIP/2.0/{kind.upper()}" in invite.get("via")
        assert (await real.log.until(ChannelHungUp, channel=channel)).sip == 486


ANSWERS = (
    ("486 Busy Here", Cause.BUSY),
    ("404 Not Found", Cause.UNALLOCATED),
    ("503 Service Unavailable", Cause.CONGESTION),
    ("603 Decline", Cause.REJECTED),
    ("403 Forbidden", Cause.REJECTED),
    ("484 Address Incomplete", Cause.UNALLOCATED),
    ("488 Not Acceptable Here", None),
)


async def test_the_far_sides_answer_is_told(real: AsteriskWorld, peer: Carrier) -> None:
    for answer, cause in ANSWERS:
        channel = new_channel()
        peer.accept = lambda call, answer=answer: call.reject(answer)  # type: ignore[misc]
        await real.switch.execute(Originate(channel, TrunkTarget(trunks.BY_ADDRESS, "13800138000"), "8000"))
        ended = await real.log.until(ChannelHungUp, channel=channel)
        assert ended.sip == int(answer.split()[0])
        assert cause in (None, ended.cause), answer


async def test_what_is_known_of_a_trunk_is_told(real: AsteriskWorld, account: Carrier) -> None:
    await registered(real, account)
    assert (await real.switch.snapshot()).trunks[trunks.ACCOUNT] is TrunkState.UP
    assert (await real.switch.snapshot()).trunks[trunks.BY_ADDRESS] is TrunkState.UNKNOWN
    account.refuse = "403 Forbidden"
    mark = real.log.mark()
    real.register_trunk(trunks.ACCOUNT)
    await real.log.until(TrunkChanged, trunk=trunks.ACCOUNT, state=TrunkState.REJECTED, since=mark)
    assert (await real.switch.snapshot()).trunks[trunks.ACCOUNT] is TrunkState.REJECTED


async def test_a_trunk_that_answers_is_up(asterisk_world: AsteriskWorld) -> None:
    """By OPTIONS; FreeSWITCH does it in its own time, which ``test_trunk_states`` has for it."""
    watched = await carrier(asterisk_world, trunks.WATCHED_HOST)
    mark = asterisk_world.log.mark()
    asterisk_world.asterisk.cli(f"pjsip qualify trunk-{trunks.WATCHED}")
    up = await asterisk_world.log.until(TrunkChanged, trunk=trunks.WATCHED, state=TrunkState.UP, since=mark)
    assert 0 < up.round_trip < 1
    assert (await asterisk_world.switch.snapshot()).trunks[trunks.WATCHED] is TrunkState.UP
    watched.silent = True
    asterisk_world.asterisk.cli(f"pjsip qualify trunk-{trunks.WATCHED}")
    await asterisk_world.log.until(TrunkChanged, trunk=trunks.WATCHED, state=TrunkState.DOWN, since=mark)
    assert (await asterisk_world.switch.snapshot()).trunks[trunks.WATCHED] is TrunkState.DOWN
    await watched.__aexit__()


async def test_a_trunk_that_is_changed_is_so_at_once(real: AsteriskWorld, peer: Carrier) -> None:
    """Without a restart: a trunk that is changed, one that is new, one that is gone."""
    rows = trunks.trunk_rows(real.asterisk.outside_port)
    changed = next(row for row in rows if row["id"] == trunks.BY_ADDRESS)
    changed |= {"did_fixed": "8899", "codecs": ["alaw"], "caller_in": "from"}
    fresh = {"id": "fresh", "name": "New", "host": trunks.STRANGER_HOST, "port": real.asterisk.outside_port}
    fresh["sources"] = [f"{trunks.STRANGER_HOST}/32"]
    try:
        real.apply_trunks([row for row in rows if row["id"] != trunks.WATCHED] + [fresh])
        call = await calls_out(real, peer, trunks.BY_ADDRESS, "13800138000", "02160000000")
        assert codecs(call) == ["PCMA"]
        assert call.invite is not None
        assert call.invite.get("p-asserted-identity") == ""
        stranger = await carrier(real, trunks.STRANGER_HOST)
        mark = real.log.mark()
        known = await stranger.call("4711", shown="13900139002")
        offered = await real.log.until(ChannelOffered, since=mark)
        assert (offered.trunk, offered.dialed) == ("fresh", "4711")
        known.hangup()
        await known.until("ended")
        await stranger.__aexit__()
        async with asyncio.timeout(GONE_WITHIN):
            while trunks.WATCHED in (states := (await real.switch.snapshot()).trunks):
                pass
        assert "fresh" in states
    finally:
        real.apply_trunks(trunks.trunk_rows(real.asterisk.outside_port))
