"""E1 timeslots of the simulated board: PRI and SS1 calls through every state, under both faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.sim.build import Face, library
from cards.sim.control import SimBoard, State
from tests.unit.cards_sim import BUILT, SynwayBench, declarations, share

ANALOG = 1


class E1:
    """Donjin's E1 functions; one analog trunk comes before the E1 among the lines."""

    def __init__(self, **words: object) -> None:
        self.ffi = declarations("donjin_e1")
        path = library(Face.DONJIN, BUILT)
        self.lib: Any = self.ffi.dlopen(str(path))
        self.sim = SimBoard(path)
        self.sim.reset()
        self.sim.configure(trunks=ANALOG, extensions=0, **words)
        assert self.lib.DJSys_EnableCard(b"", b"") == 0
        self.steps: list[int] = []

    def line(self, trunk: int) -> Any:
        return self.sim.line(ANALOG + trunk)

    def until(self, condition: Callable[[], object], seconds: float = 5) -> None:
        self.sim.until(condition, seconds, self.poll)

    def poll(self) -> None:
        self.lib.DJSys_PushPlay()
        self.lib.DJISDN_GetEvent()

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.poll()
            self.sim.step()

    def text(self, ask: Any, *which: int) -> str:
        text = self.ffi.new("char[128]")
        ask(*which, text)
        return self.ffi.string(text).decode()

    def seen(self, ask: Callable[[], int], until: int, seconds: float = 30) -> list[int]:
        """The values one after the other, up to this one."""
        values: list[int] = []

        def look() -> bool:
            if not values or values[-1] != ask():
                values.append(ask())
            return values[-1] == until

        self.until(look, seconds)
        return values


@pytest.fixture
def pri() -> E1:
    board = E1(pri=60, no_answer=20, no_signal=8)
    assert board.lib.DJISDN_InitSystem() == 1
    return board


@pytest.fixture
def ss1() -> E1:
    return E1(ss1=30, no_answer=20, no_signal=8)


