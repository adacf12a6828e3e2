"""E1 calls in the call model: libpri on both ends, scripts behind the exchange, the host's floor before the board."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cards.host import commands
from cards.host.board import Alarm, LineKind
from cards.host.channel import Line as HostLine
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.host.plan import read_plan
from cards.host.simulated import EXTENSIONS, TRUNKS, driver, simulated
from cards.host.sound import Prompts, from_alaw
from cards.pri.board import PriBoard
from cards.pri.exchange import simulated_e1
from cards.sim.build import BuildFailed, Face, library
from cards.sim.control import Line as SimLine
from cards.sim.control import SimBoard, SimRefused, Slot
from cti.domain.switch.commands import Answer, Bridge, DeviceTarget, Hangup, Music, Originate, TrunkTarget
from cti.domain.switch.commands import TestCall as Incoming
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHungUp,
    ChannelOffered,
    ChannelRinging,
    Digit,
    SwitchEvent,
    TrunkChanged,
)
from cti.domain.switch.terms import Cause, TrunkState
from tests.fakes.events import EventLog
from tests.unit.cards_sim import BUILT, share
from tests.unit.pri_link import QUICK, wait

PHONE, FIRST, COUNT = 0, 1, 30
TRUNK, DID = "e1", "8000"


class Rig:
    def __init__(self, folder: Path, **timers: int) -> None:
        try:
            path = library(Face.SYNWAY, BUILT)
            self.sim = SimBoard(path)
            self.exchange = simulated_e1(self.sim, FIRST, BUILT, **timers)
        except BuildFailed as error:
            pytest.skip(str(error))
        self.sim.reset()
        self.sim.configure(trunks=0, extensions=1, pri=COUNT)
        self.events = EventLog()
        self.all = self.events.all
        board = PriBoard(driver("synway", path, folder), [self.exchange.ours])
        prompts = Prompts(folder / "prompts", folder / "made")
        self.floor = Floor("board", board, prompts, folder, self.events, clock=lambda: self.sim.now)
        lines: list[dict[str, Any]] = [{"line": n, "trunk": TRUNK} for n in range(FIRST, FIRST + COUNT)]
        self.floor.set_plan(read_plan({"lines": [*lines, {"line": PHONE, "device": "1001"}], "hunt": "first"}))

    def __enter__(self) -> Rig:
        self.floor.open()
        self.exchange.open()
        assert all(line.dead for line in self.floor.lines.values() if line.kind is LineKind.PRI)
        self.until(lambda: not any(line.dead for line in self.floor.lines.values()))
        assert [one.state for one in self.all(TrunkChanged)] == [TrunkState.UP]
        return self

    def __exit__(self, *_: object) -> None:
        self.floor.close()
        self.exchange.close()
        self.sim.reset()

    def step(self) -> None:
        self.sim.step()
        self.floor.step()
        self.exchange.step()

    def until(self, condition: Any) -> None:
        wait(condition, self.step, self.exchange.filenos, 0.001)

    def wanted(self, kind: type[Any], **values: object) -> Any:
        self.until(lambda: self.all(kind, **values))
        return self.all(kind, **values)[0]

    def do(self, command: Any) -> None:
        commands.execute(self.floor, command)

    def line(self, number: int = FIRST) -> HostLine:
        return self.floor.lines[number]

    def call_in(self, number: int = FIRST, then: str = "") -> ChannelOffered:
        self.sim.line(number).do(f"call 13800138000 none {DID}; answered 60{then}")
        self.until(lambda: self.line(number).channel is not None)
        return next(one for one in self.all(ChannelOffered) if one.channel == self.channel(number))

    def channel(self, number: int = FIRST) -> str:
        channel = self.line(number).channel
        assert channel is not None
        return channel.id

    def call_out(self, script: str, hidden: bool = False) -> None:
        self.sim.line(FIRST).when("dialled", script)
        self.do(Originate("o1", TrunkTarget(TRUNK, "02112345678", hidden), "13900139000", ring_timeout=5))

    def idle_again(self, number: int = FIRST) -> None:
        self.until(lambda: self.line(number).state is LineState.IDLE and self.slot(number) is Slot.IDLE)

    def slot(self, number: int = FIRST) -> Slot:
        return self.sim.line(number).timeslot().state

    def hears(self, number: int, hertz: float) -> None:
        """The far end does."""
        self.until(lambda: share(self.sim.line(number).heard(0.2), hertz) > 0.8)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def test_a_caller_reaches_the_telephone_of_an_agent_and_both_hear_each_other(rig: Rig) -> None:
    assert [rig.line(n).kind for n in (PHONE, FIRST, COUNT)] == [LineKind.EXTENSION, LineKind.PRI, LineKind.PRI]
    came = rig.call_in(then="; tone 700 9999")
    assert (came.caller_number, came.dialed, came.trunk) == ("13800138000", DID, TRUNK)
    rig.do(Answer(came.channel))
    rig.wanted(ChannelAnswered, channel=came.channel)
    rig.until(lambda: rig.slot() is Slot.TALKING)
    rig.do(Originate("agent", DeviceTarget("1001"), "13800138000"))
    rig.wanted(ChannelRinging, channel="agent")
    rig.sim.line(PHONE).do("lift; tone 1100 9999")
    rig.wanted(ChannelAnswered, channel="agent")
    rig.do(Bridge(came.channel, "agent"))
    rig.wanted(ChannelBridged)
    rig.hears(FIRST, 1100)
    rig.hears(PHONE, 700)
    rig.sim.line(FIRST).do("hush; digits 42#; hangup 16")
    over = rig.wanted(ChannelHungUp, channel=came.channel)
    assert (over.cause, over.by_far_side) == (Cause.NORMAL, True)
    assert [one.digit for one in rig.all(Digit)] == ["4", "2", "#"]
    rig.idle_again()


def test_a_call_of_ours_is_sent_rings_and_is_answered_and_we_hang_up(rig: Rig) -> None:
    rig.call_out("ring 2; answer; tone 700 9999")
    rig.wanted(ChannelRinging)
    far = rig.sim.line(FIRST).timeslot()
    assert (far.called, far.calling) == ("02112345678", "13900139000")
    rig.wanted(ChannelAnswered)
    rig.do(Music("o1", True))
    rig.until(lambda: rig.sim.line(FIRST).now().heard_dbm0 > -30)
    rig.do(Hangup("o1"))
    assert rig.wanted(ChannelHungUp).cause is Cause.NORMAL
    rig.idle_again()


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("busy", Cause.BUSY),
        ("congestion", Cause.CONGESTION),
        ("hangup 1", Cause.UNALLOCATED),
        ("hangup 21", Cause.REJECTED),
        ("ring 1; hangup 19", Cause.NO_ANSWER),
        ("hangup 27", Cause.UNREACHABLE),
    ],
)
def test_why_a_call_of_ours_failed(rig: Rig, script: str, cause: Cause) -> None:
    rig.call_out(script)
    over = rig.wanted(ChannelHungUp, channel="o1")
    assert (over.cause, over.by_far_side) == (cause, True)
    assert not rig.all(ChannelAnswered)
    rig.idle_again()


def test_nobody_answers_and_we_give_up(rig: Rig) -> None:
    rig.call_out("ring 600")
    rig.wanted(ChannelRinging)
    assert rig.wanted(ChannelHungUp).cause is Cause.NO_ANSWER
    rig.idle_again()


def test_a_caller_gives_up_and_one_is_refused_with_its_cause(rig: Rig) -> None:
    rig.sim.line(FIRST).do(f"call 13800138000 none {DID}; answered 1")
    assert rig.wanted(ChannelHungUp).cause is Cause.CANCELLED
    rig.idle_again()
    came = rig.call_in(FIRST + 1)
    rig.do(Hangup(came.channel, Cause.BUSY))
    rig.wanted(ChannelHungUp, channel=came.channel)
    rig.until(lambda: rig.sim.line(FIRST + 1).timeslot().cause == 17)
    rig.idle_again(FIRST + 1)


def test_a_hidden_number_and_a_line_that_takes_no_calls(rig: Rig) -> None:
    rig.call_out("ring 1; answer", hidden=True)
    rig.wanted(ChannelAnswered)
    assert rig.sim.line(FIRST).timeslot().calling == ""
    rig.floor.set_plan(read_plan({"lines": [{"line": FIRST + 1, "trunk": TRUNK, "blocked": True}]}))
    rig.sim.line(FIRST + 1).do(f"call 13800138000 none {DID}; answered 60")
    rig.until(lambda: rig.sim.line(FIRST + 1).timeslot().cause == 34)
    assert not rig.all(ChannelOffered)


def test_the_d_channel_is_lost_calls_live_on_for_t309_then_all_is_well_again(tmp_path: Path) -> None:
    with Rig(tmp_path, **QUICK) as rig:
        _lost_and_found(rig)


def _lost_and_found(rig: Rig) -> None:
    came = rig.call_in()
    rig.do(Answer(came.channel))
    rig.wanted(ChannelAnswered)
    rig.exchange.cut_signalling(True)
    rig.until(lambda: rig.line(FIRST + 1).dead)
    assert rig.line().alarm is rig.line(FIRST + 1).alarm is Alarm.D_CHANNEL
    assert not rig.line().dead
    assert rig.wanted(ChannelHungUp).cause is Cause.UNREACHABLE
    rig.wanted(TrunkChanged, state=TrunkState.DOWN)
    rig.do(Originate("o1", TrunkTarget(TRUNK, "1"), "1"))
    assert rig.wanted(ChannelHungUp, channel="o1").cause is Cause.UNREACHABLE
    rig.exchange.cut_signalling(False)
    rig.until(lambda: not any(line.dead for line in rig.floor.lines.values()))
    rig.idle_again()
    rig.until(lambda: _calls_again(rig))


def _calls_again(rig: Rig) -> bool:
    """The far side may know a moment later than ours that the D channel is back."""
    if rig.line().channel is None and rig.slot() is Slot.IDLE:
        rig.sim.line(FIRST).do(f"call 13800138000 none {DID}; answered 60")
    return rig.line().channel is not None


def test_an_e1_that_is_unplugged_ends_its_calls_at_once(rig: Rig) -> None:
    came = rig.call_in()
    rig.do(Answer(came.channel))
    rig.wanted(ChannelAnswered)
    rig.exchange.plug(False)
    assert rig.wanted(ChannelHungUp).cause is Cause.MEDIA_LOST
    assert rig.line().alarm is Alarm.SIGNAL
    rig.exchange.plug(True)
    rig.until(lambda: rig.line().alarm is Alarm.NONE and rig.line().state is LineState.IDLE)


def test_a_helper_that_crashes_takes_its_calls_along_and_is_there_again(rig: Rig) -> None:
    came = rig.call_in()
    rig.do(Answer(came.channel))
    rig.wanted(ChannelAnswered)
    os.kill(rig.exchange.ours.link.pid, signal.SIGKILL)
    rig.wanted(ChannelHungUp, channel=came.channel)
    assert rig.line().alarm is Alarm.HELPER
    rig.until(lambda: not rig.line().dead)
    rig.idle_again()
    rig.call_in()


def test_thirty_timeslots_talk_at_once_each_with_its_own_far_end(rig: Rig) -> None:
    lines = list(range(FIRST, FIRST + COUNT))
    hertz = {number: 400.0 + 75 * (number - FIRST) for number in lines}
    for number in lines[::2]:
        rig.sim.line(number).do(f"call 1380013{number:04} none {DID}; answered 60; tone {hertz[number]} 9999")
    rig.until(lambda: len(rig.all(ChannelOffered)) == COUNT // 2)
    for number in lines[1::2]:
        rig.sim.line(number).when("dialled", f"ring 1; answer; tone {hertz[number]} 9999")
        rig.do(Originate(f"o{number}", TrunkTarget(TRUNK, "1"), "1", ring_timeout=60))
    for came in rig.all(ChannelOffered):
        rig.do(Answer(came.channel))
    rig.until(lambda: len(rig.all(ChannelAnswered)) == COUNT)
    rig.until(lambda: all(rig.slot(number) is Slot.TALKING for number in lines))
    for number in lines:
        rig.do(Music(rig.channel(number), True))
        rig.sim.stream(number, True)
    pieces: dict[int, bytes] = dict.fromkeys(lines, b"")
    for _ in range(25):
        rig.step()
        for number, piece in zip(lines, rig.sim.take(lines), strict=True):
            pieces[number] += piece or b""
    for number, heard in pieces.items():
        assert share(from_alaw(heard[-1600:]).tobytes(), hertz[number]) > 0.9, number
    assert all(rig.sim.line(number).now().heard_dbm0 > -40 for number in lines)


def test_the_simulated_board_of_the_product_has_an_e1_that_can_be_called_and_unplugged(tmp_path: Path) -> None:
    try:
        board, outside = simulated("synway", BUILT, tmp_path, 1)
    except BuildFailed as error:
        pytest.skip(str(error))
    events: list[SwitchEvent] = []
    floor = Floor("board", board, Prompts(tmp_path, tmp_path / "made"), tmp_path, events.append)
    first = TRUNKS + EXTENSIONS
    floor.set_plan(read_plan({"lines": [{"line": first, "trunk": TRUNK}]}))
    floor.open()
    outside.begin(floor)

    def step() -> None:
        floor.step()
        outside.step(floor)

    def until(condition: Any) -> None:
        wait(condition, step, list, 0.01)

    try:
        step()
        until(lambda: not floor.lines[first].dead)
        outside.test_call(floor, Incoming(DID, "13800138000", max_seconds=60))
        until(lambda: [one for one in events if isinstance(one, ChannelOffered) and one.dialed == DID])
        outside.hand(first, "unplug")
        until(lambda: all(floor.lines[n].alarm is Alarm.SIGNAL for n in range(first, first + COUNT)))
        assert [one.cause for one in events if isinstance(one, ChannelHungUp)] == [Cause.MEDIA_LOST]
        outside.hand(first, "plug")
        until(lambda: not floor.lines[first].dead)
    finally:
        floor.close()
        outside.close()
        outside.sim.reset()


def test_a_far_end_that_changes_its_mind_and_odd_numbers_stop_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(line: SimLine) -> None:
        raise SimRefused("gone meanwhile")

    with monkeypatch.context() as patch:
        patch.setattr(SimLine, "exchange_accept", too_late)
        rig.sim.line(FIRST).do(f"call 13800138000 none {DID}; answered 1")
        rig.until(lambda: rig.slot() is Slot.OFFERED)
        rig.until(lambda: rig.slot() is Slot.IDLE)
    assert not rig.all(ChannelOffered)
    rig.sim.line(FIRST).do("call +8613800138000 none +864008001234; answered 60")
    came = rig.wanted(ChannelOffered)
    assert (came.caller_number, came.dialed) == ("8613800138000", "864008001234")
