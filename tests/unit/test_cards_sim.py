"""The simulated board as a board: calls in and out, telephones, who hears whom; through the Donjin interface."""

from __future__ import annotations

import pytest

from cards.sim.control import SimRefused, State
from tests.unit.cards_sim import DonjinBench, share

TRUNK, TRUNK2, PHONE, PHONE2, PHONE3 = 0, 1, 2, 3, 4


@pytest.fixture
def board() -> DonjinBench:
    return DonjinBench(trunks=2, extensions=3, recorders=1)


def test_channels_are_told_by_their_kind(board: DonjinBench) -> None:
    assert [board.lib.CheckChType(ch) for ch in range(7)] == [1, 1, 0, 0, 0, 3, 2]


def test_a_call_comes_in_with_fsk_caller_id_and_ends_with_busy_tone(board: DonjinBench) -> None:
    line = board.line(TRUNK)
    line.do("call 01062345678 fsk; answered 30; wait 1; hangup")
    board.until(lambda: board.lib.RingDetect(TRUNK), 1)
    board.until(lambda: board.caller(TRUNK)[0] == 3, 4)
    assert board.caller(TRUNK)[1][8:] == "01062345678"
    board.lib.OffHook(TRUNK)
    board.until(lambda: line.state is State.RELEASED, 2)
    assert board.until(lambda: board.lib.Sig_CheckBusy(TRUNK), 2) <= 2.0
    board.lib.HangUp(TRUNK)
    board.until(lambda: line.state is State.IDLE, 1)


def test_dtmf_caller_id_comes_before_the_first_ring_and_outlives_it(board: DonjinBench) -> None:
    board.line(TRUNK).do("call 13800138000 dtmf; answered 30")
    board.until(lambda: board.lib.RingDetect(TRUNK), 5)
    board.lib.ResetCallerIDBuffer(TRUNK)
    assert board.caller(TRUNK)[0] == 3
    assert board.caller(TRUNK)[1][8:] == "13800138000"


def test_a_caller_who_gives_up_stops_ringing(board: DonjinBench) -> None:
    board.line(TRUNK).do("call 1 none; answered 6")
    board.until(lambda: board.lib.RingDetect(TRUNK), 1)
    board.run(7)
    assert board.line(TRUNK).state is State.IDLE
    assert not board.lib.RingDetect(TRUNK)


@pytest.mark.parametrize(
    ("far_end", "polarity", "told"),
    [
        ("ring 6; answer; wait 20", 0, [0x10, 0x16, 0x10, 0x17, 0x14]),
        ("ring 1; answer; tone 800 3", 0, [0x10, 0x16, 0x10, 0x17, 0x14]),
        ("ring 2; answer; wait 20", 1, [0x10, 0x16, 0x10, 0x17, 0x14]),
        ("busy", 0, [0x10, 0x16, 0x10, 0x11]),
        ("congestion", 0, [0x10, 0x16, 0x10, 0x11]),
        ("ring 100", 0, [0x10, 0x16, 0x10, 0x17, 0x13]),
        ("dead", 0, [0x10, 0x16, 0x10, 0x15]),
    ],
)
def test_what_becomes_of_a_dialled_call(far_end: str, polarity: int, told: list[int]) -> None:
    board = DonjinBench(trunks=1, extensions=0, polarity=polarity, no_answer=30)
    board.line(TRUNK).when("dialled", far_end)
    assert board.dial(TRUNK, "02087654321") == told
    assert board.line(TRUNK).dialled == "02087654321"


@pytest.mark.parametrize(
    ("far_end", "polarity", "why"),
    [("ring 1; answer; wait 20", 1, 1), ("ring 1; answer; tone 800 3", 0, 2), ("ring 1; answer; wait 20", 0, 3)],
)
def test_how_an_answer_was_told(far_end: str, polarity: int, why: int) -> None:
    board = DonjinBench(trunks=1, extensions=0, polarity=polarity)
    board.line(TRUNK).when("dialled", far_end)
    assert board.dial(TRUNK, "114")[-1] == 0x14
    reason = board.ffi.new("int *")
    assert board.lib.Sig_CheckDial_New(TRUNK, reason) == 0x14
    assert reason[0] == why


def test_no_dial_tone_is_told(board: DonjinBench) -> None:
    board.line(TRUNK).do("nodialtone")
    assert board.dial(TRUNK, "110") == [0x10, 0x0F]


def test_a_digit_for_an_outside_line_is_sent_first(board: DonjinBench) -> None:
    board.line(TRUNK).when("dialled", "busy")
    assert board.dial(TRUNK, "110", prefix="9")[-1] == 0x11
    assert board.line(TRUNK).dialled == "9110"