def isdn(board: E1, trunk: int = 0) -> Callable[[], int]:
    return lambda: board.lib.DJISDN_GetChnState(trunk // 30, trunk % 30)


def test_pri_counts_its_links_and_channels(pri: E1) -> None:
    assert pri.lib.DJSys_GetPcmNum() == 2
    assert pri.lib.DJTrk_GetTotalTrunkNum() == 60
    assert pri.lib.DJISDN_GetChnState(2, 0) == 3


def test_recording_channels_come_after_the_timeslots() -> None:
    board = E1(pri=30, recorders=1)
    assert board.lib.DJISDN_InitSystem() == 1
    board.line(29).do("call 13800138000 none 8000")
    board.until(lambda: board.lib.DJISDN_GetChnState(0, 29) == 11)


def test_pri_call_in_through_every_state(pri: E1, tmp_path: Path) -> None:
    trunk = 31
    pri.line(trunk).do("call 01062345678 none 4008001; answered 30; tone 500 2; digits 12; wait 1; hangup")
    pri.until(lambda: isdn(pri, trunk)() == 11)
    assert pri.text(pri.lib.DJISDN_GetCallerNumber, 1, 1) == "01062345678"
    assert pri.text(pri.lib.DJISDN_GetCalleeNumber, 1, 1) == "4008001"
    assert pri.lib.DJISDN_SetChnState(1, 1, 4, 0) == 1
    pri.run(0.5)
    assert pri.line(trunk).state is State.RINGING
    assert pri.lib.DJISDN_SetChnState(1, 1, 2, 0) == 1
    assert pri.lib.DJVoc_RecordFile(trunk, bytes(tmp_path / "in"), 0) == 1
    assert pri.seen(isdn(pri, trunk), 2) == [4, 5, 7, 2]
    pri.lib.DJVoc_StopRecordFile(trunk)
    assert pri.lib.DJISDN_GetDisconnectReason(1, 1) == 16
    assert "".join(pri.lib.DJTrk_GetDtmfCodeNew(trunk).decode() for _ in range(2)) == "12"
    assert (tmp_path / "in").stat().st_size > 16_000
    assert pri.lib.DJISDN_SetChnState(1, 1, 1, 0) == 1
    pri.run(0.2)
    assert isdn(pri, trunk)() == 1


def callout(board: E1, number: bytes = b"13800138000") -> int:
    pcm, ch = board.ffi.new("int *"), board.ffi.new("int *")
    assert board.lib.DJISDN_GetCalloutChn(pcm, ch) == 1
    trunk = pcm[0] * 30 + ch[0]
    assert board.lib.DJISDN_Callout(pcm[0], ch[0], number, b"", b"4008001", b"") == 1
    return int(trunk)


def test_pri_call_out_through_every_state(pri: E1) -> None:
    pri.line(0).when("dialled", "wait 1; ring 2; answer; tone 700 1; wait 60")
    assert callout(pri) == 0
    assert pri.seen(isdn(pri), 5) == [12, 23, 21, 5]
    assert pri.lib.DJISDN_GetCalloutResult(0, 0) == 2
    assert pri.line(0).dialled == "13800138000"
    assert pri.lib.DJISDN_SetChnState(0, 0, 3, 16) == 1
    assert pri.seen(isdn(pri), 2) == [6, 2]
    assert pri.lib.DJISDN_Callout(0, 0, b"1", b"", b"", b"") == 0
    assert pri.lib.DJISDN_SetChnState(0, 0, 1, 0) == 1


@pytest.mark.parametrize(
    ("far_end", "cause"),
    [("busy", 17), ("congestion", 34), ("hangup 1", 1), ("ring 1; hangup 21", 21), ("ring 60", 19), ("dead", 102)],
)
def test_pri_calls_that_fail_say_why(pri: E1, far_end: str, cause: int) -> None:
    pri.line(0).when("dialled", far_end)
    callout(pri)
    pri.until(lambda: isdn(pri)() == 2, 30)
    assert pri.lib.DJISDN_GetDisconnectReason(0, 0) == cause


def test_pri_callers_who_give_up_and_calls_that_are_refused(pri: E1) -> None:
    pri.line(0).do("call 1 none 2; answered 1")
    pri.line(1).do("call 1 none 2; answered 10")
    pri.until(lambda: isdn(pri)() == 11 and isdn(pri, 1)() == 11)
    assert pri.lib.DJISDN_SetChnState(0, 1, 3, 17) == 1
    pri.until(lambda: isdn(pri)() == 2 and isdn(pri, 1)() == 2)
    assert pri.lib.DJISDN_GetDisconnectReason(0, 1) == 17
    pri.run(1)
    assert not pri.line(1).now().script_running


def test_pri_states_move_only_while_they_are_pumped(pri: E1) -> None:
    pri.line(0).do("call 1 none 2; answered 10")
    pri.sim.run(1)
    assert isdn(pri)() == 1


def test_thirty_calls_in_are_joined_with_thirty_out(pri: E1) -> None:
    for trunk in range(30):
        pri.line(trunk).do(f"call 1380000{trunk:04d} none 4008001; answered 30; tone {400 + 20 * trunk} 60")
        pri.line(30 + trunk).when("dialled", f"ring 1; answer; tone {1400 + 20 * trunk} 60")
    pri.until(lambda: all(isdn(pri, trunk)() == 11 for trunk in range(30)))
    for trunk in range(30):
        assert pri.lib.DJISDN_Callout(1, trunk, b"%d" % (6000 + trunk), b"", b"", b"") == 1
    pri.until(lambda: all(isdn(pri, 30 + trunk)() == 5 for trunk in range(30)))
    for trunk in range(30):
        assert pri.lib.DJISDN_SetChnState(0, trunk, 2, 0) == 1
        assert pri.lib.DJExg_SetLinkTrunkAndTrunk(trunk, 30 + trunk) == 1
    pri.run(1)
    for trunk in range(30):
        assert share(pri.line(30 + trunk).heard(0.5), 400 + 20 * trunk) > 0.95
        assert share(pri.line(trunk).heard(0.5), 1400 + 20 * trunk) > 0.95


def test_a_link_that_fails_takes_its_calls_along(pri: E1) -> None:
    pri.line(0).do("call 1 none 2; answered 30; wait 60")
    pri.until(lambda: isdn(pri)() == 11)
    pri.lib.DJISDN_SetChnState(0, 0, 2, 0)
    pri.until(lambda: isdn(pri)() == 5)
    pri.line(0).do("unplug")
    pri.until(lambda: isdn(pri)() == 3)
    pri.line(0).do("plug")
    pri.until(lambda: isdn(pri)() == 2)
    assert pri.lib.DJISDN_SetChnState(0, 0, 1, 0) == 1
    pri.until(lambda: isdn(pri)() == 1)


def step(board: E1, trunk: int = 0) -> Callable[[], int]:
    return lambda: board.lib.DJTrk_GetTrunkStatus(trunk)


def test_ss1_call_in_is_answered_by_a_prompt(ss1: E1, tmp_path: Path) -> None:
    (tmp_path / "hello.al").write_bytes(b"\xd5" * 8000)
    ss1.line(0).do("call 01062345678 none 4008001; answered 30; wait 2; hangup")
    assert ss1.seen(step(ss1), 7) == [0, 1, 2, 3, 7]
    assert ss1.lib.DJTrk_CheckTrunkIn(0) == 1
    assert ss1.text(ss1.lib.DJTrk_GetHostCodeA, 0) == "01062345678"
    assert ss1.text(ss1.lib.DJTrk_GetMfcCodeA, 0) == "4008001"
    assert ss1.lib.DJVoc_PlayFile(0, bytes(tmp_path / "hello.al")) == 1
    assert ss1.seen(step(ss1), 9) == [7, 8, 9]
    assert ss1.lib.DJTrk_CheckForwardHangUp(0) == 1
    assert ss1.lib.DJTrk_BackwardHangUp(0) == 1
    assert ss1.seen(step(ss1), 0) == [19, 0]


@pytest.mark.parametrize(("answer", "state"), [(16, 7), (19, 19), (20, 19)])
def test_ss1_call_in_is_accepted_or_refused_by_us(ss1: E1, answer: int, state: int) -> None:
    ss1.lib.DJSys_DisableAutoKB()
    ss1.line(0).do("call 1 none 2; answered 30")
    ss1.until(lambda: step(ss1)() == 4)
    assert ss1.lib.DJTrk_SetTrunkKB(0, 1) == 0
    assert ss1.lib.DJTrk_SetTrunkKB(0, answer) == 1
    assert step(ss1)() == state


@pytest.mark.parametrize(
    ("far_end", "status", "steps"),
    [
        ("ring 1; answer; wait 60", 4, [14, 15, 16, 17, 7, 8]),
        ("busy", 2, [14, 15, 16, 17, 18]),
        ("hangup 1", 6, [14, 15, 16, 17, 18]),
        ("ring 60", 7, [14, 15, 16, 17, 7, 18]),
        ("ring 1; answer; wait 1; hangup", 4, [14, 15, 16, 17, 7, 8]),
    ],
)
def test_ss1_call_out(ss1: E1, far_end: str, status: int, steps: list[int]) -> None:
    trunk = ss1.lib.DJTrk_GetFreeTrunkIDForDial(-1)
    ss1.line(trunk).when("dialled", far_end)
    assert ss1.lib.DJTrk_StartDial(trunk, b"13800138000", b"4008001") == 1
    assert ss1.lib.DJTrk_GetFreeTrunkIDForDial(0) == trunk + 1
    assert ss1.seen(step(ss1, trunk), steps[-1], 40) == steps
    assert ss1.lib.DJTrk_GetDialStatus(trunk) == status
    if far_end.endswith("wait 1; hangup"):
        assert ss1.seen(step(ss1, trunk), 10) == [8, 10]


@pytest.mark.parametrize(
    ("words", "ringing", "out"),
    [({"pri": 30}, [84, 7, 2, 85, 3, 7], [81, 86, 9, 3]), ({"ss1": 30}, [30, 7, 2, 3, 7], [40, 44, 9, 3])],
)
def test_synway_calls_in_and_out_through_every_state(words: dict[str, int], ringing: list[int], out: list[int]) -> None:
    board = SynwayBench(trunks=0, extensions=0, **words)
    assert board.lib.SsmGetChType(0) == (7 if "pri" in words else 4)
    board.line(0).do("call 01062345678 none 4008001; answered 30; wait 1; hangup")
    board.until(lambda: board.state(0) == 7, 6)
    assert board.lib.SsmGetPendingReason(0) == 10
    assert board.text(board.lib.SsmGetCallerId, 0) == "01062345678"
    assert board.text(board.lib.SsmGetPhoNumStr, 0) == "4008001"
    assert board.lib.SsmSetKB(0, 1) == 0
    assert board.lib.SsmPickup(0) == 0
    board.until(lambda: board.state(0) == 7, 6)
    assert board.states(0) == ringing
    assert board.lib.SsmGetPendingReason(0) == (41 if "pri" in words else 12)
    assert board.lib.SsmHangup(0) == 0
    board.until(lambda: board.state(0) == 0, 2)
    board.line(1).when("dialled", "ring 1; answer; wait 1; hangup")
    assert board.lib.SsmSetTxCallerId(1, b"4008001") == 0
    assert board.lib.SsmAutoDial(1, b"13800138000") == 0
    board.until(lambda: board.state(1) == 3, 9)
    assert board.states(1) == out
    assert board.lib.SsmChkAutoDial(1) == 7
    board.until(lambda: board.state(1) == 7, 9)
    assert board.lib.SsmGetReleaseReason(1) == 16


@pytest.mark.parametrize(
    ("far_end", "cause", "reason"), [("busy", 17, 46), ("hangup 1", 1, 45), ("ring 90", 19, 52), ("hangup 21", 21, 53)]
)
def test_synway_isdn_calls_that_fail_say_why(far_end: str, cause: int, reason: int) -> None:
    board = SynwayBench(trunks=0, extensions=0, pri=30)
    board.line(0).when("dialled", far_end)
    assert board.lib.SsmAutoDial(0, b"112") == 0
    board.until(lambda: board.state(0) == 7, 70)
    assert board.lib.SsmGetReleaseReason(0) == cause
    assert board.lib.SsmGetPendingReason(0) == reason
    assert board.lib.SsmSetKB(0, 1) == -1
