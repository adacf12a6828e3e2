"""Telephone lines that a recording channel hangs on, on the simulated board under both faces: what is told, recorded,
and refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from cards.host import commands
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.host.plan import read_plan
from cards.host.simulated import driver
from cards.host.sound import Prompts
from cards.sim.build import Face, library
from cards.sim.control import SimBoard, State
from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import (
    Answer,
    Bridge,
    Command,
    DeviceTarget,
    Hangup,
    Originate,
    Play,
    RecordStart,
    SetState,
)
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelWatched,
    DeviceRegistered,
    RecordingStopped,
    SwitchEvent,
)
from cti.domain.switch.terms import Cause
from tests.unit.cards_sim import BUILT, share

T = TypeVar("T")

LINE, NOBODYS = 0, 1
NEAR, FAR = 500.0, 1100.0
RECORD = "01AAAAAAAAAAAAAAAAAAAAAAAA"


class Rig:
    def __init__(self, face: Face, folder: Path) -> None:
        path = library(face, BUILT)
        self.sim, self.folder = SimBoard(path), folder
        self.sim.reset()
        self.sim.configure(trunks=0, extensions=0, recorders=2)
        self.events: list[SwitchEvent] = []
        prompts = Prompts(folder / "prompts", folder / "made")
        board = driver(face, path, folder)
        self.floor = Floor("board", board, prompts, folder, self.events.append, clock=lambda: self.sim.now)
        self.floor.set_plan(read_plan({"lines": [{"line": LINE, "device": "1001", "dialed": "02160000000"}]}))
        self.floor.open()

    def until(self, condition: Callable[[], object], seconds: float = 60) -> float:
        return self.sim.until(condition, seconds, self.floor.step)

    def all(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def ended(self) -> ChannelHungUp:
        self.until(lambda: self.all(ChannelHungUp))
        return self.all(ChannelHungUp)[-1]

    @property
    def state(self) -> LineState:
        return self.floor.lines[LINE].state


@pytest.fixture(params=Face)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(request.param, tmp_path)
    yield rig
    rig.floor.close()


@pytest.mark.parametrize("way", ["fsk", "dtmf"])
def test_a_call_to_the_telephone_is_told_with_its_number_when_it_rings(rig: Rig, way: str) -> None:
    rig.sim.line(LINE).do(f"call 13800138000 {way}; wait 8; lift; wait 3; replace")
    rig.until(lambda: rig.all(ChannelWatched))
    (seen,) = rig.all(ChannelWatched)
    assert (seen.incoming, seen.caller_number, seen.dialed, seen.device) == (True, "13800138000", "02160000000", "1001")
    assert not rig.all(ChannelAnswered)
    rig.until(lambda: rig.all(ChannelAnswered))
    assert (rig.ended().channel, rig.ended().cause) == (seen.channel, Cause.NORMAL)
    assert rig.state is LineState.IDLE


def test_a_call_that_nobody_takes_ends_when_it_does_not_ring_again(rig: Rig) -> None:
    rig.sim.line(LINE).do("call 13800138000 none; wait 9; hangup")
    assert (rig.ended().cause, rig.ended().by_far_side) == (Cause.CANCELLED, True)
    assert len(rig.all(ChannelWatched)) == 1
    assert not rig.all(ChannelAnswered)


def test_a_call_out_is_told_at_its_first_digit_and_again_when_the_number_is_whole(rig: Rig) -> None:
    rig.sim.line(LINE).do("lift; wait 2; digits 013900001111; wait 9; replace")
    rig.until(lambda: rig.all(ChannelAnswered))
    first, whole = rig.all(ChannelWatched)
    assert first.channel == whole.channel
    assert (first.incoming, first.dialed) == (False, "0")
    assert (whole.dialed, whole.caller_number) == ("013900001111", "02160000000")
    assert rig.sim.line(LINE).dialled == "013900001111"
    assert rig.sim.line(LINE).state is State.TALKING
    assert rig.ended().cause is Cause.NORMAL


def test_a_receiver_that_is_lifted_and_replaced_is_no_call(rig: Rig) -> None:
    rig.sim.line(LINE).do("lift; wait 3; replace")
    rig.until(lambda: rig.state is LineState.DIALLING)
    rig.until(lambda: rig.state is LineState.IDLE)
    assert not rig.all(ChannelWatched)


def test_a_call_whose_digits_are_not_heard_is_told_all_the_same(rig: Rig) -> None:
    rig.sim.line(LINE).do("lift; wait 40; replace")
    rig.until(lambda: rig.all(ChannelAnswered))
    assert [(one.incoming, one.dialed) for one in rig.all(ChannelWatched)] == [(False, "")]


def test_a_hook_that_is_down_for_a_moment_ends_nothing(rig: Rig) -> None:
    rig.sim.line(LINE).do("call 13800138000 fsk; wait 6; lift; wait 2; replace; wait 0.3; lift; wait 5")
    rig.until(lambda: rig.state is LineState.RELEASING)
    rig.until(lambda: rig.state is LineState.ANSWERED)
    rig.sim.line(LINE).do("replace")
    rig.ended()
    assert len(rig.all(ChannelAnswered)) == 1


def test_both_directions_are_recorded_on_both_tracks(rig: Rig) -> None:
    rig.sim.line(LINE).do(f"call 13800138000 fsk; wait 6; lift; far tone {FAR} 9; tone {NEAR} 9; replace")
    rig.until(lambda: rig.all(ChannelAnswered))
    channel = rig.all(ChannelAnswered)[0].channel
    commands.execute(rig.floor, RecordStart(channel, RECORD, "2026/11/22/tap-1"))
    rig.ended()
    (stopped,) = rig.all(RecordingStopped)
    assert rig.events.index(stopped) < rig.events.index(rig.ended())
    sound = np.fromfile(rig.folder / stopped.file, "<i2").reshape(-1, 2)
    assert len(sound) > 8 * 8000
    middle = sound[8000:56000]
    for track in (0, 1):
        heard = middle[:, track].tobytes()
        assert share(heard, NEAR) > 0.4
        assert share(heard, FAR) > 0.4


def test_nobody_can_drive_it(rig: Rig) -> None:
    rig.sim.line(LINE).do("call 13800138000 fsk; wait 6; lift; wait 60")
    rig.until(lambda: rig.all(ChannelAnswered))
    channel = rig.all(ChannelAnswered)[0].channel
    (shown,) = commands.snapshot(rig.floor).channels
    assert (shown.watched, shown.controlled, shown.answered, shown.incoming) == (True, False, True, True)
    driving: list[Command] = [
        Answer(channel),
        Hangup(channel),
        Play(channel, ("welcome",), "p"),
        Bridge(channel, channel),
    ]
    for command in driving:
        with pytest.raises(CommandRefused, match="only listened to"):
            commands.execute(rig.floor, command)
    commands.execute(rig.floor, SetState(channel, "abc"))
    assert commands.snapshot(rig.floor).channels[0].state == "abc"


def test_a_line_without_a_plan_is_left_alone(rig: Rig) -> None:
    rig.sim.line(NOBODYS).do("call 13800138000 fsk; wait 6; lift; wait 2; digits 123; wait 6; replace; wait 1; lift")
    rig.until(lambda: rig.sim.now > 20)
    assert not rig.events


def test_a_line_that_is_unplugged_in_a_call_ends_it_and_goes_on_when_it_is_back(rig: Rig) -> None:
    line = rig.sim.line(LINE)
    line.do(
        "call 13800138000 fsk; wait 6; lift; wait 2; unplug; replace; wait 3; plug; wait 2; call 10086; wait 5; lift"
    )
    assert rig.ended().cause is Cause.MEDIA_LOST
    assert rig.floor.lines[LINE].dead
    rig.until(lambda: len(rig.all(ChannelAnswered)) == 2)
    assert rig.all(ChannelWatched)[-1].caller_number == "10086"


def test_a_telephone_that_is_never_replaced_is_not_recorded_for_ever(rig: Rig) -> None:
    rig.sim.line(LINE).do("call 13800138000 fsk; wait 6; lift")
    rig.until(lambda: rig.all(ChannelAnswered))
    began = rig.sim.now
    rig.floor.clock = lambda: rig.sim.now + (4 * 3600.0 if rig.sim.now > began + 1 else 0)
    assert rig.ended().cause is Cause.NORMAL
    rig.sim.line(LINE).do("replace")
    rig.until(lambda: rig.state is LineState.IDLE)


def test_an_agent_has_a_telephone_that_is_rung_beside_one_that_is_only_listened_to(tmp_path: Path) -> None:
    path = library(Face.SYNWAY, BUILT)
    sim = SimBoard(path)
    sim.reset()
    sim.configure(trunks=0, extensions=1, recorders=1)
    floor = Floor("board", driver("synway", path, tmp_path), Prompts(tmp_path, tmp_path), tmp_path, lambda event: None)
    floor.set_plan(read_plan({"lines": [{"line": 0, "device": "1001"}, {"line": 1, "device": "1001"}]}))
    floor.open()
    commands.execute(floor, Originate("cy-1", DeviceTarget("1001"), "8000"))
    assert floor.channels["cy-1"].line.number == 0
    assert commands.snapshot(floor).devices == {"1001": True}
    floor.close()


def test_the_telephone_of_a_watched_line_is_none_that_can_be_rung(rig: Rig) -> None:
    assert commands.snapshot(rig.floor).devices == {}
    assert not rig.all(DeviceRegistered)
