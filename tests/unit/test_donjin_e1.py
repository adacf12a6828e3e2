"""Calls on a Donjin E1 board in the call model, by its ISDN and by its SS1, on the simulated board."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cards.donjin.board import DonjinBoard
from cards.donjin.e1 import DonjinE1Board
from cards.donjin.e1_declarations import DECLARATIONS
from cards.host import commands
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.host.plan import read_plan
from cards.host.process import make_board
from cards.host.sound import Prompts
from cards.sim.build import Face, library
from cards.sim.control import SimBoard, Slot
from cti.domain.switch.commands import Answer, Bridge, Hangup, Music, Originate, RecordStart, TrunkTarget
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelOffered,
    ChannelRinging,
    Digit,
    RecordingStopped,
    TrunkChanged,
)
from cti.domain.switch.terms import Cause, TrunkState
from cti.switch_settings import SwitchKind, SwitchSettings
from tests.fakes.events import EventLog
from tests.unit.cards_sim import BUILT, share

LINE, OTHER = 0, 1
RECORD = "01AAAAAAAAAAAAAAAAAAAAAAAA"


class Rig:
    def __init__(self, kind: str, folder: Path) -> None:
        path = library(Face.DONJIN, BUILT)
        self.sim, self.folder = SimBoard(path), folder
        self.sim.reset()
        self.sim.configure(trunks=0, extensions=0, **{kind: 30})
        self.events = EventLog()
        self.all = self.events.all
        prompts, board = Prompts(folder / "prompts", folder / "made"), DonjinE1Board([path])
        self.floor = Floor("board", board, prompts, folder, self.events, clock=lambda: self.sim.now)
        self.floor.set_plan(read_plan({"lines": [{"line": n, "trunk": "e1"} for n in (LINE, OTHER)], "hunt": "first"}))
        self.floor.open()
        self.wanted(TrunkChanged, trunk="e1", state=TrunkState.UP)

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        self.sim.until(condition, seconds, self.floor.step)

    def wanted(self, kind: type[Any], **values: object) -> Any:
        self.until(lambda: self.all(kind, **values))
        return self.all(kind, **values)[-1]

    def do(self, command: Any) -> None:
        commands.execute(self.floor, command)

    def call_in(self, then: str = "", line: int = LINE) -> str:
        """The channel of a call that was answered."""
        self.sim.line(line).do(f"call 1380013800{line} none 8000; answered 60; {then}")
        before = len(self.all(ChannelOffered))
        self.until(lambda: len(self.all(ChannelOffered)) > before)
        offered = self.all(ChannelOffered)[-1]
        assert offered.caller_number == f"1380013800{line}"
        assert (offered.dialed, offered.trunk) == ("8000", "e1")
        self.do(Answer(offered.channel))
        self.until(lambda: self.sim.line(line).timeslot().state is Slot.TALKING)
        return str(offered.channel)

    def call_out(self, script: str, hidden: bool = False) -> None:
        self.sim.line(LINE).when("dialled", script)
        self.do(Originate("o1", TrunkTarget("e1", "02112345678", hidden), "13900139000", ring_timeout=8))

    def idle_again(self) -> None:
        self.until(lambda: self.floor.lines[LINE].state is LineState.IDLE)
        self.until(lambda: self.sim.line(LINE).timeslot().state is Slot.IDLE)


@pytest.fixture(params=["pri", "ss1"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(request.param, tmp_path)
    yield rig
    rig.floor.close()


def test_a_caller_presses_is_recorded_and_goes(rig: Rig) -> None:
    channel = rig.call_in("tone 700 2; digits 4#; wait 1; hangup")
    rig.do(RecordStart(channel, RECORD, "2026/11/22/e1-1"))
    over = rig.wanted(ChannelHungUp, channel=channel)
    assert (over.cause, over.by_far_side) == (Cause.NORMAL, True)
    assert [one.digit for one in rig.all(Digit)] == ["4", "#"]
    sound = np.fromfile(rig.folder / rig.all(RecordingStopped)[0].file, "<i2").reshape(-1, 2)
    assert share(sound[2000:12000, 0].tobytes(), 700) > 0.8
    rig.idle_again()


def test_two_callers_are_joined_and_hear_each_other(rig: Rig) -> None:
    one, other = rig.call_in("tone 700 9999"), rig.call_in("tone 1100 9999", OTHER)
    rig.do(Bridge(one, other))
    rig.until(lambda: share(rig.sim.line(LINE).heard(0.2), 1100) > 0.8)
    rig.until(lambda: share(rig.sim.line(OTHER).heard(0.2), 700) > 0.8)
    rig.do(Hangup(one))
    rig.until(lambda: rig.sim.line(OTHER).now().heard_dbm0 < -60)
    rig.idle_again()
    rig.do(Music(other, True))
    rig.until(lambda: rig.sim.line(OTHER).now().heard_dbm0 > -30)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_call_out_rings_is_answered_and_ended_by_us(rig: Rig, hidden: bool) -> None:
    rig.call_out("ring 2; answer; tone 700 9999", hidden)
    rig.wanted(ChannelRinging)
    far = rig.sim.line(LINE).timeslot()
    assert (far.called, far.calling) == ("02112345678", "" if hidden else "13900139000")
    rig.wanted(ChannelAnswered)
    rig.do(Hangup("o1"))
    assert rig.wanted(ChannelHungUp).cause is Cause.NORMAL
    rig.idle_again()


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("busy", Cause.BUSY),
        ("hangup 1", Cause.UNALLOCATED),
        ("congestion", Cause.CONGESTION),
        ("ring 99", Cause.NO_ANSWER),
    ],
)
def test_why_a_call_out_failed(rig: Rig, script: str, cause: Cause) -> None:
    rig.call_out(script)
    assert rig.wanted(ChannelHungUp, channel="o1").cause is cause
    assert not rig.all(ChannelAnswered)
    rig.idle_again()


def test_callers_who_give_up_and_callers_who_are_refused(rig: Rig) -> None:
    rig.sim.line(LINE).do("call 13800138000 none 8000; answered 3")
    assert rig.wanted(ChannelHungUp).cause is Cause.CANCELLED
    rig.idle_again()
    rig.sim.line(LINE).do("call 13800138001 none 8000; answered 60")
    rig.do(Hangup(rig.wanted(ChannelOffered, caller_number="13800138001").channel, Cause.BUSY))
    rig.idle_again()
    assert not rig.all(ChannelAnswered)


def test_a_link_that_fails_takes_its_call_along_and_comes_back(rig: Rig) -> None:
    channel = rig.call_in()
    for line in range(30):
        rig.sim.line(line).do("unplug")
    assert rig.wanted(ChannelHungUp, channel=channel).cause is Cause.MEDIA_LOST
    rig.wanted(TrunkChanged, trunk="e1", state=TrunkState.DOWN)
    for line in range(30):
        rig.sim.line(line).do("plug")
    rig.wanted(TrunkChanged, trunk="e1", state=TrunkState.UP)
    rig.idle_again()
    rig.call_in()


def test_which_of_its_libraries_it_is_says_whose_functions_are_there(tmp_path: Path) -> None:
    source, alone = tmp_path / "e1.c", tmp_path / "e1.so"
    names = re.findall(r"(\w+)\(", DECLARATIONS)
    source.write_text("".join(f"int {name}(void) {{ return 0; }}\n" for name in names))
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(alone), str(source)], check=True)
    analog = library(Face.DONJIN, BUILT)
    for program, kind in ((f"{alone}", DonjinE1Board), (f"{analog}", DonjinBoard), (f"{alone};{analog}", DonjinBoard)):
        folders = dict.fromkeys(("home", "dist_dir", "prompts_dir", "spool_dir", "spool_here"), tmp_path)
        switch = SwitchSettings("board", SwitchKind.BOARD, own=True, **folders, vendor="donjin", program=program)
        assert isinstance(make_board(switch).board, kind)
