"""From what the switch wrote to what people play: raw two-channel sound to WAV, and the waveform beside it.

Raw is 16-bit little-endian, 8 kHz, interleaved; left is what the recorded channel says, right what it hears. Files are
made under another name and renamed, so that a reader never sees half of one. Must not know the database.

The waveform is JSON: ``{"version": 1, "duration": seconds, "left": [[lowest, highest], …], "right": [[…]]}`` with at
most 600 pairs a side of whole numbers from -100 to 100.
"""

from __future__ import annotations

import json
import os
import wave
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 8000
CHANNELS = 2
FRAME = 2 * CHANNELS  # bytes
PAIRS = 600
CHUNK = 600_000  # frames read at a time, about 2.4 MB
FULL_SCALE = 32_768
STEP = 160  # frames, 20 ms
VOICE = 256  # mean level of a step in which something is said
MODE = 0o640  # what people said is not for everybody on the machine

_Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Converted:
    duration: float  # seconds
    bytes: int  # of the WAV
    spoken: float  # seconds in which something is said on the left side


def convert(raw: Path, target: Path, *, swap: bool = False) -> Converted | None:
    """Write ``target`` (``.wav``) and its waveform from ``raw``; ``raw`` stays.

    ``swap`` exchanges the two sides. ``None`` when ``raw`` holds no sound. Raises ``OSError``, also for a full disk;
    then nothing of ``target`` is left.
    """
    frames = raw.stat().st_size // FRAME
    if frames == 0:
        return None
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    sound, shape = _beside(target, ".wav.part"), _beside(target, ".json.part")
    try:
        pairs, spoken = _write_wav(raw, sound, frames, swap)
        shape.write_text(json.dumps(_waveform(pairs, frames), separators=(",", ":")))
        shape.replace(target.with_suffix(".json"))
        sound.replace(target)
    except BaseException:
        for part in (sound, shape):
            with suppress(OSError):
                part.unlink(missing_ok=True)
        raise
    return Converted(frames / RATE, target.stat().st_size, spoken)


def measure(target: Path) -> Converted:
    """A WAV that was made before. Raises ``OSError``, ``EOFError`` or ``wave.Error``."""
    spoken = 0.0
    with wave.open(str(target), "rb") as wav:
        seconds = wav.getnframes() / wav.getframerate()
        while data := wav.readframes(CHUNK):
            spoken += _spoken(np.frombuffer(data, "<i2").reshape(-1, wav.getnchannels()))
    return Converted(seconds, target.stat().st_size, spoken)


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.stem}{ending}")


def _write_wav(raw: Path, path: Path, frames: int, swap: bool) -> tuple[list[_Samples], float]:
    """The waveform, and the seconds in which the left side speaks."""
    step = -(-frames // PAIRS)
    pairs: list[_Samples] = []
    spoken = 0.0
    with path.open("wb") as output:
        with wave.open(output, "wb") as wav:
            wav.setnchannels(CHANNELS)
            wav.setsampwidth(2)
            wav.setframerate(RATE)
            wav.setnframes(frames)
            for block in _blocks(raw, frames, step):
                samples = block[:, ::-1] if swap else block
                wav.writeframesraw(samples.astype("<i2").tobytes())
                pairs.extend(_extremes(samples, step))
                spoken += _spoken(samples)
        output.flush()
        os.fchmod(output.fileno(), MODE)
        os.fsync(output.fileno())
    return pairs, spoken


def _spoken(samples: _Samples) -> float:
    left = samples[: len(samples) // STEP * STEP, 0].astype(np.int32)
    loud = np.abs(left).reshape(-1, STEP).mean(axis=1) >= VOICE
    return float(loud.sum()) * STEP / RATE


def _blocks(raw: Path, frames: int, step: int) -> Iterator[_Samples]:
    """The sound in pieces that end at a multiple of ``step`` frames, but for the last."""
    size = max(CHUNK // step, 1) * step
    with raw.open("rb") as source:
        while frames > 0:
            data = source.read(min(size, frames) * FRAME)
            data = data[: len(data) - len(data) % FRAME]
            if not data:
                raise OSError(f"{raw} became shorter while it was read")
            frames -= len(data) // FRAME
            yield np.frombuffer(data, "<i2").reshape(-1, CHANNELS)


def _extremes(samples: _Samples, step: int) -> Iterator[_Samples]:
    """Per ``step`` frames ``[[lowest left, lowest right], [highest left, highest right]]``."""
    for at in range(0, len(samples), step):
        piece = samples[at : at + step]
        yield np.stack([piece.min(axis=0), piece.max(axis=0)])


def _waveform(pairs: list[_Samples], frames: int) -> dict[str, Any]:
    scaled = np.rint(np.stack(pairs).astype(np.float64) * 100 / FULL_SCALE).astype(int)
    return {
        "version": 1,
        "duration": round(frames / RATE, 3),
        "left": scaled[:, :, 0].tolist(),
        "right": scaled[:, :, 1].tolist(),
    }
