"""Recordings from the spool into their place: the right sound on each side, nothing half-made, nothing lost."""

from __future__ import annotations

import errno
import json
import os
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from cti.store import audio
from cti.store.models import Call, MessageState, Recording, RecordingState, Voicemail
from cti.store.recordings import Finaliser
from tests.stores import Store

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAME = "2026/11/21/c1-1.raw"


def write_raw(path: Path, seconds: float, left: float = 440.0, right: float = 1000.0, extra: bytes = b"") -> None:
    t = np.arange(int(seconds * audio.RATE)) / audio.RATE
    sound = np.stack([0.5 * np.sin(2 * np.pi * left * t), 0.25 * np.sin(2 * np.pi * right * t)], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((sound * 32767).astype("<i2").tobytes() + extra)


def read_wav(path: Path) -> Any:
    with wave.open(str(path)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (8000, 2, 2)
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)


def loudest(side: Any) -> float:
    spectrum = np.abs(np.fft.rfft(side.astype(float)))
    return float(np.argmax(spectrum) * audio.RATE / len(side))


def test_each_side_keeps_its_sound(tmp_path: Path) -> None:
    write_raw(tmp_path / "x.raw", 3.0, extra=b"\x01\x02")
    made = audio.convert(tmp_path / "x.raw", tmp_path / "out" / "x.wav")
    assert made is not None
    assert made.duration == 3.0
    assert made.bytes == (tmp_path / "out" / "x.wav").stat().st_size == 44 + 3 * 8000 * 4
    sound = read_wav(tmp_path / "out" / "x.wav")
    assert abs(loudest(sound[:, 0]) - 440) < 2
    assert abs(loudest(sound[:, 1]) - 1000) < 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["x.json", "x.wav"]


def test_sides_can_be_swapped(tmp_path: Path) -> None:
    write_raw(tmp_path / "x.raw", 1.0)
    audio.convert(tmp_path / "x.raw", tmp_path / "x.wav", swap=True)
    assert abs(loudest(read_wav(tmp_path / "x.wav")[:, 0]) - 1000) < 2


@pytest.mark.parametrize("seconds", [0.01, 0.5, 75.0, 700.0])
def test_the_waveform_shows_loud_and_silent_parts(tmp_path: Path, seconds: float) -> None:
    write_raw(tmp_path / "x.raw", seconds)
    data = bytearray((tmp_path / "x.raw").read_bytes())
    data[len(data) // 8 * 4 :] = bytes(len(data) - len(data) // 8 * 4)
    (tmp_path / "x.raw").write_bytes(data)
    audio.convert(tmp_path / "x.raw", tmp_path / "x.wav")
    shape = json.loads((tmp_path / "x.json").read_text())
    assert shape["duration"] == pytest.approx(seconds, abs=0.01)
    assert 0 < len(shape["left"]) == len(shape["right"]) <= 600
    if seconds >= 75:
        assert shape["left"][10] == [-50, 50]
        assert shape["right"][10][1] in (24, 25)
        assert shape["left"][-10] == [0, 0]


def test_a_full_disk_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_raw(tmp_path / "x.raw", 1.0)
    monkeypatch.setattr(audio.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        audio.convert(tmp_path / "x.raw", tmp_path / "out" / "x.wav")
    assert list((tmp_path / "out").iterdir()) == []
    assert (tmp_path / "x.raw").exists()


def no_space(_fd: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


# ---------------------------------------------------------------- with rows


@pytest.fixture
def finaliser(store: Store, tmp_path: Path) -> Finaliser:
    return Finaliser(store.sessions, tmp_path / "spool", tmp_path / "recordings", clock=lambda: NOW)


def add_row(store: Store, ended: timedelta | None = timedelta(seconds=1), **values: Any) -> None:
    row = {
        "id": "r1",
        "call_id": "c1",
        "spool_file": NAME,
        "started_at": NOW - timedelta(minutes=30),
        "ended_at": None if ended is None else NOW - ended,
    }
    with store.sessions() as session:
        session.add(Recording(**row | values))
        session.commit()


def the_row(store: Store) -> Recording:
    with store.sessions() as session:
        return session.scalars(select(Recording)).one()


def test_a_complete_recording_is_ready_at_once(store: Store, finaliser: Finaliser) -> None:
    add_row(store)
    write_raw(finaliser.spool / NAME, 2.5)
    assert finaliser.finish() == 0
    assert the_row(store).state is RecordingState.PENDING
    assert finaliser.finish(["r1"]) == 1
    row = the_row(store)
    assert (row.state, row.file, row.duration) == (RecordingState.READY, "2026/11/21/c1-1.wav", 2.5)
    assert row.bytes == (finaliser.recordings / row.file).stat().st_size
    assert (finaliser.recordings / "2026/11/21/c1-1.json").exists()
    assert not (finaliser.spool / NAME).exists()
    assert finaliser.finish(["r1"]) == 0


def test_recordings_come_from_the_spool_of_whichever_switch_made_them(
    store: Store, finaliser: Finaliser, tmp_path: Path
) -> None:
    finaliser.more_spools = (tmp_path / "branch",)
    other, orphan = "2026/11/21/c2-1.raw", "2026/11/21/c3-1.raw"
    add_row(store)
    add_row(store, id="r2", spool_file=other)
    write_raw(finaliser.spool / NAME, 1.0)
    write_raw(tmp_path / "branch" / other, 2.0)
    assert finaliser.finish(["r1", "r2"]) == 2
    assert (finaliser.recordings / other).with_suffix(".wav").exists()
    assert not (tmp_path / "branch" / other).exists()
    write_raw(tmp_path / "branch" / orphan, 1.0)
    os.utime(tmp_path / "branch" / orphan, (1_795_200_000, 1_795_200_000))
    finaliser.sweep()
    assert finaliser.stats.adopted == 1
    assert not (tmp_path / "branch" / orphan).exists()


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_in_the_spool_gives_no_file_of_elsewhere_away(
    store: Store, finaliser: Finaliser, tmp_path: Path, linked: str
) -> None:
    add_row(store)
    secret = tmp_path / "elsewhere" / Path(NAME).name
    write_raw(secret, 1.0)
    link = finaliser.spool / NAME
    link, target = (link, secret) if linked == "file" else (link.parent, secret.parent)
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    assert finaliser.finish(["r1"]) == 0
    assert the_row(store).state is RecordingState.MISSING
    assert secret.exists()
    assert not (finaliser.recordings / "2026/11/21/c1-1.wav").exists()


@pytest.mark.parametrize(("voice", "state"), [(440.0, MessageState.NEW), (0.0, MessageState.EMPTY)])
def test_a_message_in_which_nothing_is_said_is_put_away(
    store: Store, finaliser: Finaliser, voice: float, state: MessageState
) -> None:
    add_row(store)
    with store.sessions() as session:
        session.add(Voicemail(recording_id="r1", call_id="c1", queue_id="orders", left_at=NOW))
        session.commit()
    write_raw(finaliser.spool / NAME, 2.5, left=voice)
    assert finaliser.finish(["r1"]) == 1
    with store.sessions() as session:
        assert session.get_one(Voicemail, "r1").state is state
    assert finaliser.unsaid == ({"c1"} if state is MessageState.EMPTY else set())


def test_a_file_too_large_for_a_recording_holds_nothing_up(store: Store, finaliser: Finaliser) -> None:
    """A WAV of more than 4 GB cannot be written; the others are finished all the same."""
    add_row(store)
    add_row(store, id="r2", spool_file="2026/11/21/c2-1.raw")
    write_raw(finaliser.spool / "2026/11/21/c2-1.raw", 1.0)
    with (finaliser.spool / NAME).open("wb") as sparse:
        sparse.truncate(5 * 2**30)
    assert finaliser.finish(["r1", "r2"]) == 1
    with store.sessions() as session:
        states = dict(session.execute(select(Recording.id, Recording.state)).all())
    assert states == {"r1": RecordingState.MISSING, "r2": RecordingState.READY}


@pytest.mark.parametrize("told", ["its own end", "the end of its call"])
def test_without_word_from_the_switch_the_end_of_the_call_tells(store: Store, finaliser: Finaliser, told: str) -> None:
    add_row(store, timedelta(minutes=1) if told == "its own end" else None)
    if told == "the end of its call":
        with store.sessions() as session:
            ended = NOW - timedelta(minutes=1)
            call = Call(id="c1", version=1, direction="inbound", created_at=ended, ended_at=ended, document={})
            session.add(call)
            session.commit()
    write_raw(finaliser.spool / NAME, 1.0)
    finaliser.sweep()
    assert the_row(store).state is RecordingState.READY
    assert the_row(store).ended_at is not None


def test_a_recording_that_goes_on_is_left_alone(store: Store, finaliser: Finaliser) -> None:
    add_row(store, None)
    write_raw(finaliser.spool / NAME, 1.0)
    finaliser.sweep()
    assert the_row(store).state is RecordingState.PENDING
    assert (finaliser.spool / NAME).exists()


def test_one_that_nobody_ended_is_finished_after_half_a_day(store: Store, finaliser: Finaliser) -> None:
    add_row(store, None, started_at=NOW - timedelta(hours=13))
    write_raw(finaliser.spool / NAME, 1.0)
    finaliser.sweep()
    assert the_row(store).state is RecordingState.READY


def test_a_recording_without_a_file_is_missing_after_a_while(store: Store, finaliser: Finaliser) -> None:
    add_row(store, timedelta(minutes=1))
    finaliser.sweep()
    assert the_row(store).state is RecordingState.PENDING
    finaliser.clock = lambda: NOW + timedelta(minutes=10)
    finaliser.sweep()
    assert the_row(store).state is RecordingState.MISSING
    assert finaliser.stats.missing == 1


@pytest.mark.parametrize(
    ("lasted", "state"), [(0, RecordingState.MISSING), (0.4, RecordingState.MISSING), (2, RecordingState.PENDING)]
)
def test_a_recording_that_the_switch_refused_is_not_waited_for(
    store: Store, finaliser: Finaliser, lasted: float, state: RecordingState
) -> None:
    """Its end is its start, or the hang-up at which it was refused."""
    add_row(store, started_at=NOW - timedelta(seconds=30), ended=timedelta(seconds=30 - lasted))
    finaliser.sweep()
    assert the_row(store).state is state
    finaliser.clock = lambda: NOW + timedelta(minutes=10)
    finaliser.sweep()
    assert finaliser.stats.missing == 1


def test_a_missing_file_that_turns_up_after_all_is_taken(store: Store, finaliser: Finaliser) -> None:
    add_row(store, timedelta(minutes=11))
    finaliser.sweep()
    assert the_row(store).state is RecordingState.MISSING
    write_raw(finaliser.spool / NAME, 1.0)
    os.utime(finaliser.spool / NAME, (1_795_200_000, 1_795_200_000))
    finaliser.sweep()
    assert the_row(store).state is RecordingState.READY


def test_an_empty_file_is_missing(store: Store, finaliser: Finaliser) -> None:
    add_row(store)
    write_raw(finaliser.spool / NAME, 0.0)
    finaliser.finish(["r1"])
    assert the_row(store).state is RecordingState.MISSING
    assert not (finaliser.spool / NAME).exists()


def test_a_worker_that_died_after_the_copy_goes_on_there(store: Store, finaliser: Finaliser) -> None:
    add_row(store, timedelta(minutes=1))
    write_raw(finaliser.spool / NAME, 1.0)
    audio.convert(finaliser.spool / NAME, finaliser.recordings / "2026/11/21/c1-1.wav")
    (finaliser.spool / NAME).unlink()
    finaliser.sweep()
    row = the_row(store)
    assert (row.state, row.duration) == (RecordingState.READY, 1.0)


def test_a_file_that_no_row_names_gets_one(store: Store, finaliser: Finaliser) -> None:
    write_raw(finaliser.spool / NAME, 2.0)
    finaliser.sweep()
    assert (finaliser.spool / NAME).exists()
    os.utime(finaliser.spool / NAME, (1_795_200_000, 1_795_200_000))
    finaliser.sweep()
    row = the_row(store)
    assert (row.call_id, row.state, row.duration) == ("c1", RecordingState.READY, 2.0)
    assert finaliser.stats.adopted == 1
    finaliser.sweep()
    assert finaliser.stats.adopted == 1


def test_a_full_disk_is_told_once_and_tried_again(
    store: Store, finaliser: Finaliser, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_row(store, timedelta(minutes=1))
    write_raw(finaliser.spool / NAME, 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(audio.os, "fsync", no_space)
        finaliser.sweep()
        finaliser.sweep()
    assert finaliser.stats.disk_full
    assert the_row(store).state is RecordingState.PENDING
    assert (finaliser.spool / NAME).exists()
    finaliser.sweep()
    assert not finaliser.stats.disk_full
    assert the_row(store).state is RecordingState.READY
