"""Make the prompts that are missing: ``<prompts_dir>/<language>/<token>.wav``, 8 kHz, mono, 16 bit.

A file that exists is never touched, so a recording put there by a person wins. Must not know who plays them.
"""

from __future__ import annotations

import os
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from cti.provision.phrases import LANGUAGES, Phrase, phrases
from cti.provision.speech import Samples, Speech, TtsEngine, find_engine

RATE: Final = 8000
PAUSE: Final = 0.35  # seconds between the parts of a phrase
PEAK: Final = 0.6  # of full scale


def missing_prompts(prompts_dir: Path) -> list[tuple[Path, Phrase]]:
    return [
        (path, phrase)
        for language in LANGUAGES
        for token, phrase in phrases(language).items()
        if not (path := prompts_dir / language / f"{token}.wav").exists()
    ]


def make_prompts(prompts_dir: Path, engine: TtsEngine | None = None) -> int:
    """Make what is missing; how many were made. Raises ``ProvisionFailed``, or ``OSError`` for the disk."""
    make_ringback(prompts_dir)
    make_beep(prompts_dir)
    missing = missing_prompts(prompts_dir)
    if not missing:
        return 0
    engine = engine or find_engine()
    for language in LANGUAGES:
        (prompts_dir / language).mkdir(mode=0o700, parents=True, exist_ok=True)

    def make(task: tuple[Path, Phrase]) -> None:
        path, phrase = task
        _write(path, _join([engine.speak(text, voice) for voice, text in phrase]))

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return sum(1 for _ in pool.map(make, missing))


def make_ringback(prompts_dir: Path) -> None:
    """``tones/ringback.wav``: 450 Hz, one second in five (China, GB/T 3380), for the music class of that name."""
    path = prompts_dir / "tones" / "ringback.wav"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        tone = np.sin(2 * np.pi * 450 * np.arange(RATE) / RATE) * 32767 * 0.15
        _write(path, np.concatenate([tone.astype(np.int16), np.zeros(4 * RATE, np.int16)]))


def make_beep(prompts_dir: Path) -> None:
    """``signals/beep.wav``: 1,000 Hz for 0.4 s, after which a message is recorded."""
    path = prompts_dir / "signals" / "beep.wav"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        tone = np.sin(2 * np.pi * 1000 * np.arange(round(RATE * 0.4)) / RATE) * 32767 * 0.3
        _write(path, tone.astype(np.int16))


def resample(speech: Speech, rate: int) -> Samples:
    """To ``rate``, band-limited, by cutting the spectrum: right for short clips held whole in memory."""
    count = round(len(speech.samples) * rate / speech.rate)
    spectrum = np.fft.rfft(speech.samples.astype(np.float64))
    bins = count // 2 + 1
    resized = np.zeros(bins, dtype=np.complex128)
    kept = min(bins, len(spectrum))
    resized[:kept] = spectrum[:kept]
    sound = np.fft.irfft(resized, count) * (count / len(speech.samples))
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def _join(parts: list[Speech]) -> Samples:
    pause = np.zeros(round(RATE * PAUSE), np.int16)
    sounds = [_trim(resample(part, RATE)) for part in parts]
    joined = np.concatenate([x for sound in sounds for x in (sound, pause)][:-1])
    loudest = int(np.abs(joined.astype(np.int32)).max(initial=1))
    return (joined * (32767 * PEAK / max(1, loudest))).astype(np.int16)


def _trim(samples: Samples, quiet: int = 200, margin: int = 400) -> Samples:
    """Without the silence at both ends, but for a twentieth of a second."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > quiet)
    if not loud.size:
        return samples
    return samples[max(0, int(loud[0]) - margin) : int(loud[-1]) + margin]


def _write(path: Path, samples: Samples) -> None:
    """Whole or not at all; a recording that appeared meanwhile stays."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
    with wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
