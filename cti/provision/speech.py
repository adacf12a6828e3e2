"""Text to speech behind one Protocol: espeak-ng as the library that comes as a wheel, or as a program.

Must not know phrases, files or where prompts are used. A better engine is added here and in ``find_engine``.
"""

from __future__ import annotations

import ctypes
import io
import shutil
import subprocess
import threading
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from cti.provision.apt import ProvisionFailed

Samples = npt.NDArray[np.int16]
VOICES: Final = {"zh_CN": "cmn", "en": "en"}
WORDS_PER_MINUTE: Final = {"zh_CN": 170, "en": 150}
DEADLINE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono, 16 bit; ``rate`` in samples a second."""

    samples: Samples
    rate: int


class TtsEngine(Protocol):
    """May be called from several threads."""

    name: str

    def speak(self, text: str, language: str) -> Speech:
        """``language`` is ``zh_CN`` or ``en``. Raises ``ProvisionFailed``."""


def find_engine() -> TtsEngine:
    """The wheel's espeak-ng 1.52, else the one on PATH. Raises ``ProvisionFailed`` with what to install.

    The wheel comes first because Debian 12's espeak-ng 1.51 spells Mandarin in English letters.
    """
    try:
        return EspeakLibrary.load()
    except ProvisionFailed:
        if program := shutil.which("espeak-ng"):
            return EspeakProgram(program)
        raise


class EspeakProgram:
    """The ``espeak-ng`` command."""

    name = "espeak-ng"

    def __init__(self, program: str) -> None:
        self._program = program

    def speak(self, text: str, language: str) -> Speech:
        command = [self._program, "-v", VOICES[language], "-s", str(WORDS_PER_MINUTE[language]), "--stdin", "--stdout"]
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=DEADLINE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProvisionFailed(f"espeak-ng: {error}") from error
        if done.returncode or len(done.stdout) <= 44:
            raise ProvisionFailed(f"espeak-ng: {done.stderr.decode(errors='replace').strip()[:200] or 'no sound'}")
        with wave.open(io.BytesIO(_with_true_length(done.stdout))) as sound:
            return Speech(np.frombuffer(sound.readframes(sound.getnframes()), "<i2"), sound.getframerate())


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_SYNCHRONOUS: Final = 2
_UTF8: Final = 1
_RATE_PARAMETER: Final = 1


class EspeakLibrary:
    """libespeak-ng of the ``espeakng-loader`` wheel. The library has one state, so one text at a time."""

    name = "espeakng-loader"

    def __init__(self, library: ctypes.CDLL, rate: int) -> None:
        self._library, self._rate = library, rate
        self._lock = threading.Lock()
        self._parts: list[bytes] = []
        self._callback = _CALLBACK(self._collect)
        library.espeak_SetSynthCallback(self._callback)

    @classmethod
    def load(cls) -> EspeakLibrary:
        try:
            import espeakng_loader  # type: ignore[import-untyped]  # a wheel with a binary: optional at run time

            library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = Path(espeakng_loader.get_data_path())
        except (ImportError, OSError) as error:
            raise ProvisionFailed("no speech: apt-get install espeak-ng, or pip install espeakng-loader") from error
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, str(data.parent).encode(), 0)
        if rate <= 0:
            raise ProvisionFailed("espeak-ng library did not start; apt-get install espeak-ng")
        return cls(library, rate)

    def speak(self, text: str, language: str) -> Speech:
        encoded = text.encode() + b"\0"
        with self._lock:
            self._parts.clear()
            if self._library.espeak_SetVoiceByName(VOICES[language].encode()) != 0:
                raise ProvisionFailed(f"espeak-ng has no voice {VOICES[language]}; apt-get install espeak-ng")
            self._library.espeak_SetParameter(_RATE_PARAMETER, WORDS_PER_MINUTE[language], 0)
            failed = self._library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 0, 0, _UTF8, None, None)
            samples = np.frombuffer(b"".join(self._parts), "=i2")
        if failed or not samples.size:
            raise ProvisionFailed("espeak-ng library gave no sound; apt-get install espeak-ng")
        return Speech(samples, self._rate)

    def _collect(self, samples: object, count: int, events: object) -> int:
        if samples and count > 0:
            self._parts.append(ctypes.string_at(samples, count * 2))  # type: ignore[arg-type]
        return 0


def _with_true_length(data: bytes) -> bytes:
    """A WAV written to a pipe claims a length it could not know; put in the true one."""
    start = data.index(b"data") + 8
    size = (len(data) - start) // 2 * 2
    return data[: start - 4] + size.to_bytes(4, "little") + data[start : start + size]
