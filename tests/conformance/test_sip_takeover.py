"""Nobody gets into a call of others by naming it (Replaces, RFC 3891), on any switch that speaks SIP."""

from __future__ import annotations

from cti.domain.switch.commands import Hangup
from cti.domain.switch.events import ChannelHungUp, ChannelOffered
from tests.conformance.asterisk_rig import AsteriskLeg, AsteriskWorld
from tests.conformance.world import AGENT_HERTZ, CUSTOMER_HERTZ, customer_calls, they_talk
from tests.fakes import sip
from tests.fakes.phone import HOST
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
