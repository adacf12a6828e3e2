"""The board's driver on a bus that says wrong things, and what a library may write where a number should be."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cards.donjin.rings import number_of
from cards.host.library import text
from cti.bus.memory import MemoryBroker, MemoryBus
from cti.domain.errors import ChannelGone, CommandRefused, LinkDown
from cti.domain.switch.commands import Answer
from cti.domain.switch.events import Digit, LinkLost, LinkUp
from cti.switches.board import BoardSwitch
from cti.switches.board.wire import command_subject, event_document, event_subject
from tests.fakes.events import EventLog


class Host:
    """Answers as told; ``tell`` sends whatever a test wants."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus, self.seq, self.boot = bus, 0, "b1"
        self.answer: dict[str, Any] = {"ok": True}

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("op") == "hello":
            return {"ok": True, "boot": self.boot, "seq": self.seq, "playing": [], "capabilities": ["spy", "x"]}
        return self.answer

    def tell(self, **document: Any) -> None:
        self.bus.publish(event_subject("b"), {"boot": self.boot, "seq": self.seq} | document)

    def digit(self, key: str) -> None:
        self.seq += 1
        self.tell(event=event_document(Digit(1.0, "c1", key)))


@pytest.fixture
async def linked() -> Any:
    broker = MemoryBroker()
    there, here = MemoryBus(broker), MemoryBus(broker)
    await there.start()
    await here.start()
    host, log = Host(there), EventLog()
    undo = await there.serve(command_subject("b"), host.ask)
    switch = BoardSwitch("b", here)
    await switch.start(log)
    await log.until(LinkUp)
    yield host, switch, log
    await switch.stop()
    undo()
    await here.stop(0)
    await there.stop(0)


async def test_events_in_order_are_told_and_a_missing_one_makes_it_look_anew(linked: Any) -> None:
    host, _, log = linked
    host.digit("1")
    await log.until(Digit, digit="1")
    host.seq += 1  # this one is never sent
    since = log.mark()
    host.digit("3")
    await log.until(LinkLost, since=since)
    await log.until(LinkUp, since=since)
    assert not log.all(Digit, digit="3")
    host.digit("4")
    await log.until(Digit, digit="4")


@pytest.mark.parametrize(
    "wrong",
    [{"seq": "x"}, {"boot": "other"}, {"seq": 10**9}, {"boot": None, "seq": None}],
)
async def test_a_document_that_does_not_fit_makes_it_look_anew(linked: Any, wrong: dict[str, Any]) -> None:
    host, _, log = linked
    since = log.mark()
    host.tell(**wrong)
    await log.until(LinkLost, since=since)
    await log.until(LinkUp, since=since)


async def test_an_event_of_no_known_kind_is_passed_over(linked: Any) -> None:
    host, switch, log = linked
    host.seq += 1
    host.tell(event={"kind": "Surprise", "channel": "c1"})
    host.digit("5")
    await log.until(Digit, digit="5")
    assert not log.all(LinkLost)
    assert "spy" in switch.capabilities


async def test_what_the_host_refuses_comes_as_the_same_error_and_without_a_bus_at_once(linked: Any) -> None:
    host, switch, log = linked
    for error in (ChannelGone("no channel c1"), CommandRefused("not now")):
        host.answer = error.reply()
        with pytest.raises(type(error), match=str(error)):
            await switch.execute(Answer("c1"))
    with pytest.raises(CommandRefused):
        await switch.execute(Answer("c1\r\n"))
    host.bus.broker.cut()
    await log.until(LinkLost)
    async with asyncio.timeout(1):
        with pytest.raises(LinkDown):
            await switch.execute(Answer("c1"))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (b"1122093013800138000", "13800138000"),
        (b"13800138000", "13800138000"),  # no month 13: the number alone
        (b"11220930", "11220930"),
        (b"", ""),
        (b"\x01\xff\r\n<b>\x00", "<b>"),
    ],
)
def test_a_number_is_what_stands_behind_the_date(written: bytes, number: str) -> None:
    assert number_of(text(written)).replace("�", "") == number
