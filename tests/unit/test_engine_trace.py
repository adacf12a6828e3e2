"""The operation log as the engine writes it: by call, with what came of each command, and never in a call's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cti.bus.memory import MemoryBroker, MemoryBus
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.switch.commands import Hangup, Originate, SendDigits, SetState, TrunkTarget
from cti.domain.switch.events import DeviceRegistered, Digit, LinkLost, SwitchEvent, TrunkChanged
from cti.domain.switch.terms import TrunkState
from cti.engine.trace import AT_ONCE, Trace
from cti.engine.trace_lines import TEXT, of_command, of_event
from cti.services.centre import Centre
from cti.services.effects import SwitchCommand
from tests.floor import Floor
from tests.unit.conftest import OpenFloor

Line = dict[str, Any]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15.0):
        while not condition():  # noqa: ASYNC110 - nothing to be notified by
            await asyncio.sleep(0.002)


async def lines(floor: Floor, subject: str) -> list[Line]:
    """Everything told so far under ``cy.trace.<subject>``, as the bus keeps it."""
    floor.runner._trace.flush()
    sent = floor.bus.stats.events_sent + len(floor.bus._events)
    await floor.until(lambda: floor.bus.stats.events_sent >= sent, "sent")
    return [line for kept in await floor.bus.traced(f"cy.trace.{subject}") for line in kept.document["lines"]]


def named(found: list[Line], kind: str) -> list[str]:
    return [line["name"] for line in found if line["kind"] == kind]


async def a_call(floor: Floor) -> str:
    """Somebody talks to a1; the call's id."""
    await floor.on_duty("a1")
    await floor.talking_to("a1")
    return next(iter(floor.runner.engine.centre.calls))


async def over(floor: Floor) -> None:
    floor.phone("a1").hangup()
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")


