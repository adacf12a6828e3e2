"""Nobody gets into a call of others by naming it (Replaces, RFC 3891), or a password of ours by asking for it, on any
switch that speaks SIP."""

from __future__ import annotations

import pytest

from cti.domain.switch.commands import DeviceTarget, Hangup, Originate
from cti.domain.switch.events import ChannelHungUp, ChannelOffered, DeviceRegistered
from tests.conformance.asterisk_rig import AsteriskLeg, AsteriskWorld
from tests.conformance.trunks import ACCOUNT, ACCOUNT_HOST
from tests.conformance.world import AGENT_HERTZ, CUSTOMER_HERTZ, customer_calls, new_channel, they_talk
from tests.fakes import sip
from tests.fakes.phone import HOST, SipPhone
from tests.fakes.stranger import Stranger

AUDIO = sip.sdp(HOST, 40_000)
SHARED_LINE = (("Call-Info", f"<sip:{HOST}>;appearance-index=1"),)


async def test_a_call_that_talks_is_not_taken_or_listened_to(sip_world: AsteriskWorld, stranger: Stranger) -> None:
    """By what the phone knows of it, by the caller's Call-ID, by the switch's ids; in its place or as one more."""
    world = sip_world
    (customer, line), (agent, phone) = await they_talk(world)
    assert isinstance(line, AsteriskLeg)
    assert isinstance(phone, AsteriskLeg)
    invite = phone.call.invite
    assert invite is not None
    known = f"{invite.call_id};to-tag={phone.call.tag};from-tag={invite.get('from').partition('tag=')[2]}"
    others = (line.call.call_id, customer, agent)
    since = world.log.mark()
    for call in (known, f"{known};a-leg=true", *(f"{name};to-tag=a;from-tag=b" for name in others)):
        for extra in ((), SHARED_LINE):
            stranger.tell("INVITE", "8000", sender=f"<sip:139@{HOST}>", extra=(("Replaces", call), *extra), body=AUDIO)
    honest, honest_line = await customer_calls(world, "13900000001")
    await line.hears(AGENT_HERTZ)
    await phone.hears(CUSTOMER_HERTZ)
    assert [e for e in world.log.events[since:] if getattr(e, "channel", "") in (customer, agent)] == []
    for offered in world.log.all(ChannelOffered)[1:]:  # where Replaces is unknown it is a call like any other
        await world.switch.execute(Hangup(offered.channel))
        await world.log.until(ChannelHungUp, channel=offered.channel)
    await honest_line.ended()
    assert honest not in (customer, agent)


class AsksForAPassword(SipPhone):
    """It answers an INVITE with 401, the first time, and keeps what came then."""

    realm = ""

    def __init__(self, user: str, password: str, server: int) -> None:
        super().__init__(user, password, server=server, host=ACCOUNT_HOST)
        self.passwords: list[str] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = sip.parse(data)
        if message is None or message.method != "INVITE":
            super().datagram_received(data, addr)
            return
        self.passwords += message.all("authorization")
        challenge = ("WWW-Authenticate", f'Digest realm="{self.realm}", nonce="0123", algorithm=MD5')
        asks = not message.all("authorization")
        self.send(sip.reply(message, "401 Unauthorized" if asks else "486 Busy Here", "t", [challenge] if asks else []))


@pytest.mark.parametrize("realm", [f"trunk-{ACCOUNT}", ACCOUNT_HOST])
async def test_a_phone_at_a_trunks_address_gets_no_password_of_it(sip_world: AsteriskWorld, realm: str) -> None:
    world = sip_world
    async with AsksForAPassword("1001", world.asterisk.passwords["1001"], world.outside.server) as phone:
        phone.realm = realm
        await phone.register()
        await world.log.until(DeviceRegistered, device="1001", registered=True)
        channel = new_channel()
        await world.switch.execute(Originate(channel, DeviceTarget("1001"), "13800000001", ring_timeout=5))
        await world.log.until(ChannelHungUp, channel=channel)
        assert [given for given in phone.passwords if 'username="none"' not in given] == []
        await phone.register(0)
