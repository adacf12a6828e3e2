"""Small real recordings for the simulator: 16-bit little-endian interleaved stereo at 8 kHz, like a switch's.

Left is a 400 Hz tone, right 800 Hz, so that a reader can tell the tracks apart; a pause is not modelled in the sound.
"""

from __future__ import annotations

import array
import math
import sys
from pathlib import Path

RATE = 8000
LONGEST = 60.0  # seconds; longer simulated calls give a file of this length


def _second() -> bytes:
    samples = array.array("h")
    for n in range(RATE):
        samples.append(int(6000 * math.sin(2 * math.pi * 400 * n / RATE)))
        samples.append(int(6000 * math.sin(2 * math.pi * 800 * n / RATE)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


_cache: list[bytes] = []


def write_recording(path: Path, seconds: float) -> None:
    """Write a file of ``seconds`` (at least 0.1, at most ``LONGEST``). Raises ``OSError``."""
    if not _cache:
        _cache.append(_second())
    frames = int(min(max(seconds, 0.1), LONGEST) * RATE)
    whole, rest = divmod(frames, RATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_cache[0] * whole + _cache[0][: rest * 4])