def test_dialling_stands_still_while_it_is_not_polled(board: DonjinBench) -> None:
    board.lib.OffHook(TRUNK)
    assert board.lib.Sig_StartDial(TRUNK, b"110", b"", 0)
    board.run(10)
    assert board.line(TRUNK).dialled == ""


def test_an_unplugged_line_has_no_voltage_and_a_call_on_it_is_gone(board: DonjinBench) -> None:
    board.answered(TRUNK)
    board.line(TRUNK).do("unplug")
    board.run(0.1)
    assert board.lib.D080D_GetVoltageValue(TRUNK) == 0
    assert board.line(TRUNK).state is State.DEAD
    board.lib.HangUp(TRUNK)
    board.line(TRUNK).do("plug")
    board.run(0.1)
    assert board.lib.D080D_GetVoltageValue(TRUNK) == 48


def test_a_telephone_is_rung_in_the_cadence_shows_the_caller_and_is_lifted(board: DonjinBench) -> None:
    board.line(PHONE).when("rung", "wait 6; lift")
    board.lib.FeedRealRing(PHONE)
    rung = board.until(lambda: board.lib.OffHookDetect(PHONE), 8)
    assert 5.5 <= rung <= 6.5
    assert board.line(PHONE).now().rings == 2
    assert board.lib.RingDetect(PHONE)
    board.lib.FeedPower(PHONE)


def test_ringing_stands_still_while_it_is_not_fed(board: DonjinBench) -> None:
    board.poll()
    board.lib.FeedRealRing(PHONE)
    board.sim.run(12)
    assert board.line(PHONE).now().rings == 1


def test_a_flash_is_no_hang_up(board: DonjinBench) -> None:
    board.lifted(PHONE)
    board.lib.StartHangUpDetect(PHONE)
    board.line(PHONE).do("flash")
    seen = set()
    for _ in range(60):
        seen.add(board.lib.HangUpDetect(PHONE))
        board.run(0.02)
    assert seen == {0, 2, 3}
    board.line(PHONE).do("replace")
    assert 0.6 < board.until(lambda: board.lib.HangUpDetect(PHONE) == 1, 2) < 1.0


def test_linked_channels_hear_each_other_and_nobody_else(board: DonjinBench) -> None:
    board.answered(TRUNK, "tone 700 30")
    board.lifted(PHONE)
    board.lifted(PHONE2)
    board.line(PHONE).do("tone 1100 30")
    assert board.lib.SetLink(TRUNK, PHONE) == 0
    board.run(1)
    assert share(board.line(PHONE).heard(0.5), 700) > 0.95
    assert share(board.line(TRUNK).heard(0.5), 1100) > 0.95
    assert board.line(PHONE2).now().heard_dbm0 < -60
    assert board.lib.ClearLink(TRUNK, PHONE) == 0
    board.run(0.1)
    assert board.line(TRUNK).now().heard_dbm0 < -60


def test_who_listens_is_not_heard(board: DonjinBench) -> None:
    board.answered(TRUNK, "tone 700 30")
    board.lifted(PHONE)
    board.line(PHONE).do("tone 1100 30")
    assert board.lib.LinkOneToAnother(PHONE, TRUNK) == 0
    board.run(1)
    assert share(board.line(PHONE).heard(0.5), 700) > 0.95
    assert board.line(TRUNK).now().heard_dbm0 < -60


def test_in_a_conference_each_hears_the_others_and_a_listener_is_not_heard(board: DonjinBench) -> None:
    tones = {TRUNK: 600, PHONE: 1000, PHONE2: 1400, PHONE3: 1900}
    board.answered(TRUNK, "tone 600 30")
    for phone in (PHONE, PHONE2, PHONE3):
        board.lifted(phone)
        board.line(phone).do(f"tone {tones[phone]} 30")
    assert board.lib.AddChnl(1, TRUNK, 0, 0) == 4
    assert board.lib.DConf_EnableConfCard() == 0
    assert [board.lib.AddChnl(1, ch, 0, 0) for ch in (TRUNK, PHONE, PHONE2)] == [0, 0, 0]
    assert board.lib.AddListenChnl(1, PHONE3) == 0
    assert board.lib.AddChnl(2, TRUNK, 0, 0) == 6
    board.run(1)
    for ch in (TRUNK, PHONE, PHONE2):
        heard = board.line(ch).heard(0.5)
        others = [share(heard, tones[other]) for other in (TRUNK, PHONE, PHONE2) if other != ch]
        assert all(part > 0.4 for part in others), ch
        assert share(heard, tones[ch]) < 0.01
        assert share(heard, tones[PHONE3]) < 0.01
    assert all(share(board.line(PHONE3).heard(0.5), tones[ch]) > 0.25 for ch in (TRUNK, PHONE, PHONE2))


