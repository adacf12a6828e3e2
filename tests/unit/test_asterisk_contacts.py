"""A phone is rung at the one address that it registered from, and no text in its contact leads the call elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cti.domain.errors import CommandRefused, DeadlineExceeded
from cti.domain.switch.commands import DeviceTarget, Hangup, Originate
from cti.domain.switch.events import ChannelHungUp, DeviceRegistered, LinkUp
from cti.domain.switch.terms import Cause
from cti.switches.asterisk import AsteriskSwitch, contacts
from tests.fakes.ami import FakeAmi, frame
from tests.fakes.events import EventLog

RING = Originate("o1", DeviceTarget("1001"), "8000")


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as server:
        yield server


@pytest.fixture
async def log() -> EventLog:
    return EventLog()


@pytest.fixture
async def switch(ami: FakeAmi, log: EventLog) -> AsyncIterator[AsteriskSwitch]:
    switch = AsteriskSwitch(
        host="127.0.0.1", port=ami.port, username="u", secret="s", prompts_dir="/prompts", spool_dir="/spool"
    )
    await switch.start(log)
    await log.until(LinkUp)
    yield switch
    await switch.stop()


def registered(ami: FakeAmi, *addresses: str) -> None:
    value = "&".join(f"PJSIP/1001/{address}" for address in addresses)
    ami.answers["Getvar"] = lambda f: frame(Response="Success", ActionID=f["ActionID"], Value=value)


@pytest.mark.parametrize(
    "address",
    [
        "sip:1001@192.0.2.7:5060",
        "sip:192.0.2.7",
        "sips:1001@[2001:db8::7]:5061;transport=tls",
        "sip:a1b2c3@192.0.2.7:41000;transport=ws;ob;x-ast-orig-host=a1b2.invalid:0",
        "sip:1001%20-0x55@192.0.2.7;line=ab/c+1=;gr=urn:uuid:1",
    ],
)
def test_the_address_of_an_honest_phone_is_dialled(address: str) -> None:
    assert contacts.dialled("1001", f"PJSIP/1001/{address}") == f"PJSIP/1001/{address}"


@pytest.mark.parametrize(
    "address",
    [
        "sip:1001@192.0.2.7?Route=%3Csip%3A203.0.113.9%3Blr%3E",
        "sip:1001@192.0.2.7;ob?Replaces=x",
        "sip:1001@192.0.2.7;MADDR=203.0.113.9",
        "sip:1001@192.0.2.7;ob;m%61ddr=203.0.113.9",
        "sip:a,1002,b@192.0.2.7",
        "sip:203.0.113.9&PJSIP/1001/sip:x@192.0.2.7",
        "sip:203.0.113.9&PJSIP/1002/x@192.0.2.7",
        "sip:1001@192.0.2.7;x=1&y",
        'sip:"1001"@192.0.2.7',
        "tel:+8613800138000",
        "1002",
        "",
    ],
)
def test_an_address_that_could_lead_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(CommandRefused):
        contacts.dialled("1001", f"PJSIP/1001/{address}")


def told(ami: FakeAmi, address: str, status: str = "Reachable") -> None:
    ami.send(frame(Event="ContactStatus", EndpointName="1001", URI=address, ContactStatus=status))


async def test_a_phone_whose_registration_was_told_is_dialled_without_asking(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    told(ami, "sip:1001@192.0.2.7:5060")
    await log.until(DeviceRegistered, device="1001")
    await switch.execute(RING)
    assert [action["Channel"] for action in ami.named("Originate")] == ["PJSIP/1001/sip:1001@192.0.2.7:5060"]
    assert ami.named("Getvar") == []


async def test_a_contact_that_leads_elsewhere_is_no_registration(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    told(ami, "sip:1001@192.0.2.7?Route=%3Csip%3A203.0.113.9%3Blr%3E")
    registered(ami, "sip:1001@192.0.2.7?Route=%3Csip%3A203.0.113.9%3Blr%3E")
    with pytest.raises(CommandRefused):
        await switch.execute(RING)
    assert log.all(DeviceRegistered, device="1001", registered=True) == []


async def test_of_two_registrations_the_first_is_rung(ami: FakeAmi, switch: AsteriskSwitch) -> None:
    registered(ami, "sip:1001@192.0.2.7:5060", "sip:1001@192.0.2.8:5060;ob")
    await switch.execute(RING)
    (dialled,) = ami.named("Originate")
    assert dialled["Channel"] == "PJSIP/1001/sip:1001@192.0.2.7:5060"


async def test_a_contact_no_event_has_told_of_is_not_followed(ami: FakeAmi, switch: AsteriskSwitch) -> None:
    registered(ami, "sip:1001@192.0.2.7?Route=%3Csip%3A203.0.113.9%3Blr%3E")
    with pytest.raises(CommandRefused):
        await switch.execute(RING)
    assert ami.named("Originate") == []
    assert switch.channels == {}


async def test_a_phone_without_a_contact_is_not_dialled(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    """One could come in the next moment."""
    registered(ami)
    await switch.execute(RING)
    assert (await log.until(ChannelHungUp)).cause is Cause.UNREACHABLE
    assert ami.named("Originate") == []
    assert switch.channels == {}


async def test_a_call_given_up_while_the_phone_is_looked_for_is_not_dialled(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    ami.silent = {"Getvar"}
    ami.answers["Hangup"] = lambda f: frame(Response="Error", ActionID=f["ActionID"], Message="No such channel")
    dialling = asyncio.create_task(switch.execute(RING))
    (asked,) = await ami.received("Getvar")
    await switch.execute(Hangup("o1"))
    ami.send(frame(Response="Success", ActionID=asked["ActionID"], Value="PJSIP/1001/sip:1001@192.0.2.7"))
    await dialling
    assert (await log.until(ChannelHungUp)).cause is Cause.CANCELLED
    assert ami.named("Originate") == []


async def test_no_answer_to_where_a_phone_is_leaves_no_channel(ami: FakeAmi, switch: AsteriskSwitch) -> None:
    ami.silent = {"Getvar"}
    with pytest.raises(DeadlineExceeded):
        await switch.execute(RING, deadline=0.05)
    assert switch.channels == {}
