"""Sound files that boards do not know, turned into those they do and back: MP3, and whatever libsndfile reads.

A board records WAV and plays WAV at 8 kHz; MP3 is made and read here, beside it. It must not know boards.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from cti.domain.errors import CallyardError

RATE = 8000
LONGEST_SECONDS = 4 * 3600
TAPS = 129  # of the filter before the rate is lowered


class NotSound(CallyardError):
    """A file that cannot be read as sound, or written; the message names it."""

    code = "sound.file"


def to_mp3(source: Path, target: Path) -> None:
    """Raises ``NotSound``."""
    _write(target, _mono(source), "MP3", "MPEG_LAYER_III")


def to_wav(source: Path, target: Path) -> None:
    """Any sound as A-law WAV at 8 kHz, which every board plays. Raises ``NotSound``."""
    _write(target, _mono(source), "WAV", "ALAW")


def _mono(file: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        with soundfile.SoundFile(file) as sound:
            if sound.frames > LONGEST_SECONDS * sound.samplerate:
                raise NotSound(f"{file.name} is longer than {LONGEST_SECONDS // 3600} hours")
            samples, rate = sound.read(dtype="float64", always_2d=True), sound.samplerate
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise NotSound(f"{file.name} cannot be read as sound: {error}") from error
    return _at_8_khz(np.asarray(samples.mean(axis=1), np.float64), rate)


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


def _write(target: Path, samples: np.ndarray[Any, Any], kind: str, coding: str) -> None:
    """The target appears whole or not at all."""
    made = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        soundfile.write(made, np.clip(samples, -1, 1), RATE, coding, format=kind)
        made.replace(target)
    except (soundfile.SoundFileError, OSError) as error:
        made.unlink(missing_ok=True)
        raise NotSound(f"{target.name} cannot be written: {error}") from error
