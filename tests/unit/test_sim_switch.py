"""The simulator's own ways: hand-driven phones, auto mode, order of events, cost. The contract is in conformance."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from cti.domain.errors import ChannelGone, CommandRefused, LinkDown, SwitchError
from cti.domain.switch.commands import (
    Answer,
    AnswerDevice,
    Bridge,
    DeviceTarget,
    Hangup,
    Originate,
    Play,
    RecordStart,
    TestCall,
    TrunkTarget,
)
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHungUp,
    ChannelOffered,
    ChannelRinging,
    ChannelUnbridged,
    Digit,
    LinkLost,
    LinkUp,
    PlayEnd,
    PlayFinished,
    RecordingStopped,
    SwitchEvent,
)
from cti.domain.switch.terms import Cause
from cti.switches.base import Switch
from cti.switches.sim import SimSwitch
from tests.fakes.events import EventLog


def of(events: list[SwitchEvent], channel: str) -> list[type]:
    return [type(e) for e in events if getattr(e, "channel", "") == channel]


async def started(**options: object) -> tuple[SimSwitch, list[SwitchEvent]]:
    sim = SimSwitch(**options)  # type: ignore[arg-type]
    contract: Switch = sim
    events: list[SwitchEvent] = []
    await contract.start(events.append)
    return sim, events


async def test_a_phone_rings_until_its_user_answers() -> None:
    sim, events = await started(devices=["1001"])
    await sim.execute(Originate("a", DeviceTarget("1001"), "8000"))
    await sim.settle()
    assert of(events, "a") == [ChannelRinging]
    sim.phone("1001").answer()
    await sim.settle()
    assert of(events, "a") == [ChannelRinging, ChannelAnswered]


async def test_events_never_come_from_inside_a_command() -> None:
    sim, events = await started(devices=["1001"])
    await sim.settle()
    seen = len(events)
    await sim.execute(Originate("a", DeviceTarget("1001"), "8000"))
    assert len(events) == seen
    await sim.settle()
    assert len(events) > seen


async def test_an_unregistered_phone_is_unreachable_and_a_dialled_id_is_not_dialled_again() -> None:
    sim, events = await started()
    await sim.execute(Originate("a", DeviceTarget("1009"), "8000"))
    await sim.execute(Originate("a", DeviceTarget("1009"), "8000"))
    await sim.settle()
    ends = [e for e in events if isinstance(e, ChannelHungUp)]
    assert [e.cause for e in ends] == [Cause.UNREACHABLE]


async def test_a_caller_hangs_up_in_the_bridge_and_the_agent_is_controlled_again() -> None:
    sim, events = await started(devices=["1001"])
    sim.phone("1001").will_answer()
    caller = sim.incoming("8000", "13800138000")
    await sim.execute(Answer(caller))
    await sim.execute(Originate("a", DeviceTarget("1001"), "8000"))
    await sim.execute(Bridge(caller, "a"))
    sim.hangup_by_caller(caller)
    await sim.settle()
    assert [type(e) for e in events][-3:] == [ChannelBridged, ChannelHungUp, ChannelUnbridged]
    assert [c.controlled for c in (await sim.snapshot()).channels] == [True]
    with pytest.raises(ChannelGone):
        await sim.execute(Answer(caller))
    await sim.execute(Hangup(caller))


async def test_time_is_the_tests_own() -> None:
    due: list[tuple[float, object]] = []

    class Handle:
        def cancel(self) -> None:
            due[:] = [d for d in due if d[1] is not self]

    calls = []

    def schedule(delay: float, call: object) -> Handle:
        handle = Handle()
        due.append((delay, handle))
        calls.append(call)
        return handle

    sim, events = await started(schedule=schedule, devices=["1001"], clock=lambda: 7.0)
    await sim.execute(Originate("a", DeviceTarget("1001"), "8000", ring_timeout=15))
    assert [d for d, _ in due] == [15]
    calls[0]()
    await sim.settle()
    assert events[-1] == ChannelHungUp(7.0, "a", Cause.NO_ANSWER, by_far_side=False)


async def test_a_cut_link_refuses_commands_and_loses_events() -> None:
    sim, events = await started()
    sim.cut_link()
    channel = sim.incoming("8000", "1")
    with pytest.raises(LinkDown):
        await sim.execute(Answer(channel))
    with pytest.raises(LinkDown):
        await sim.snapshot()
    sim.restore_link()
    await sim.settle()
    assert [type(e) for e in events] == [LinkUp, LinkLost, LinkUp]
    assert [c.channel for c in (await sim.snapshot()).channels] == [channel]


async def test_a_digit_ends_a_prompt_that_may_be_barged_in_on() -> None:
    sim, events = await started(play_seconds=60)
    caller = sim.incoming("8000", "1")
    await sim.execute(Play(caller, ("zh_CN/welcome",), "p1", barge_in=True))
    sim.press(caller, "1")
    await sim.settle()
    assert of(events, caller) == [ChannelOffered, Digit, PlayFinished]
    assert events[-1].reason is PlayEnd.DIGIT  # type: ignore[union-attr]


async def test_a_recording_is_a_real_two_track_file(tmp_path: Path) -> None:
    now = [100.0]
    sim, events = await started(spool_dir=tmp_path, clock=lambda: now[0])
    caller = sim.incoming("8000", "1")
    await sim.execute(RecordStart(caller, "r1", "2026/11/21/r1"))
    now[0] += 1.5
    sim.hangup_by_caller(caller)
    await sim.settle()
    stopped = [e for e in events if isinstance(e, RecordingStopped)]
    assert [e.file for e in stopped] == ["2026/11/21/r1.raw"]
    stereo = np.frombuffer((tmp_path / stopped[0].file).read_bytes(), dtype="<i2").reshape(-1, 2)
    assert len(stereo) == 12_000
    spectra = [np.abs(np.fft.rfft(stereo[:8000, track])).argmax() for track in (0, 1)]
    assert spectra == [400, 800]


async def test_auto_mode_answers_by_command_and_makes_test_callers() -> None:
    sim, log = SimSwitch(auto=True), EventLog()
    events = log.events
    await sim.start(log)
    await sim.execute(TestCall("8000", "13800138000", "Demo Customer", digits="1", digit_after=0.01))
    await sim.settle()
    offered = next(e for e in events if isinstance(e, ChannelOffered))
    assert (offered.dialed, offered.caller_name) == ("8000", "Demo Customer")
    await sim.execute(Answer(offered.channel))
    await sim.execute(Originate("a", DeviceTarget("1001-web"), "8000"))
    await sim.execute(AnswerDevice("a"))
    await sim.settle()
    assert of(events, "a") == [ChannelRinging, ChannelAnswered]
    assert (await log.until(Digit)).digit == "1"


async def test_hostile_text_is_refused_and_planned_failures_happen_once() -> None:
    sim, _ = await started(devices=["1001"])
    with pytest.raises(CommandRefused):
        await sim.execute(Originate("a\r\nAction: x", DeviceTarget("1001"), "8000"))
    with pytest.raises(CommandRefused):
        await sim.execute(Originate("a", TrunkTarget("t", "1&Local/x@y"), "8000"))
    sim.fail_next(Originate, SwitchError("planned"))
    with pytest.raises(SwitchError, match="planned"):
        await sim.execute(Originate("a", DeviceTarget("1001"), "8000"))
    await sim.execute(Originate("a", DeviceTarget("1001"), "8000"))
    assert [c.channel for c in (await sim.snapshot()).channels] == ["a"]


async def test_a_failing_sink_does_not_stop_later_events() -> None:
    sim = SimSwitch()
    seen: list[SwitchEvent] = []

    def sink(event: SwitchEvent) -> None:
        seen.append(event)
        if isinstance(event, ChannelOffered) and event.dialed == "bad":
            raise RuntimeError("sink")

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await sim.start(sink)
    sim.incoming("bad", "1")
    sim.incoming("8000", "1")
    await sim.settle()
    assert [type(e) for e in seen] == [LinkUp, ChannelOffered, ChannelOffered]


async def test_a_call_costs_well_under_a_millisecond() -> None:
    sim, _ = await started(devices=["1001"])
    sim.phone("1001").will_answer()
    begin = time.process_time()
    for n in range(500):
        caller = sim.incoming("8000", "1")
        await sim.execute(Answer(caller))
        await sim.execute(Originate(f"a{n}", DeviceTarget("1001"), "8000"))
        await sim.execute(Bridge(caller, f"a{n}"))
        await sim.execute(Hangup(caller))
        await sim.execute(Hangup(f"a{n}"))
        await sim.settle()
    assert time.process_time() - begin < 0.5
    assert not sim.channels