async def test_a_call_is_told_from_the_first_ring_to_the_end(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    call_id = await a_call(floor)
    await over(floor)
    told = await lines(floor, f"call.{call_id}")
    events, commands = named(told, "event"), named(told, "command")
    assert events[0] == "ChannelOffered", "the offer is in the log of the call that it began"
    assert {"ChannelRinging", "ChannelAnswered", "ChannelBridged"} <= set(events)
    assert events.count("ChannelHungUp") == 2, "also of a channel that the hang-up took away"
    assert {"Answer", "Originate", "Bridge"} <= set(commands)
    assert {"offered", "established", "callCleared"} <= set(named(told, "call"))
    states = [line["state"] for line in told if line["kind"] == "agent"]
    assert states[:2] == ["reserved", "alerting"]
    assert "talking" in states
    assert all("ms" in line and "error" not in line for line in told if line["kind"] == "command"), told
    bridge = next(line for line in told if line.get("name") == "Bridge")
    assert bridge["with"]["peer"]
    assert bridge["switch"] == "sim"
    assert bridge["at"] > 0


async def test_the_log_of_a_call_goes_on_after_a_killed_engine(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    call_id = await a_call(floor)
    await lines(floor, f"call.{call_id}")
    await floor.kill_engine()
    await floor.restart_engine()
    await over(floor)
    await lines(floor, f"call.{call_id}")
    kept = await floor.bus.traced(f"cy.trace.call.{call_id}")
    engines = list(dict.fromkeys(message.document["engine"] for message in kept))
    assert len(engines) == 2
    after = [line for message in kept if message.document["engine"] == engines[1] for line in message.document["lines"]]
    assert "ChannelHungUp" in named(after, "event")
    assert "callCleared" in named(after, "call")


async def test_what_a_switch_says_before_its_calls_are_known_finds_its_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    call_id = await a_call(floor)
    channel = next(iter(floor.runner.engine.centre.channels))
    trace, centre = floor.runner._trace, floor.runner.engine.centre
    kept, centre.channels = centre.channels, {}
    centre.switches["sim"].reconciled = False
    trace.event(1.0, "sim", Digit(1.0, channel, "7"))
    centre.channels = kept
    assert "Digit" not in named(await lines(floor, "switch.sim"), "event")
    trace.snapshot(2.0, "sim", 2, first=True)
    centre.switches["sim"].reconciled = True
    assert named(await lines(floor, f"call.{call_id}"), "event")[-1] == "Digit"
    assert named(await lines(floor, "switch.sim"), "event") == ["LinkUp"], await lines(floor, "switch.sim")


async def test_what_an_agent_asks_for_is_told_with_its_refusal(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    call_id = await a_call(floor)
    await floor.do("a1", "hold")
    await floor.ask("a1", "dial", number="13900000001")
    await floor.ask("a1", "state")
    told = [line for line in await lines(floor, f"call.{call_id}") if line["kind"] == "request"]
    assert [(line["name"], line.get("error", "")) for line in told] == [("hold", ""), ("dial", "agent.not_now")]
    assert told[1]["with"] == {"number": "13900000001", "agent_id": "a1"}
    signed_on = await lines(floor, "agent.a1")
    assert named(signed_on, "request") == ["login", "ready"]
    assert [line["state"] for line in signed_on if line["kind"] == "agent"] == ["notReady", "ready"]


async def test_a_link_and_a_phone_are_told_of_the_switch_and_only_what_is_new(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    before = len(await lines(floor, "switch.sim"))
    again: list[SwitchEvent] = [
        DeviceRegistered(1.0, "1001", True),
        DeviceRegistered(1.0, "1001", False),
        DeviceRegistered(1.0, "1001", False),
        TrunkChanged(1.0, "t1", TrunkState.UP, 0.02),
        TrunkChanged(1.0, "t1", TrunkState.UP, 0.03),
        LinkLost(1.0, "cable"),
    ]
    for event in again:
        floor.sim.emit(event)
    await floor.until(lambda: not floor.status()[0].up, "link lost")
    told = (await lines(floor, "switch.sim"))[before:]
    assert [(line["name"], line["with"]) for line in told] == [
        ("DeviceRegistered", {"device": "1001"}),
        ("TrunkChanged", {"trunk": "t1", "state": "up", "round_trip": 0.02}),
        ("LinkLost", {"reason": "cable"}),
    ]


# ------------------------------------------------------------ never in the way


@pytest.fixture
def centre() -> Centre:
    return Centre(["sim"])


async def test_without_a_bus_lines_wait_and_too_many_are_counted(centre: Centre) -> None:
    broker = MemoryBroker(up=False)
    bus = MemoryBus(broker)
    await bus.start()
    trace = Trace(centre, bus, waiting=2)
    trace.start()
    for reason in ("one", "two", "three"):
        trace.event(1.0, "sim", LinkLost(1.0, reason))
    trace.flush()
    assert centre.counters["trace:dropped"] == 1
    broker.restore()
    trace.event(1.0, "sim", LinkLost(1.0, "four"))
    trace.stop()
    await until(lambda: len(broker.traced) == 2)
    await bus.stop()
    assert [data.count(b"LinkLost") for _, _, data in broker.traced] == [2, 1]


async def test_much_that_has_waited_goes_out_bit_by_bit() -> None:
    """Documents of agents go the same way, and must not be dropped for it."""
    names = [f"s{number}" for number in range(AT_ONCE + 100)]
    broker = MemoryBroker()
    bus = MemoryBus(broker)
    await bus.start()
    trace = Trace(Centre(names), bus)
    for name in names:
        trace.event(1.0, name, LinkLost(1.0, "cable"))
    trace.flush()
    assert len(bus._events) == AT_ONCE
    await until(lambda: len(broker.traced) == len(names))
    await bus.stop()


async def test_what_comes_of_a_command_later_is_told_on_a_line_of_its_own(centre: Centre) -> None:
    broker = MemoryBroker()
    bus = MemoryBus(broker)
    await bus.start()
    trace = Trace(centre, bus)
    sent = trace.command(1.0, SwitchCommand("sim", Hangup("c1")))
    trace.flush()
    trace.done(2.0, sent)
    first, second = trace._waiting["switch.sim"], sent
    trace.stop()
    await bus.stop()
    assert first[0]["kind"] == "result"
    assert second is not None
    assert first[0]["n"] == second.line["n"]


async def test_a_mistake_in_the_log_stays_in_the_log(centre: Centre, capfd: pytest.CaptureFixture[str]) -> None:
    trace = Trace(centre, MemoryBus(MemoryBroker()))
    trace.event(1.0, "a switch that is not there", LinkLost(1.0, "x"))
    assert centre.counters["trace:bug"] == 1


# ------------------------------------------------------------ what is kept


def test_keys_of_a_conversation_are_not_kept_and_those_of_a_menu_are() -> None:
    call = Call(call_id="1", switch="sim", direction=Direction.INBOUND, created_at=1.0, phase=CallPhase.MENU)
    assert of_event(Digit(1.0, "c", "4"), call) == {"digit": "4"}
    call.phase = CallPhase.CONNECTED
    assert of_event(Digit(1.0, "c", "4"), call) == {"digit": "*"}
    assert of_command(SendDigits("c", "4111")) == {"digits": "****"}


def test_our_state_on_a_channel_is_left_out_and_long_texts_are_cut() -> None:
    assert of_command(SetState("c", "secret")) == {}
    told = of_command(Originate("c", TrunkTarget("t1", "139"), "x" * 1000, state="secret"))
    assert told == {"target": {"trunk": "t1", "number": "139"}, "caller_number": "x" * TEXT, "ring_timeout": 30.0}
