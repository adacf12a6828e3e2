"""Copies of SIP messages: which say that a phone has hung up, and what the driver makes of it."""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator

import pytest

from cti.domain.switch.commands import DeviceTarget, Originate
from cti.domain.switch.events import ChannelHungUp, ChannelLeaving, LinkUp
from cti.switches.freeswitch import FreeSwitch
from cti.switches.freeswitch.capture import Dialog, left
from tests.fakes.esl import FakeEsl, event
from tests.fakes.events import EventLog
from tests.ports import free_port

OURS = Dialog("call-1@phone", "theirs", "ours")


def bye(dialog: Dialog = OURS, start: str = "BYE sip:x SIP/2.0", more: str = "", short: bool = False) -> bytes:
    call_id, from_, to = ("i", "f", "t") if short else ("Call-ID", "From", "To")
    lines = [
        start,
        f'{from_}: "tag=x" <sip:1001@h;tag=uri>;tag={dialog.tag}',
        f"{to}: <sip:8000@h> ; x=y; tag={dialog.peer_tag}",
        f"{call_id}: {dialog.call_id}",
        *([more] if more else []),
        "CSeq: 2 BYE",
        "",
        "Call-ID: in-the-body",
    ]
    return bytes([1, 16]) + bytes(14) + "\r\n".join(lines).encode()


def test_a_bye_names_the_dialog_that_is_left() -> None:
    assert left(bye()) == OURS
    assert left(bye(short=True)) == OURS
    assert left(bye(more='Reason: Q.850;cause=16;text="NORMAL_CLEARING"')) == OURS


@pytest.mark.parametrize(
    "packet",
    [
        bye(start="SIP/2.0 200 OK"),
        bye(start="INVITE sip:x SIP/2.0"),
        bye(more="Reason: Q.850;cause=44"),
        bye(more="Reason: Q.850;cause=160"),
        bye(more="Call-ID: another"),
        bye(Dialog("", "a", "b")),
        bye(Dialog("call", "", "b")),
        bye(Dialog("call", "a", "")),
        b"\x02" + bye()[1:],
    ],
)
def test_nothing_else_says_so(packet: bytes) -> None:
    assert left(packet) is None


def test_rubbish_and_every_cut_are_taken() -> None:
    whole, chance = bye(), random.Random(4711)
    head = whole.index(b"\r\n\r\n") + 4
    assert [left(whole[:cut]) for cut in range(head)] == [None] * head
    assert left(whole[:head]) == OURS
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(5):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        left(bytes(changed))


class Phone:
    """1001 on a FreeSWITCH whose copies a test sends."""

    def __init__(self, esl: FakeEsl, switch: FreeSwitch, log: EventLog, port: int) -> None:
        self.esl, self.switch, self.log, self._port = esl, switch, log, port

    def says(self, packet: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(packet, ("127.0.0.1", self._port))

    def tell(self, name: str, **more: str) -> None:
        self.esl.send(event(name, "o1", **more))

    async def answers(self) -> None:
        await self.switch.execute(Originate("o1", DeviceTarget("1001"), "8000"))
        dialog = {"sip_call_id": OURS.call_id, "sip_to_tag": OURS.tag, "sip_from_tag": OURS.peer_tag}
        self.tell("CHANNEL_CREATE")
        self.tell("CHANNEL_ANSWER", **{f"variable_{name}": value for name, value in dialog.items()})
        self.tell("CHANNEL_PARK", variable_park_after_bridge="true")
        await self.log.until_true(lambda: self.switch.channels["o1"].controlled, what="answered and parked")


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with FakeEsl() as esl:
        port = free_port()
        switch = FreeSwitch(
            host="127.0.0.1", port=esl.port, password=esl.password, prompts_dir="/p", spool_dir="/s", capture_port=port
        )
        log = EventLog()
        await switch.start(log)
        await log.until(LinkUp)
        yield Phone(esl, switch, log, port)
        await switch.stop()


async def test_a_phone_that_says_bye_is_told_once_and_its_end_when_it_comes(phone: Phone) -> None:
    await phone.esl.received("sofia profile callyard capture on")
    await phone.answers()
    for stranger in (Dialog("call-1@phone", "ours", "theirs"), Dialog("call-2@phone", "theirs", "ours")):
        phone.says(bye(stranger))
    for _ in range(3):
        phone.says(bye())
    await phone.log.until(ChannelLeaving, channel="o1")
    phone.tell("CHANNEL_HANGUP")
    phone.tell("CHANNEL_HANGUP_COMPLETE", Hangup_Cause="NORMAL_CLEARING")
    await phone.log.until(ChannelHungUp, channel="o1")
    phone.says(bye())
    await phone.switch.snapshot()
    assert len(phone.log.all(ChannelLeaving)) == 1
    assert not phone.esl.named("uuid_kill")


async def test_a_channel_whose_switch_does_not_end_it_is_ended(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its agent is free already."""
    monkeypatch.setattr("cti.switches.freeswitch.watch.LEFT_WITHIN", 0.02)
    await phone.answers()
    phone.says(bye())
    assert await phone.esl.received("uuid_kill") == ["api uuid_kill o1 NORMAL_CLEARING"]


async def test_whoever_has_taken_the_port_is_sent_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        async with FakeEsl() as esl:
            port, log = other.getsockname()[1], EventLog()
            switch = FreeSwitch(
                host="127.0.0.1", port=esl.port, password="secret", prompts_dir="/p", spool_dir="/s", capture_port=port
            )
            await switch.start(log)
            await log.until(LinkUp)
            await esl.received("sofia profile callyard capture off")
            await switch.stop()
            assert not esl.named("sofia profile callyard capture on")
    assert "copies of SIP messages" in caplog.text
