"""What the simulated board makes of difficult signals: digits, speech, caller-id, busy tone and music."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cards.sim.control import RATE, State
from tests.unit.cards_sim import DonjinBench, Samples, level, sine, whole

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
PAD = ("123A", "456B", "789C", "*0#D")
SPEECH_SECONDS = 30
DOCS = Path(__file__).parents[2] / "docs"


def digit(name: str, twist: float = 0.0, seconds: float = 0.08, dbm0: float = -13.0) -> np.ndarray:
    """Twist: how much louder the high frequency is than the low one, in dB."""
    row = next(number for number, keys in enumerate(PAD) if name in keys)
    low = sine(LOW[row], seconds, dbm0 - twist / 2)
    return low + sine(HIGH[PAD[row].index(name)], seconds, dbm0 + twist / 2)


def noise(seconds: float, dbm0: float, seed: int = 1) -> np.ndarray:
    rms = 32768 * 10 ** ((dbm0 - 6.15) / 20)
    return np.random.default_rng(seed).normal(0, rms, round(seconds * RATE))


def said(board: DonjinBench, samples: Samples, ch: int = 0) -> None:
    """Have the far end say all of it."""
    for at in range(0, len(samples), 400_000):
        part = samples[at : at + 400_000]
        assert board.line(ch).say(part.tobytes()) == len(part)
        board.until(lambda: not board.line(ch).unsaid, len(part) / RATE + 1)


def speech(seconds: float) -> Samples:
    """Generated speech in two languages and several voices, at a usual level."""
    words = re.sub(
        r"[`|*#<>_\[\]{}()/=-]+", " ", "\n".join(file.read_text("utf-8") for file in sorted(DOCS.glob("*.md")))
    )
    chinese = (
        "您好，欢迎致电客户服务中心。查询订单请按一，投诉建议请按二，人工服务请按零。您的来电对我们很重要，请稍候。"
        * 12
    )
    parts: list[Samples] = []
    have = 0
    for turn, at in enumerate(range(0, len(words), 2500)):
        voice, text = (("cmn", chinese), ("en+f3", words[at : at + 2500]), ("en", words[at : at + 2500]))[turn % 3]
        made = subprocess.run(
            ["espeak-ng", "-v", voice, "--stdout", "-s", str(150 + 20 * (turn % 4))],
            input=text.encode(),
            capture_output=True,
            check=True,
        ).stdout
        samples = np.frombuffer(made[44:], np.int16).astype(np.float64)
        at_rate = np.arange(0, len(samples) - 1, 22050 / RATE)
        samples = np.interp(at_rate, np.arange(len(samples)), samples)
        loud = samples * 10 ** ((-15 - level(whole(samples))) / 20)
        parts.append(whole(loud))
        have += len(loud)
        if have >= seconds * RATE:
            break
    return np.concatenate(parts)[: round(seconds * RATE)]


def music(seconds: float) -> Samples:
    """A tune with chords, overtones and a beat, around the frequency of the tones of China."""
    chance = np.random.default_rng(7)
    notes = 440 * 2 ** (np.array([-12, -9, -7, -5, -2, 0, 2, 3, 5, 7, 12]) / 12)
    out = np.zeros(round(seconds * RATE) + RATE)
    at = 0
    while at < seconds * RATE:
        length = int(chance.choice([0.17, 0.35, 0.35, 0.7]) * RATE)
        time = np.arange(length) / RATE
        for root in chance.choice(notes, 2, replace=False):
            for overtone in (1, 2, 3, 4):
                out[at : at + length] += (
                    2500 / overtone * np.sin(2 * np.pi * root * overtone * time) * np.exp(-2 * time)
                )
        beat = int(0.03 * RATE)
        out[at : at + beat] += chance.normal(0, 1500, beat)
        at += length
    return whole(out[: round(seconds * RATE)])


@pytest.fixture
def board() -> DonjinBench:
    board = DonjinBench(trunks=10, extensions=1)
    board.answered(0, "wait 1000")
    return board


@pytest.mark.parametrize("twist", [-6, 0, 6])
def test_all_digits_are_heard_in_noise_and_with_twist(board: DonjinBench, twist: float) -> None:
    for seed in range(5):
        sent = np.concatenate([part for name in "".join(PAD) for part in (digit(name, twist), np.zeros(640))])
        loud = level(whole(digit("5", twist)))
        said(board, whole(sent + noise(len(sent) / RATE, loud - 15, seed)))
        board.run(0.2)
        assert board.keys(0) == "".join(PAD)


def test_the_same_digit_again_after_a_short_pause_is_another(board: DonjinBench) -> None:
    pause = np.zeros(round(0.045 * RATE))
    for shift in range(8):
        sent = np.concatenate(
            [np.zeros(20 * shift)] + [part for _ in range(8) for part in (digit("5", seconds=0.05), pause)]
        )
        said(board, whole(sent))
        board.run(0.2)
        assert board.keys(0) == "5" * 8


def test_a_digit_may_be_short_but_not_a_click(board: DonjinBench) -> None:
    said(
        board,
        whole(np.concatenate([digit("5", seconds=0.05), np.zeros(800), digit("6", seconds=0.015), np.zeros(800)])),
    )
    board.run(0.2)
    assert board.keys(0) == "5"


def test_speech_is_never_taken_for_digits_nor_for_busy_tone(board: DonjinBench) -> None:
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    said(board, speech(SPEECH_SECONDS))
    assert board.keys(0) == ""
    assert not board.lib.Sig_CheckBusy(0)


def test_music_is_never_taken_for_busy_tone(board: DonjinBench) -> None:
    said(board, music(120))
    assert not board.lib.Sig_CheckBusy(0)
    assert board.keys(0) == ""


@pytest.mark.parametrize(("on", "off"), [(0.35, 0.35), (0.7, 0.7)])
def test_busy_tone_is_found_even_in_noise(board: DonjinBench, on: float, off: float) -> None:
    beep = np.concatenate([sine(450, on), np.zeros(round(off * RATE))])
    heard = np.concatenate([beep] * 5)
    board.line(0).say(whole(heard + noise(len(heard) / RATE, -30)).tobytes())
    assert board.until(lambda: board.lib.Sig_CheckBusy(0), 3) <= 2 * (on + off) + 0.1


def test_busy_tone_of_the_line_releases_within_two_seconds(board: DonjinBench) -> None:
    for number in range(1, 6):
        board.answered(number, "tone 800 1; hangup")
        board.until(lambda number=number: board.line(number).state is State.RELEASED, 3)
        assert board.until(lambda number=number: board.lib.Sig_CheckBusy(number), 3) <= 2.0


def numbers_read(board: DonjinBench, kind: str, rounds: int, noise_dbm0: str = "off") -> int:
    """How many of ten times so many calls came with the right number."""
    good = 0
    lines = range(10)
    board.lib.HangUp(0)
    board.run(1)
    for turn in range(rounds):
        numbers = [f"1{turn:02d}{ch}{(turn * 7919 + ch * 104729) % 10**7:07d}" for ch in lines]
        for ch in lines:
            board.lib.ResetCallerIDBuffer(ch)
            board.line(ch).do(f"noise {noise_dbm0}; call {numbers[ch]} {kind}; answered 3.5")
        board.run(3.4 if kind == "fsk" else 4.0)
        good += sum(board.caller(ch)[1][8:] == numbers[ch] for ch in lines)
        board.run(7)
    return good


@pytest.mark.parametrize("kind", ["fsk", "dtmf"])
def test_caller_id_is_read_every_time_and_both_kinds_are_told_apart(board: DonjinBench, kind: str) -> None:
    assert numbers_read(board, kind, 10) == 100


@pytest.mark.parametrize(("kind", "dbm0"), [("fsk", "-34"), ("dtmf", "-30")])
def test_caller_id_is_read_in_noise_20_db_below_it(board: DonjinBench, kind: str, dbm0: str) -> None:
    assert numbers_read(board, kind, 10, dbm0) >= 95


def test_echo_is_cancelled() -> None:
    left = {}
    for cancel in (0, 1):
        board = DonjinBench(trunks=1, extensions=1, echo=12, aec=cancel, noise="off")
        board.answered(0, "wait 1000")
        board.lifted(1)
        board.lib.SetLink(0, 1)
        talk = noise(6, -16, 3)
        board.line(1).say(whole(talk).tobytes())
        board.run(5)
        left[cancel] = board.line(1).now().heard_dbm0
    assert left[0] > -34
    assert left[1] < left[0] - 15


def test_gain_is_levelled() -> None:
    for quiet in (-30, -8):
        board = DonjinBench(trunks=1, extensions=1, agc=1)
        board.answered(0, f"tone 800 20 {quiet}")
        board.lifted(1)
        board.lib.SetLink(0, 1)
        board.run(8)
        assert -19.5 < board.line(1).now().heard_dbm0 < -13
