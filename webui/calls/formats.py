"""A recording in another coding than the one it is kept in, made when somebody asks for it. Must not know the database.

Read and written in pieces, into a file without a name: neither much memory nor, after a crash, a leftover. libsndfile
works without Python's lock, so that other requests go on meanwhile.
"""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

TOGETHER = 2
"""How many are made at once: each takes a core, and calls come first."""
LONGEST = 2 * 3600  # seconds of sound
DEADLINE = 90.0  # seconds
PIECE = 80_000  # frames

_slots = threading.BoundedSemaphore(TOGETHER)


@dataclass(frozen=True, slots=True)
class Format:
    """``container`` and ``coding`` in libsndfile's words. ``one_channel``: the coding has no two; both sides in one."""

    ending: str
    mimetype: str
    container: str
    coding: str
    one_channel: bool = False


FORMATS = {
    "mp3": Format(".mp3", "audio/mpeg", "MP3", "MPEG_LAYER_III"),
    "alaw": Format("-alaw.wav", "audio/wav", "WAV", "ALAW"),
    "ulaw": Format("-ulaw.wav", "audio/wav", "WAV", "ULAW"),
    "gsm": Format("-gsm.wav", "audio/wav", "WAV", "GSM610", one_channel=True),
    "vox": Format(".vox", "application/octet-stream", "RAW", "VOX_ADPCM", one_channel=True),
}


class Why(StrEnum):
    BUSY = "busy"
    LONG = "long"
    SLOW = "slow"
    FAILED = "failed"


class NotMade(Exception):
    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(detail or why.value)
        self.why = why


def make(recording: Path, wanted: Format, folder: Path) -> IO[bytes]:
    """The whole sound in an open file, read from its beginning; ``folder`` is on the disk that it lies on meanwhile.

    Raises ``NotMade``.
    """
    if not _slots.acquire(blocking=False):
        raise NotMade(Why.BUSY)
    try:
        return _made(recording, wanted, folder)
    finally:
        _slots.release()


def _made(recording: Path, wanted: Format, folder: Path) -> IO[bytes]:
    import soundfile

    try:
        with ExitStack() as closing:
            target = closing.enter_context(tempfile.TemporaryFile(dir=folder))
            _write(recording, wanted, target.fileno())
            target.seek(0)
            closing.pop_all()
            return target
    except (OSError, soundfile.SoundFileError) as error:
        raise NotMade(Why.FAILED, str(error)) from error


def _write(recording: Path, wanted: Format, target: int) -> None:
    import numpy as np
    import soundfile

    ends = time.monotonic() + DEADLINE
    with soundfile.SoundFile(recording) as source:
        rate, channels = source.samplerate, 1 if wanted.one_channel else source.channels
        if source.frames > LONGEST * rate:
            raise NotMade(Why.LONG)
        with soundfile.SoundFile(
            target, "w", rate, channels, wanted.coding, format=wanted.container, closefd=False
        ) as made:
            while len(piece := source.read(PIECE, "int16", always_2d=True)):
                if time.monotonic() > ends:
                    raise NotMade(Why.SLOW)
                if channels < piece.shape[1]:
                    piece = piece.sum(axis=1, dtype=np.int32).clip(-32_768, 32_767).astype(np.int16)
                made.write(piece)
