"""Prompts and music in whatever coding they come, as samples at 8 kHz: WAV of any kind, MP3, FLAC, and the bare codings
of voice boards by their ending. It must not know boards.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from cti.domain.errors import CallyardError

RATE = 8000
LONGEST_SECONDS = 3600
PIECE = 65536
TAPS = 129  # of the filter before the rate is lowered
BARE = {".vox": "VOX_ADPCM", ".al": "ALAW", ".alaw": "ALAW", ".ul": "ULAW", ".ulaw": "ULAW", ".gsm": "GSM610"}
"""Without a header, one channel at 8 kHz."""
ENDINGS = (".wav", ".mp3", ".flac", *BARE)
"""In the order in which a prompt is looked for."""


class NotSound(CallyardError):
    """A file that cannot be read as sound; the message names it."""

    code = "sound.file"


def read(file: Path) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Mono, 16 bit. Raises ``NotSound``."""
    coding = BARE.get(file.suffix.lower())
    bare = {"samplerate": RATE, "channels": 1, "format": "RAW", "subtype": coding} if coding else {}
    try:
        with soundfile.SoundFile(file, **bare) as sound:
            rate = sound.samplerate
            samples = _samples(sound, LONGEST_SECONDS * rate)
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise NotSound(f"{file.name} cannot be read as sound: {error}") from error
    if samples is None:
        raise NotSound(f"{file.name} is longer than {LONGEST_SECONDS} seconds")
    found = _at_8_khz(samples, rate)
    return np.asarray(np.clip(found * 32768, -32768, 32767), np.int16)


def _samples(sound: soundfile.SoundFile, most: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Piece by piece: of some codings libsndfile does not know the length. ``None``: there is more."""
    pieces, count = [np.zeros(0)], 0
    while len(piece := sound.read(PIECE, dtype="float64", always_2d=True)):
        pieces.append(piece.mean(axis=1))
        count += len(piece)
        if count > most:
            return None
    return np.concatenate(pieces)


def _at_8_khz(samples: np.ndarray[Any, Any], rate: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    if rate == RATE or not len(samples):
        return samples
    if rate > RATE:
        at = np.arange(TAPS) - TAPS // 2
        cut = 0.45 * RATE / rate
        taps = 2 * cut * np.sinc(2 * cut * at) * np.hamming(TAPS)
        samples = np.convolve(samples, taps / taps.sum(), mode="same")
    wanted = np.arange(round(len(samples) * RATE / rate)) * (rate / RATE)
    return np.asarray(np.interp(wanted, np.arange(len(samples)), samples), np.float64)