def test_digits_go_both_ways(board: DonjinBench) -> None:
    board.answered(TRUNK, "digits 123456789*0#ABCD")
    board.run(3.5)
    assert board.keys(TRUNK) == "123456789*0#ABCD"
    board.lib.SendDtmfBuf(TRUNK, b"0987*")
    board.until(lambda: board.lib.CheckSendEnd(TRUNK), 2)
    board.run(0.2)
    assert board.line(TRUNK).keys == "0987*"


def test_a_watched_telephone_is_seen_lifted(board: DonjinBench) -> None:
    recorder = 5
    board.line(recorder).do("call 10086 fsk; wait 6; lift")
    board.until(lambda: board.caller(recorder)[0] == 3, 4)
    assert not board.lib.DRec_OffHookDetect(recorder)
    board.until(lambda: board.lib.DRec_OffHookDetect(recorder), 6)


def test_a_line_that_is_rung_again_and_again(board: DonjinBench) -> None:
    board.line(TRUNK).do("call 10086 fsk; answered 20; wait 3; hangup; wait 2; repeat")
    for _ in range(3):
        board.until(lambda: board.lib.RingDetect(TRUNK), 10)
        board.lib.OffHook(TRUNK)
        board.until(lambda: board.lib.Sig_CheckBusy(TRUNK), 8)
        board.lib.HangUp(TRUNK)
        board.lib.Sig_ResetCheck(TRUNK)
        board.run(0.6)


@pytest.mark.parametrize(
    "script",
    [
        "shout 3",
        "call",
        "call 1 morse",
        "wait -1",
        "wait nan",
        "wait 1e9",
        "tone 5 5",
        'say "no end',
        "say /no/such/file",
        "say /dev/zero",
        "lift",
        "digits 12E",
        "call " + "1" * 100,
        "wait 1; " * 65,
        "1 2 3 4 5 6 7",
    ],
)
def test_a_script_that_is_none_is_refused(board: DonjinBench, script: str) -> None:
    with pytest.raises(SimRefused):
        board.line(TRUNK).do(script)
    board.run(0.1)


def test_a_line_or_a_configuration_that_is_none_is_refused(board: DonjinBench) -> None:
    with pytest.raises(SimRefused, match="line 99"):
        board.line(99).do("wait 1")
    with pytest.raises(SimRefused, match="running"):
        board.sim.configure(trunks=1)
    board.sim.reset()
    for words in ({"trunks": 9999}, {"trunks": "x"}, {"country": "xx"}, {"sound": 1}, {"trunks": 0, "extensions": 0}):
        with pytest.raises(SimRefused, match="configuration"):
            board.sim.configure(**words)
    with pytest.raises(SimRefused, match="not started"):
        board.line(0).do("wait 1")


def test_channels_that_are_not_there_do_nothing(board: DonjinBench) -> None:
    for ch in (6, 511, 65535):
        board.lib.OffHook(ch)
        assert board.lib.GetDtmfCode(ch) == -1
        assert board.lib.SetLink(ch, 0) == -1
        assert board.lib.SetLink(0, ch) == -2
        assert board.lib.Sig_StartDial(ch, b"1", b"", 0) == 0
        assert board.caller(ch) == (0, "")


@pytest.mark.parametrize("number", ["", "12a", "1 2", "1" * 64, "--"])
def test_a_number_that_cannot_be_dialled_is_refused(board: DonjinBench, number: str) -> None:
    board.lib.OffHook(TRUNK)
    assert board.lib.Sig_StartDial(TRUNK, number.encode(), b"", 0) == 0


def test_the_real_clock_ticks_every_20_ms(board: DonjinBench) -> None:
    board.sim.clear_statistics()
    board.sim.real_time()
    with pytest.raises(SimRefused, match="real"):
        board.sim.step()
    board.line(TRUNK).do("wait 0.2; nodialtone")
    while board.line(TRUNK).now().script_running:
        pass
    board.sim.real_time(False)
    assert board.sim.statistics().ticks >= 10
    before = board.sim.now
    board.sim.step(5)
    assert board.sim.now == pytest.approx(before + 0.1)


@pytest.mark.parametrize("country", ["cn", "us", "gb"])
def test_tones_of_a_country_are_found(country: str) -> None:
    board = DonjinBench(trunks=1, extensions=0, country=country)
    for far_end, result in (("busy", 0x11), ("congestion", 0x11), ("ring 20; answer; tone 1000 5", 0x14)):
        board.line(TRUNK).when("dialled", far_end)
        told = board.dial(TRUNK, "112")
        assert told[-1] == result
        assert (0x17 in told) == (result == 0x14)
        board.lib.HangUp(TRUNK)
        board.run(1)
