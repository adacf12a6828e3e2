"""Sound files of the simulated board: each format as others read and write it, and files that are not what they say."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cards.host import files
from cards.host.sound import Prompts, from_alaw
from cards.sim.control import RATE
from tests.unit.cards_sim import DonjinBench, SynwayBench, share, sine, whole

TUNE = whole(np.concatenate([sine(500, 1), sine(900, 1)]))
FORMATS = {
    "linear.wav": ("WAV", "PCM_16"),
    "a.wav": ("WAV", "ALAW"),
    "mu.wav": ("WAV", "ULAW"),
    "gsm.wav": ("WAV", "GSM610"),
    "eight.wav": ("WAV", "PCM_U8"),
    "plain.al": ("RAW", "ALAW"),
    "plain.ulaw": ("RAW", "ULAW"),
    "plain.vox": ("RAW", "VOX_ADPCM"),
    "plain.gsm": ("RAW", "GSM610"),
}
TALKS = "wait 0.01; tone 500 1; tone 900 1; wait 60"


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_others_wrote_is_played(name: str, tmp_path: Path) -> None:
    kind, coding = FORMATS[name]
    soundfile.write(tmp_path / name, TUNE, RATE, coding, format=kind)
    board = DonjinBench(trunks=1, extensions=0)
    board.answered(0, "wait 60")
    assert board.lib.StartPlayFile(0, bytes(tmp_path / name), 0) == 1
    assert board.until(lambda: board.lib.CheckPlayEnd(0), 4) == pytest.approx(2.0, abs=0.06)
    heard = board.line(0).heard(2.0)
    assert share(heard[3200:14400], 500) > 0.9
    assert share(heard[19200:30400], 900) > 0.9


def test_several_channels_play_different_formats_at_once(tmp_path: Path) -> None:
    board = DonjinBench(trunks=len(FORMATS), extensions=0)
    for ch, (name, (kind, coding)) in enumerate(FORMATS.items()):
        soundfile.write(tmp_path / name, whole(sine(400 + 100 * ch, 2)), RATE, coding, format=kind)
        board.answered(ch, "wait 60")
    for ch, name in enumerate(FORMATS):
        assert board.lib.StartPlayFile(ch, bytes(tmp_path / name), 0)
    board.run(1.5)
    for ch in range(len(FORMATS)):
        assert share(board.line(ch).heard(1), 400 + 100 * ch) > 0.9


@pytest.mark.parametrize(
    ("name", "format_", "kind", "coding"),
    [
        ("a.wav", 6, None, "ALAW"),
        ("mu.wav", 7, None, "ULAW"),
        ("linear.wav", -2, None, "PCM_16"),
        ("gsm.wav", 49, None, "GSM610"),
        ("raw", 6, "RAW", "ALAW"),
        ("raw.ulaw", -1, "RAW", "ULAW"),
        ("raw.vox", -1, "RAW", "VOX_ADPCM"),
        ("raw.gsm", -1, "RAW", "GSM610"),
    ],
)
def test_others_read_what_the_board_recorded(
    name: str, format_: int, kind: str | None, coding: str, tmp_path: Path
) -> None:
    board = SynwayBench(trunks=1, extensions=0)
    board.answered(0, TALKS)
    assert board.lib.SsmRecToFile(0, bytes(tmp_path / name), format_, 0, 0xFFFFFFFF, 2, 0) == 0
    assert board.until(lambda: board.lib.SsmChkRecToFile(0) == 2, 4) == pytest.approx(2.0, abs=0.06)
    raw = {"samplerate": RATE, "channels": 1, "subtype": coding, "format": "RAW"} if kind else {}
    samples, rate = soundfile.read(tmp_path / name, dtype="int16", **raw)
    assert rate == RATE
    assert len(samples) == pytest.approx(2 * RATE, abs=400)
    assert share(samples[1600:7200].tobytes(), 500) > 0.9
    assert share(samples[9600:15200].tobytes(), 900) > 0.9


def test_a_recording_can_be_read_while_it_grows(tmp_path: Path) -> None:
    board = DonjinBench(trunks=1, extensions=0)
    board.answered(0, "tone 500 60")
    assert board.lib.StartRecordFile(0, bytes(tmp_path / "talk"), 0)
    for turn in range(1, 20):
        board.run(0.2)
        assert (tmp_path / "talk").stat().st_size >= turn * 1600 - 800
    board.lib.StopRecordFile(0)
    assert (tmp_path / "talk").stat().st_size == 19 * 1600


def test_a_recording_ends_at_its_length(tmp_path: Path) -> None:
    board = DonjinBench(trunks=1, extensions=0)
    board.answered(0, "tone 500 60")
    board.lib.SetPackRate(1)
    assert board.lib.StartRecordFile(0, bytes(tmp_path / "talk"), 4000)
    assert board.until(lambda: board.lib.CheckRecordEnd(0), 3) == pytest.approx(1.0, abs=0.06)
    assert (tmp_path / "talk").stat().st_size == 4000


def test_what_goes_out_is_recorded_too_when_it_is_mixed(tmp_path: Path) -> None:
    board = SynwayBench(trunks=1, extensions=1)
    board.answered(0, "tone 500 60")
    board.line(1).do("lift; tone 1200 60")
    board.run(0.5)
    board.lib.SsmTalkWith(0, 1)
    board.lib.SsmSetRecMixer(0, 1, 0)
    board.lib.SsmRecToFile(0, bytes(tmp_path / "both.wav"), -2, 0, 0xFFFFFFFF, 0, 0)
    board.run(2)
    board.lib.SsmStopRecToFile(0)
    samples, _ = soundfile.read(tmp_path / "both.wav", dtype="int16")
    assert share(samples[1600:].tobytes(), 500) > 0.4
    assert share(samples[1600:].tobytes(), 1200) > 0.4


def test_files_stand_still_while_they_are_not_pushed(tmp_path: Path) -> None:
    (tmp_path / "long.al").write_bytes(b"\xd5" * 80_000)
    board = DonjinBench(trunks=1, extensions=0)
    board.answered(0, "tone 500 60")
    board.lib.StartPlayFile(0, bytes(tmp_path / "long.al"), 0)
    board.lib.StartRecordFile(0, bytes(tmp_path / "talk"), 0)
    board.poll()
    board.sim.run(20)
    assert not board.lib.CheckPlayEnd(0)
    assert (tmp_path / "talk").stat().st_size <= 8192


def header(size: int = 800, **other: int) -> bytes:
    told = {"tag": 6, "channels": 1, "rate": 8000, "bits": 8, "fmt": 16, "riff": 36 + size, "data": size} | other
    fmt = struct.pack("<HHIIHH", told["tag"], told["channels"], told["rate"], 8000, 1, told["bits"])
    return (
        b"RIFF"
        + struct.pack("<I", told["riff"])
        + b"WAVEfmt "
        + struct.pack("<I", told["fmt"])
        + fmt
        + b"data"
        + struct.pack("<I", told["data"])
    )


@pytest.mark.parametrize(
    "content",
    [
        header(rate=44100) + b"x" * 800,
        header(tag=85) + b"x" * 800,
        header(channels=0) + b"x" * 800,
        header(channels=99) + b"x" * 800,
        header(bits=24, tag=1) + b"x" * 800,
        header(fmt=2**32 - 1) + b"x" * 800,
        header(fmt=8) + b"x" * 800,
        header()[:30],
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        b"RIFF\0\0\0\0WAVE" + b"LIST\xff\xff\xff\xff" * 4,
    ],
)
def test_a_header_that_cannot_be_true_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(content)
    board = DonjinBench(trunks=1, extensions=0)
    assert board.lib.StartPlayFile(0, bytes(tmp_path / "bad.wav"), 0) == 0
    assert board.lib.CheckPlayEnd(0)


def test_a_file_cut_off_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "cut.wav").write_bytes(header(data=2**32 - 1) + b"\xd5" * 800)
    board = DonjinBench(trunks=1, extensions=0)
    assert board.lib.StartPlayFile(0, bytes(tmp_path / "cut.wav"), 0) == 1
    assert board.until(lambda: board.lib.CheckPlayEnd(0), 1) < 0.2


def test_chance_bytes_do_no_harm(tmp_path: Path) -> None:
    chance = random.Random(5)
    board = DonjinBench(trunks=1, extensions=0)
    good = header() + bytes(800)
    for turn in range(150):
        content = bytearray(good if turn % 2 else chance.randbytes(chance.randrange(1, 900)))
        for _ in range(turn % 7):
            content[chance.randrange(len(content))] = chance.randrange(256)
        name = tmp_path / f"any{chance.choice(['.wav', '.vox', '.gsm', '.al', ''])}"
        name.write_bytes(content)
        board.lib.StartPlayFile(0, bytes(name), chance.choice([0, 1, 799, 2**31, 2**32 - 1]))
        board.run(0.04)


def test_what_is_no_file_is_neither_played_nor_recorded_over(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "secret").write_text("keep")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    board = DonjinBench(trunks=1, extensions=0)
    for name in ("folder", "pipe", "missing"):
        assert board.lib.StartPlayFile(0, bytes(tmp_path / name), 0) == 0
    for name in ("folder", "pipe", "link", "no/such/folder"):
        assert board.lib.StartRecordFile(0, bytes(tmp_path / name), 0) == 0
    assert board.lib.StartRecordFile(0, b"/dev/null", 0) == 0
    assert board.lib.StartPlayFile(0, b"x" * 5000, 0) == 0
    assert (tmp_path / "secret").read_text() == "keep"


@pytest.mark.parametrize(
    ("name", "format_", "coding", "rate"),
    [
        *((name, kind, coding, RATE) for name, (kind, coding) in FORMATS.items()),
        ("ima.wav", "WAV", "IMA_ADPCM", RATE),
        ("ms.wav", "WAV", "MS_ADPCM", RATE),
        ("wide.wav", "WAV", "PCM_16", 44100),
        ("talk.mp3", "MP3", "MPEG_LAYER_III", 44100),
        ("narrow.mp3", "MP3", "MPEG_LAYER_III", RATE),
        ("talk.flac", "FLAC", "PCM_16", 16000),
    ],
)
def test_a_prompt_in_any_coding_is_made_ready_for_a_board(
    name: str, format_: str, coding: str, rate: int, tmp_path: Path
) -> None:
    time = np.arange(2 * rate) / rate
    soundfile.write(tmp_path / name, 0.4 * np.sin(2 * np.pi * 500 * time), rate, coding, format=format_)
    made = Prompts(tmp_path, tmp_path / "made").file(name.rpartition(".")[0])
    assert made is not None
    samples = from_alaw(made.read_bytes())
    assert len(samples) == pytest.approx(2 * RATE, rel=0.08)  # an MP3 begins and ends with silence of its coder
    assert share(samples[4000:12000].tobytes(), 500) > 0.95


def test_music_of_any_rate_loses_what_a_telephone_cannot_carry(tmp_path: Path) -> None:
    time = np.arange(44100) / 44100
    stereo = np.stack([0.4 * np.sin(2 * np.pi * 500 * time), 0.4 * np.sin(2 * np.pi * 9000 * time)], axis=1)
    soundfile.write(tmp_path / "music.flac", stereo, 44100)
    samples = files.read(tmp_path / "music.flac")
    assert len(samples) == pytest.approx(RATE, abs=10)
    assert share(samples[800:7200].tobytes(), 500) > 0.95  # and nothing of the 9 kHz folded into it


def test_what_is_no_sound_or_has_no_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.mp3").write_bytes(b"not sound at all" * 50)
    with pytest.raises(files.NotSound, match=r"x\.mp3"):
        files.read(tmp_path / "x.mp3")
    assert Prompts(tmp_path, tmp_path / "made").file("x") is None
    monkeypatch.setattr(files, "LONGEST_SECONDS", 1)
    soundfile.write(tmp_path / "long.gsm", TUNE, RATE, "GSM610", format="RAW")
    with pytest.raises(files.NotSound, match="longer"):
        files.read(tmp_path / "long.gsm")
