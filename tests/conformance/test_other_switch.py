"""A phone that is registered on another switch of ours, rung through the line between the two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from cti.domain.switch.commands import DeviceTarget, Hangup, Originate, RecordStart, SendDigits
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelOffered,
    ChannelRinging,
    ChannelUnbridged,
    RecordingStopped,
)
from cti.domain.switch.terms import Cause
from cti.provision.apt import ProvisionFailed
from tests.conformance.conftest import not_run
from tests.conformance.pair_rig import ASTERISK, FREESWITCH, SECOND, Centre, Pair, running_centre, world_of
from tests.conformance.world import AGENT_HERTZ, CUSTOMER_HERTZ, customer_is_served, join, new_channel
from tests.fakes.phone import HOST, SipPhone
from tests.fakes.stranger import Stranger

PAIRS = ((ASTERISK, SECOND), (ASTERISK, FREESWITCH), (FREESWITCH, ASTERISK))


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    try:
        with running_centre(tmp_path_factory.mktemp("pair")) as found:
            yield found
    except ProvisionFailed as error:
        not_run("several switches", error)


@pytest.fixture(params=PAIRS, ids=["-to-".join(pair) for pair in PAIRS])
async def pair(request: pytest.FixtureRequest, centre: Centre) -> AsyncIterator[Pair]:
    home, other = request.param
    for name in (home, other):
        if name in centre.missing:
            pytest.skip(f"NOT RUN on {name}: {centre.missing[name]}")
    async with world_of(centre.running[home]) as at_home, world_of(centre.running[other]) as at_other:
        yield Pair(at_home, at_other, other)


async def test_it_rings_is_answered_and_is_no_call_of_the_other_switch(pair: Pair) -> None:
    channel, leg = await pair.rings(caller_name="Wang Wei")
    await pair.home.log.until(ChannelRinging, channel=channel)
    leg.answer()
    await pair.home.log.until(ChannelAnswered, channel=channel)
    (shown,) = (await pair.home.switch.snapshot()).channels
    assert (shown.channel, shown.device, shown.controlled, shown.incoming) == (channel, "1001", True, False)
    await relays(pair, {channel})
    there = await pair.other.switch.snapshot()
    assert there.channels == ()
    assert (await pair.home.switch.snapshot()).relayed == frozenset()
    assert not [e for e in pair.other.log.events if getattr(e, "channel", "")]
    assert not [d for d in there.devices if d.startswith("switch-")]
    assert leg.call.invite is not None
    assert "13800138000" in leg.call.invite.get("from")
    assert "Wang Wei" in leg.call.invite.get("from")
    assert leg.call.invite.get("x-callyard-call") == channel
    leg.hangup()
    ended = await pair.home.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.NORMAL, True)
    await relays(pair, set())


async def relays(pair: Pair, wanted: set[str], deadline: float = 3.0) -> None:
    """What the other switch says it carries; a FreeSWITCH writes its list of channels some times a second."""
    async with asyncio.timeout(deadline):
        while (await pair.other.switch.snapshot()).relayed != wanted:  # noqa: ASYNC110 - nothing to be notified by
            await asyncio.sleep(0.1)


HOSTILE = ("50%41", "x%0d%0aX-Evil: 1", "${caller}", '"q" <sip:1@h>;a=b')


async def test_a_hostile_name_is_only_a_name(pair: Pair) -> None:
    for name in HOSTILE:
        channel, leg = await pair.rings(caller_name=name)
        assert leg.call.invite is not None
        assert leg.call.invite.get("x-evil") == ""
        assert leg.call.invite.get("x-callyard-call") == channel
        assert "13800138000" in leg.call.invite.get("from")
        assert len(leg.call.invite.all("from")) == 1
        leg.reject(Cause.BUSY)
        await pair.home.log.until(ChannelHungUp, channel=channel)


async def test_a_phone_that_refuses_says_why(pair: Pair) -> None:
    for cause in (Cause.BUSY, Cause.REJECTED, Cause.NO_ANSWER):
        channel, leg = await pair.rings()
        leg.reject(cause)
        ended = await pair.home.log.until(ChannelHungUp, channel=channel)
        assert (ended.cause, ended.by_far_side) == (cause, True)


async def test_a_phone_that_is_not_registered_there_cannot_be_reached(pair: Pair) -> None:
    channel = new_channel()
    await pair.home.switch.execute(Originate(channel, DeviceTarget("1002", pair.other_name), "8000"))
    ended = await pair.home.log.until(ChannelHungUp, channel=channel)
    assert ended.cause is Cause.UNREACHABLE
    assert pair.home.log.kinds(channel) == [ChannelHungUp]


async def test_a_device_that_is_none_of_ours_cannot_be_reached(pair: Pair) -> None:
    channel = new_channel()
    await pair.home.switch.execute(Originate(channel, DeviceTarget("8000", pair.other_name), "8000"))
    await pair.home.log.until(ChannelHungUp, channel=channel)
    assert not pair.other.log.all(ChannelOffered)


async def test_it_is_rung_where_it_registered_last(pair: Pair) -> None:
    """From another port, without a word from the old one."""
    await pair.other.register("1001")
    there = pair.other.asterisk
    async with SipPhone("1001", there.passwords["1001"], server=there.switch.sip_port) as moved:
        await moved.register()
        await pair.other.switch.snapshot()  # what was told before it has been noted
        channel = new_channel()
        await pair.home.switch.execute(Originate(channel, DeviceTarget("1001", pair.other_name), "8000"))
        call = await moved.rings()
        call.reject()
        await pair.home.log.until(ChannelHungUp, channel=channel)
        await moved.register(0)


async def test_it_is_not_rung_where_its_contact_says(pair: Pair) -> None:
    there = pair.other.asterisk
    async with Stranger(there.switch.sip_port) as phone, Stranger(there.switch.sip_port) as elsewhere:
        register = partial(phone.ask, "REGISTER", "1001", sender=f"<sip:1001@{HOST}>")
        login = ("1001", there.passwords["1001"])
        route = f"<sip:1001@{HOST}:{phone.port}?Route=%3Csip%3A{HOST}%3A{elsewhere.port}%3Blr%3E>"
        escaped = f"<sip:1001@127.0.0.2:{elsewhere.port};m%61ddr={HOST}>"
        for contact in (route, escaped):
            assert (await register(contact=contact, extra=(("Expires", "60"),), login=login)).status == 200
            channel = new_channel()
            target = DeviceTarget("1001", pair.other_name)
            await pair.home.switch.execute(Originate(channel, target, "13800138000", ring_timeout=0.4))
            await pair.home.log.until(ChannelHungUp, channel=channel)
        assert elsewhere.rung() == []
        await register(contact="*", extra=(("Expires", "0"),), login=login)


async def test_it_stops_ringing_when_nobody_picks_up(pair: Pair) -> None:
    channel, leg = await pair.rings(ring_timeout=0.4)
    ended = await pair.home.log.until(ChannelHungUp, channel=channel)
    assert (ended.cause, ended.by_far_side) == (Cause.NO_ANSWER, False)
    await leg.ended()


async def test_it_picks_up_by_itself_when_asked_to(pair: Pair) -> None:
    channel, leg = await pair.rings(auto_answer=True)
    await pair.home.log.until(ChannelAnswered, channel=channel)
    assert leg.call.invite is not None
    assert leg.call.invite.get("x-callyard-auto-answer") == "1"


async def test_the_two_hear_each_other_and_both_are_recorded_at_home(pair: Pair) -> None:
    customer, line = await customer_is_served(pair.home)
    agent, leg = await pair.agent_is_on()
    await pair.home.switch.execute(RecordStart(customer, "r1", "pair/one"))
    await join(pair.home, customer, agent)
    await leg.hears(CUSTOMER_HERTZ)
    await line.hears(AGENT_HERTZ)
    await pair.home.switch.execute(SendDigits(agent, "42"))
    await leg.was_sent("42")
    leg.hangup()
    await pair.home.log.until(ChannelUnbridged, channel=customer)
    await pair.home.switch.execute(Hangup(customer))
    stopped = await pair.home.log.until(RecordingStopped, channel=customer)
    assert (pair.home.spool / stopped.file).stat().st_size > 0


async def test_hold_pressed_on_the_phone_is_told_and_the_customer_hears_music(pair: Pair) -> None:
    customer, line = await customer_is_served(pair.home)
    agent, leg = await pair.agent_is_on()
    await join(pair.home, customer, agent)
    await line.hears(AGENT_HERTZ)
    logs = pair.home.log, pair.other.log
    for held in (True, False):
        leg.hold(held)
        waits = [asyncio.create_task(log.until(ChannelHeld, channel=agent, held=held)) for log in logs]
        done, rest = await asyncio.wait(waits, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        for one in rest:
            one.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        assert done
        if held:
            leg.say(0)
            await line.hears_sound()
    leg.say(AGENT_HERTZ)
    await line.hears(AGENT_HERTZ)
    leg.hangup()
    await pair.home.log.until(ChannelUnbridged, channel=customer)


async def test_the_other_switch_can_end_its_part(pair: Pair) -> None:
    """So a phone is freed whose call's own switch is lost."""
    channel, leg = await pair.agent_is_on()
    await pair.other.switch.execute(Hangup(channel))
    await leg.ended()
    await pair.home.log.until(ChannelHungUp, channel=channel)
    await pair.other.switch.execute(Hangup(channel))


@pytest.mark.parametrize("pair", [(ASTERISK, SECOND), (ASTERISK, FREESWITCH)], ids="-to-".join, indirect=True)
async def test_a_phone_that_falls_silent_is_lost_not_hung_up(pair: Pair) -> None:
    """The timeout of the phone's own switch; its cause passes."""
    customer, line = await customer_is_served(pair.home)
    agent, leg = await pair.agent_is_on("1001-web")
    await join(pair.home, customer, agent)
    leg.call.rtp.close()
    ended = await pair.home.log.until(ChannelHungUp, deadline=45, channel=agent)
    assert ended.cause is Cause.MEDIA_LOST
    await line.hears_silence()


async def test_nobody_else_gets_to_our_phones(pair: Pair) -> None:
    await pair.other.register("1001")
    there = pair.other.asterisk
    guesses = ((f"switch-{pair.home.asterisk.switch.name}", "guessed"), ("13800138000", ""), ("1002", "guessed"))
    for user, password in (*guesses, ("1002", there.passwords["1002"])):
        async with SipPhone(user, password, server=there.switch.sip_port) as stranger:
            call = await stranger.call("phone-1001")
            await call.until("ended")
            assert call.status in (401, 403, 404, 407)
    await pair.other.nothing_rings("1001")
