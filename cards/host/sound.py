"""A-law, the telephone's own coding: prompts made ready for a board, and what a board recorded made samples again.

It must not know boards or channels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cards.host.files import ENDINGS, NotSound, read

RATE = 8000
SILENCE = 0xD5
Samples = npt.NDArray[np.int16]


def _decoding() -> Samples:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    low = (mantissa << 4) + 8
    magnitude = np.where(exponent == 0, low, (low + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _encoding() -> npt.NDArray[np.uint8]:
    linear = np.arange(-32768, 32768)
    sign = np.where(linear >= 0, 0x80, 0)
    magnitude = np.minimum(np.where(linear >= 0, linear, -linear - 1), 32767) >> 4
    exponent = np.where(magnitude > 15, np.floor(np.log2(np.maximum(magnitude, 1))).astype(int) - 3, 0)
    mantissa = np.where(exponent > 0, magnitude >> np.maximum(exponent - 1, 0), magnitude) & 0x0F
    code: npt.NDArray[np.uint8] = ((sign | (exponent << 4) | mantissa) ^ 0x55).astype(np.uint8)
    return code


_TO_LINEAR, _TO_ALAW = _decoding(), _encoding()


def from_alaw(data: bytes) -> Samples:
    return _TO_LINEAR[np.frombuffer(data, dtype=np.uint8)]


def to_alaw(samples: Samples) -> bytes:
    return bytes(_TO_ALAW[samples.astype(np.int32) + 32768])


class Prompts:
    """Sound files below ``folder`` as raw A-law in ``made``; converted when first wanted, and again when changed."""

    def __init__(self, folder: Path, made: Path) -> None:
        self._folder, self._made = folder, made

    def file(self, name: str) -> Path | None:
        """The A-law file of the prompt ``name``; ``None`` where there is none, or none that can be read."""
        sources = (self._folder / f"{name}{ending}" for ending in ENDINGS)
        source = next((one for one in sources if one.is_file()), None)
        if source is None:
            return None
        try:
            stamp = source.stat()
            known = f"{source}:{stamp.st_mtime_ns}:{stamp.st_size}"
            return self._keep(hashlib.sha256(known.encode()).hexdigest()[:24], lambda: read(source))
        except (OSError, NotSound):
            return None

    def music(self, name: str) -> Path:
        """Of a class: ``music/<name>.wav``, ``tones/<name>.wav``, else a quiet tune of our own."""
        return self.file(f"music/{name}") or self.file(f"tones/{name}") or self._keep("tune-1", tune)

    def busy(self) -> Path:
        """Busy tone of China, as long as a refused caller hears it."""
        return self._keep("busy-1", lambda: tone(450, ((0.35, True), (0.35, False)) * 6))

    def test_tone(self) -> Path:
        return self._keep("test-1", lambda: tone(1000, ((6.0, True),)))

    def _keep(self, name: str, make: Callable[[], Samples]) -> Path:
        path = self._made / f"{name}.al"
        if not path.exists():
            data = to_alaw(make())
            self._made.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = path.with_suffix(".new")
            temporary.write_bytes(data)
            temporary.replace(path)
        return path


def tone(hertz: float, cadence: Sequence[tuple[float, bool]]) -> Samples:
    parts = [np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE) * on for seconds, on in cadence]
    return (np.concatenate(parts) * 8000).astype(np.int16)


TUNE = (262, 330, 392, 330, 349, 440, 392, 330, 294, 349, 392, 349, 330, 294, 262, 0)


def tune() -> Samples:
    """Half a second a note, soft at both ends."""
    n = np.arange(RATE // 2)
    shape = np.minimum(1.0, np.minimum(n, n[::-1]) / 400)
    notes = [shape * np.sin(2 * np.pi * hertz * n / RATE) for hertz in TUNE]
    return (np.concatenate(notes) * 5000).astype(np.int16)
