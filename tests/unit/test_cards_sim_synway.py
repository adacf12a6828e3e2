"""The simulated board through the Synway interface: states, events and results."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from cards.host.sound import from_alaw, to_alaw
from cards.sim.control import Pieces, SimBoard, SimRefused, State
from tests.unit.cards_sim import SynwayBench, share, sine

STANDBY, PICKED_UP, RINGING, TALKING, WAIT_TONE, SENDING, WAIT_RESULT, PENDING, OFFLINE, UNAVAILABLE = (*range(9), 11)
DIGIT, DIALLING, RING, CALLER, FLASH, HOOK, BUSY = 0xC, 0x19, 0x1E, 0x1F, 0x23, 0x24, 0x28
TRUNK, TRUNK2, PHONE, PHONE2, RECORDER = 0, 1, 2, 3, 4


@pytest.fixture
def board() -> SynwayBench:
    return SynwayBench(trunks=2, extensions=2, recorders=1)


def test_channels_are_told_by_their_kind(board: SynwayBench) -> None:
    assert [board.lib.SsmGetChType(ch) for ch in range(5)] == [0, 0, 2, 2, 3]
    assert board.lib.SsmGetMaxCh() == 5
    assert board.ffi.sizeof("ssm_event") == 12


def test_a_call_comes_in_and_the_far_end_hangs_up(board: SynwayBench) -> None:
    board.line(TRUNK).do("call 01062345678 fsk; answered 30; wait 1; digits 12#; hangup")
    board.until(lambda: board.params(CALLER, TRUNK)[-1:] == [3], 5)
    assert board.text(board.lib.SsmGetCallerId, TRUNK) == "01062345678"
    assert board.text(board.lib.SsmGetCallerIdEx, TRUNK)[8:] == "01062345678"
    assert board.lib.SsmPickup(TRUNK) == 0
    board.until(lambda: board.state(TRUNK) == PENDING, 6)
    assert board.lib.SsmGetPendingReason(TRUNK) == 4
    assert board.text(board.lib.SsmGetDtmfStr, TRUNK) == "12#"
    assert [param & 0xFF for param in board.params(DIGIT, TRUNK)] == [ord(key) for key in "12#"]
    assert board.params(RING, TRUNK) == [1]
    assert board.params(BUSY, TRUNK) == [1]
    assert board.lib.SsmHangup(TRUNK) == 0
    board.poll()
    assert board.states(TRUNK) == [RINGING, TALKING, PENDING, STANDBY]


def test_a_caller_who_gives_up_leaves_the_channel_idle(board: SynwayBench) -> None:
    board.line(TRUNK).do("call 1 none; answered 6")
    board.until(lambda: board.state(TRUNK) == RINGING, 1)
    board.until(lambda: board.state(TRUNK) == STANDBY, 12)


@pytest.mark.parametrize(
    ("far_end", "states", "progress", "reason"),
    [
        ("ring 2; answer; tone 800 5", [WAIT_TONE, SENDING, WAIT_RESULT, TALKING], [1, 2, 7], None),
        ("busy", [WAIT_TONE, SENDING, WAIT_RESULT, PENDING], [1, 4], 1),
        ("ring 100", [WAIT_TONE, SENDING, WAIT_RESULT, PENDING], [1, 2, 10], 3),
        ("dead", [WAIT_TONE, SENDING, WAIT_RESULT, PENDING], [1, 6], 5),
        ("none", [WAIT_TONE, PENDING], [1, 3], 0),
    ],
)
def test_what_becomes_of_a_dialled_call(
    far_end: str, states: list[int], progress: list[int], reason: int | None
) -> None:
    board = SynwayBench(trunks=1, extensions=0, no_answer=20)
    if far_end == "none":
        board.line(TRUNK).do("nodialtone")
        board.run(0.1)
    else:
        board.line(TRUNK).when("dialled", far_end)
    assert board.lib.SsmSearchIdleCallOutCh(1, 0) == TRUNK
    assert board.lib.SsmAutoDial(TRUNK, b"02087654321") == 0
    assert board.lib.SsmSearchIdleCallOutCh(1, 0) == -1
    board.until(lambda: board.state(TRUNK) in (TALKING, PENDING), 60)
    board.poll()
    assert board.states(TRUNK) == states
    assert board.params(DIALLING, TRUNK) == progress
    assert board.lib.SsmChkAutoDial(TRUNK) == progress[-1]
    assert board.lib.SsmGetPendingReason(TRUNK) == (-1 if reason is None else reason)


def test_a_telephone_is_rung_shows_who_calls_is_lifted_flashes_and_is_replaced(board: SynwayBench) -> None:
    board.line(PHONE).when("rung", "wait 4; lift")
    assert board.lib.SsmStartRingWithCIDStr(PHONE, b"13800138000", 11, 0) == 0
    board.until(lambda: board.state(PHONE) == TALKING, 6)
    assert board.line(PHONE).shown == "13800138000"
    board.line(PHONE).do("flash; wait 1; replace")
    board.until(lambda: board.state(PHONE) == STANDBY, 4)
    assert board.params(FLASH, PHONE) == [1]
    assert board.params(HOOK, PHONE) == [1, 0]
    board.poll()
    assert board.states(PHONE) == [RINGING, TALKING, STANDBY]


def test_a_telephone_that_is_lifted_by_itself_is_picked_up(board: SynwayBench) -> None:
    board.line(PHONE).do("lift; wait 1; digits 8001")
    board.until(lambda: board.state(PHONE) == PICKED_UP, 1)
    assert board.lib.SsmSendTone(PHONE, 0) == 0
    board.run(0.5)
    assert share(board.line(PHONE).heard(0.2), 450) > 0.95
    board.lib.SsmStopSendTone(PHONE)
    board.run(2)
    assert board.text(board.lib.SsmGetDtmfStr, PHONE) == "8001"
    assert board.lib.SsmStartRing(PHONE) == -1


def test_who_listens_hears_several(board: SynwayBench) -> None:
    board.answered(TRUNK, "tone 600 30")
    board.answered(TRUNK2, "tone 1000 30")
    board.line(PHONE).do("lift; tone 1700 30")
    board.run(0.3)
    assert board.lib.SsmListenTo(TRUNK, PHONE) == 0
    assert board.lib.SsmListenTo(TRUNK2, PHONE) == 0
    board.run(1)
    heard = board.line(PHONE).heard(0.5)
    assert share(heard, 600) > 0.4
    assert share(heard, 1000) > 0.4
    assert board.line(TRUNK).now().heard_dbm0 < -60
    board.lib.SsmStopListenTo(TRUNK, PHONE)
    board.run(0.6)
    assert share(board.line(PHONE).heard(0.5), 600) < 0.01


def test_a_conference_is_made_joined_left_and_freed(board: SynwayBench) -> None:
    group = board.lib.SsmCreateConfGroup(8, -1, -1, 0)
    assert group > 0
    board.answered(TRUNK, "tone 600 30")
    board.answered(TRUNK2, "tone 1000 30")
    assert board.lib.SsmJoinConfGroup(group, TRUNK, 0, 0, 0, 0) == 0
    assert board.lib.SsmJoinConfGroup(group, TRUNK2, 0, 0, 0, 0) == 0
    assert board.lib.SsmJoinConfGroup(group + 1, TRUNK2, 0, 0, 0, 0) == -1
    board.run(1)
    assert share(board.line(TRUNK).heard(0.5), 1000) > 0.95
    assert board.lib.SsmExitConfGroup(TRUNK2, 0) == 0
    assert board.lib.SsmExitConfGroup(TRUNK2, 0) == -1
    assert board.lib.SsmFreeConfGroup(group) == 0
    assert board.lib.SsmFreeConfGroup(group) == -1


def test_a_line_unplugged_cannot_be_used_until_it_is_back(board: SynwayBench) -> None:
    board.line(TRUNK).do("unplug")
    board.until(lambda: board.state(TRUNK) == UNAVAILABLE, 1)
    assert board.lib.SsmGetLineVoltage(TRUNK) == 0
    assert board.lib.SsmPickup(TRUNK) == -1
    assert board.lib.SsmSearchIdleCallOutCh(1, 0) == TRUNK2
    board.line(TRUNK).do("plug")
    board.until(lambda: board.state(TRUNK) == STANDBY, 1)


def test_a_recorder_follows_the_watched_line(board: SynwayBench) -> None:
    board.line(RECORDER).do("call 10086 fsk; wait 5; lift; wait 2; replace; wait 1; unplug")
    board.until(lambda: board.state(RECORDER) == OFFLINE, 12)
    board.poll()
    assert board.states(RECORDER) == [RINGING, TALKING, STANDBY, OFFLINE]
    assert board.text(board.lib.SsmGetCallerId, RECORDER) == "10086"


def test_events_wake_who_waits_for_them(board: SynwayBench) -> None:
    event = board.ffi.new("ssm_event *")
    assert board.lib.SsmWaitForEvent(1, event) == -1
    woken: list[tuple[int, int]] = []

    def wait() -> None:
        if board.lib.SsmWaitForEvent(20_000, event) == 0:
            woken.append((event.code, event.channel))

    thread = threading.Thread(target=wait)
    thread.start()
    board.line(PHONE).do("lift")
    board.sim.step()
    thread.join(20)
    assert woken == [(HOOK, PHONE)]


def test_only_events_that_were_asked_for_come(board: SynwayBench) -> None:
    board.lib.SsmSetEvent(0xFFFF, -1, 0, board.ffi.NULL)
    board.lib.SsmSetEvent(HOOK, PHONE, 1, board.ffi.NULL)
    board.line(PHONE).do("lift")
    board.line(PHONE2).do("lift")
    board.run(0.2)
    assert board.seen == [(HOOK, PHONE, 1)]
    mode = board.ffi.new("ssm_event_mode *", {"mode": 2})
    assert board.lib.SsmSetEvent(0xFFFF, -1, 1, mode) == -1


def test_the_oldest_events_go_when_nobody_fetches_them() -> None:
    board = SynwayBench(trunks=0, extensions=0, recorders=100)
    for ch in range(100):
        board.line(ch).do("lift; wait 0.02; replace; wait 0.02; repeat")
    board.sim.step(120)
    count = 0
    event = board.ffi.new("ssm_event *")
    while board.lib.SsmGetEvent(event) == 0:
        count += 1
    assert count == 8192


def test_configuration_stands_in_the_file_that_starts_the_library(tmp_path: Path) -> None:
    bench = SynwayBench(trunks=1, extensions=0)
    bench.sim.reset()
    config = tmp_path / "ShConfig.ini"
    config.write_text("[System]\ntrunks=99\n[SimBoard]\ntrunks=3\nextensions=2\n[Other]\npri=9\n")
    assert bench.lib.SsmStartCti(bytes(config), b"") == 0
    assert bench.lib.SsmGetMaxCh() == 5
    assert bench.lib.SsmStartCti(bytes(config), b"") == -1
    assert bench.lib.SsmCloseCti() == 0
    assert bench.lib.SsmCloseCti() == -1
    assert bench.lib.SsmStartCti(bytes(tmp_path / "missing"), b"") == -1
    assert bench.lib.SsmGetLastErrCode() == 0
    config.write_text("[SimBoard]\ntrunks=many\n")
    assert bench.lib.SsmStartCti(bytes(config), b"") == -1
    assert "trunks=many" in bench.ffi.string(bench.lib.SsmGetLastErrMsgA()).decode()


def test_what_is_asked_in_vain_says_why(board: SynwayBench) -> None:
    refused = [
        (board.lib.SsmPickup(99), 2),
        (board.lib.SsmPickup(PHONE), 3),
        (board.lib.SsmAutoDial(TRUNK, b"12 34"), 8),
        (board.lib.SsmAutoDial(PHONE, b"12"), 3),
        (board.lib.SsmSendTone(PHONE, 9), 8),
        (board.lib.SsmPlayFile(TRUNK, b"/no/such", -1, 0, 0xFFFFFFFF), 9),
        (board.lib.SsmPlayFile(TRUNK, b"/etc/passwd", 85, 0, 0xFFFFFFFF), 7),
        (board.lib.SsmTxDtmf(TRUNK, b"x"), 8),
        (board.lib.SsmTalkWith(TRUNK, TRUNK), 2),
        (board.lib.SsmGetChState(-1), 2),
    ]
    assert [result for result, _ in refused] == [-1] * len(refused)
    for ask, code in (
        (lambda: board.lib.SsmPickup(99), 2),
        (lambda: board.lib.SsmPickup(PHONE), 3),
        (lambda: board.lib.SsmAutoDial(TRUNK, b"12 34"), 8),
        (lambda: board.lib.SsmPlayFile(TRUNK, b"/no/such", -1, 0, 0xFFFFFFFF), 9),
        (lambda: board.lib.SsmPlayFile(TRUNK, b"/etc/passwd", 85, 0, 0xFFFFFFFF), 7),
    ):
        assert ask() == -1
        assert board.lib.SsmGetLastErrCode() == code
    assert board.state(TRUNK) == STANDBY
    with pytest.raises(SimRefused):
        board.line(PHONE).when("dialled", "busy")


def test_a_call_of_the_far_end_meets_a_line_that_was_taken(board: SynwayBench) -> None:
    board.line(TRUNK).when("dialled", "ring 1; answer; tone 800 60")
    board.lib.SsmAutoDial(TRUNK, b"10086")
    board.run(0.5)
    board.until(lambda: board.state(TRUNK) == TALKING, 20)
    board.line(TRUNK).do("call 10010 fsk; answered 20")
    board.run(1)
    assert board.line(TRUNK).state is State.TALKING
    board.lib.SsmHangup(TRUNK)
    board.until(lambda: board.state(TRUNK) == RINGING, 5)


def test_a_stream_carries_the_sound_of_a_line_both_ways_and_does_not_grow(board: SynwayBench) -> None:
    sim, tone = board.sim, to_alaw(sine(1000, 1.0).astype(np.int16))
    board.line(TRUNK).do("call 1 none; answered 30; tone 600 10 -12")
    board.until(lambda: board.state(TRUNK) == RINGING, 2)
    assert sim.take([TRUNK]) == [None]
    sim.stream(TRUNK, True)
    assert board.lib.SsmPickup(TRUNK) == 0
    board.run(0.5)
    for _ in range(16):
        sim.take([TRUNK])
    assert sim.take([TRUNK]) == [None]
    before, said = sim.pieces(), b""
    for n in range(50):
        sim.give([(TRUNK, tone[n * 160 :][:160])])
        sim.step()
        (piece, nothing) = sim.take([TRUNK, TRUNK2])
        assert piece is not None
        assert nothing is None
        said += piece
    assert share(from_alaw(said).tobytes(), 600) > 0.9
    assert share(board.line(TRUNK).heard(0.5), 1000) > 0.9
    assert sim.pieces() == before
    for _ in range(10):
        sim.give([(TRUNK, tone[:160])])
    assert (sim.pieces() - before).too_many > 3, "what comes too fast is dropped, so that delay does not grow"
    sim.stream(TRUNK, False)
    assert sim.take([TRUNK]) == [None]
    with pytest.raises(SimRefused):
        sim.stream(99, True)


def talking_stream(board: SynwayBench) -> SimBoard:
    """Of a line whose caller has been answered, in a steady state."""
    board.line(TRUNK).do("call 1 none; answered 30; wait 60")
    board.until(lambda: board.state(TRUNK) == RINGING, 2)
    board.sim.stream(TRUNK, True)
    assert board.lib.SsmPickup(TRUNK) == 0
    return board.sim


def test_pieces_that_come_late_are_all_said_and_only_silence_makes_up_for_it() -> None:
    """Every piece has a level of its own by which it is known again."""
    board = SynwayBench(trunks=1, extensions=0, noise="off")
    sim, levels = talking_stream(board), [*range(4, 24)] * 5
    before = sim.pieces()
    heard: list[int] = []

    def say(*pieces: int) -> None:
        for level in pieces:
            sim.give([(TRUNK, to_alaw(np.full(160, 1000 * level, np.int16)))])
        sim.step()
        sim.take([TRUNK])
        heard.append(round(float(np.median(np.frombuffer(board.line(TRUNK).heard(0.02), np.int16))) / 1000))

    for level in levels[:10]:
        say(level)
    say()
    say()
    say(*levels[10:13])
    for level in levels[13:]:
        say(level)
    assert [level for level in heard if level] == levels[:-2]
    for _ in range(10):
        say(0)
    assert [level for level in heard if level] == levels
    assert sim.pieces() - before == Pieces(untaken=0, too_many=0, silence=1, sound=0, dry=1)


def test_after_a_burst_the_next_silence_takes_all_the_delay_away(board: SynwayBench) -> None:
    sim, loud = talking_stream(board), to_alaw(sine(1000, 0.02).astype(np.int16))
    silence, before = to_alaw(np.zeros(160, np.int16)), sim.pieces()

    def say(piece: bytes, ticks: int) -> None:
        for _ in range(ticks):
            sim.give([(TRUNK, piece)])
            sim.step()
            sim.take([TRUNK])

    for _ in range(4):
        sim.give([(TRUNK, loud)])
    say(loud, 30)
    assert sim.pieces() == before
    say(silence, 10)
    assert (sim.pieces() - before).silence == 3
    say(silence, 100)
    assert sim.pieces() - before == Pieces(untaken=0, too_many=0, silence=3, sound=0, dry=0)


def test_after_a_burst_delay_does_not_stay_though_nobody_is_ever_silent(board: SynwayBench) -> None:
    sim, loud = talking_stream(board), to_alaw(sine(1000, 0.02).astype(np.int16))
    before = sim.pieces()

    def run(ticks: int) -> int:
        began = sim.pieces()
        for _ in range(ticks):
            sim.give([(TRUNK, loud)])
            sim.step()
            sim.take([TRUNK])
        return (sim.pieces() - began).sound

    for _ in range(3):
        sim.give([(TRUNK, loud)])
    assert run(240) == 0
    assert run(800) == 2
    assert run(300) == 0
    assert (sim.pieces() - before).silence == (sim.pieces() - before).too_many == 0
