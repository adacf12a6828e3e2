"""Commands, events and snapshots on the bus, and the sound files of a board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cards.host.sound import RATE, Prompts, from_alaw, to_alaw, tone
from cards.host.tapes import Tapes
from cti.domain.errors import ChannelGone
from cti.domain.switch.commands import Command, DeviceTarget, Originate, Play, Spy, SpyMode, TrunkTarget
from cti.domain.switch.events import ChannelHungUp, ChannelOffered
from cti.domain.switch.snapshot import ChannelSnapshot, Snapshot
from cti.domain.switch.terms import Cause, TrunkState
from cti.switches.board import wire
from tests.fakes.rtp import tone_level


@pytest.mark.parametrize(
    "command",
    [
        Originate("c1", DeviceTarget("1001"), "8000", ring_timeout=3),
        Originate("c1", TrunkTarget("t1", "13900139000", hidden=True), "8000", state="x"),
        Play("c1", ("zh_CN/welcome", "a"), "p1", barge_in=True),
        Spy("c1", "c2", SpyMode.WHISPER),
    ],
)
def test_a_command_comes_over_the_wire_as_it_went(command: Command) -> None:
    assert wire.command_of(json.loads(json.dumps(wire.command_document(command)))) == command


def test_events_and_snapshots_come_over_as_they_went() -> None:
    for event in (ChannelHungUp(1.5, "c1", Cause.BUSY, True), ChannelOffered(1, "c", "1", "张三", "8000", trunk="t1")):
        assert wire.event_of(json.loads(json.dumps(wire.event_document(event)))) == event
    channel = ChannelSnapshot("c1", "1", "", "8000", True, False, "c2", "st", incoming=True, age=3)
    snapshot = Snapshot(2.0, (channel,), {"1001": True}, {"t1": TrunkState.UP}, up_for=1.5)
    assert wire.snapshot_of(json.loads(json.dumps(wire.snapshot_document(snapshot)))) == snapshot
    assert isinstance(wire.error_of(ChannelGone("x").reply()), ChannelGone)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"kind": "Nothing"},
        {"kind": "Answer"},
        {"kind": "Answer", "channel": 7},
        {"kind": "Answer", "channel": "c", "more": 1},
        {"kind": "Play", "channel": "c", "prompts": "abc", "play_id": "p"},
        {"kind": "Hangup", "channel": "c", "cause": "sudden"},
        {"kind": "Originate", "channel": "c", "target": {"to": "moon"}, "caller_number": "1"},
    ],
)
def test_what_is_no_command_is_refused(document: Any) -> None:
    with pytest.raises(wire.BadDocument):
        wire.command_of(document)


def test_a_law_keeps_a_tone_and_prompts_are_made_once(tmp_path: Path) -> None:
    samples = tone(700, ((0.5, True),))
    back = from_alaw(to_alaw(samples))
    assert np.abs(back.astype(int) - samples).max() < 300
    assert tone_level(back, 700) > 0.99
    prompts = Prompts(tmp_path, tmp_path / "made")
    assert prompts.file("missing") is None
    (tmp_path / "bad.wav").write_bytes(b"RIFFxxxx")
    assert prompts.file("bad") is None
    first = prompts.music("default")
    assert prompts.music("default") == first
    assert first.stat().st_size > RATE


class Recorder:
    """Writes, as a board does, what each line says: here always the same tone, as long as time goes by."""

    def __init__(self) -> None:
        self.now = 0.0
        self.files: dict[int, tuple[Path, float]] = {}
        self.tones = {0: 440.0, 1: 1000.0, 2: 2000.0}

    def record(self, line: int, file: Path) -> None:
        self.files[line] = (file, self.now)

    def flush(self, line: int, held_back: float = 0.0) -> None:
        file, begun = self.files[line]
        file.write_bytes(to_alaw(tone(self.tones[line], ((max(self.now - begun - held_back, 0), True),))))

    def stop_record(self, line: int) -> None:
        self.flush(line)
        del self.files[line]

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for line in self.files:
            self.flush(line, held_back=0.1)


def test_a_tape_has_left_what_is_said_and_right_what_is_heard(tmp_path: Path) -> None:
    board = Recorder()
    tapes = Tapes(board, tmp_path / "taps", lambda: board.now)
    tapes.start("r1", 0, tmp_path / "a" / "r1.raw")
    board.pass_time(1)
    tapes.hearing({0: frozenset({1}), 1: frozenset({0})})
    board.pass_time(1)
    tapes.advance()
    written = (tmp_path / "a" / "r1.raw").stat().st_size
    assert 1.8 * RATE * 4 <= written <= 2 * RATE * 4, "it grows while it is recorded"
    tapes.hearing({0: frozenset({1, 2}), 1: frozenset({0, 2}), 2: frozenset({0, 1})})
    board.pass_time(1)
    tapes.hearing({})
    tapes.pause("r1", True)
    board.pass_time(1)
    tapes.pause("r1", False)
    board.pass_time(1)
    tapes.stop("r1")
    both = np.frombuffer((tmp_path / "a" / "r1.raw").read_bytes(), "<i2").reshape(-1, 2)
    assert len(both) == 5 * RATE
    left, right = ([both[n * RATE + 200 : (n + 1) * RATE - 200, side] for n in range(5)] for side in (0, 1))
    assert [round(tone_level(part, 440), 1) for part in left] == [1, 1, 1, 0, 1]
    assert [round(tone_level(part, 1000), 1) for part in right[:2]] == [0, 1]
    assert min(tone_level(right[2], hertz) for hertz in (1000, 2000)) > 0.4
    assert not np.any(right[3]), "paused"
    assert not np.any(right[4]), "it hears nobody"
    assert board.files == {}
    assert not list((tmp_path / "taps").glob("*")), "what is on the tape is taken away"
