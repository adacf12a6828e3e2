"""A simulated board for tests, in time that stands still: its library, its far ends, signals to put on its lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI

from cards.sim.build import SOURCES, Face, library
from cards.sim.control import RATE, Line, SimBoard

BUILT = Path(__file__).parents[2] / "var" / "boards"
Samples = np.ndarray[Any, np.dtype[np.int16]]


@cache
def declarations(header: str) -> FFI:
    ffi = FFI()
    ffi.cdef((SOURCES / f"{header}.h").read_text("utf-8"))
    return ffi


class Bench:
    """A board under one face: ``lib`` has the vendor's functions, ``sim`` the far ends."""

    def __init__(self, face: Face) -> None:
        self.ffi = declarations(face)
        path = library(face, BUILT)
        self.lib: Any = self.ffi.dlopen(str(path))
        self.sim = SimBoard(path)
        self.sim.reset()

    def line(self, number: int) -> Line:
        return self.sim.line(number)


class DonjinBench(Bench):
    def __init__(self, **words: object) -> None:
        super().__init__(Face.DONJIN)
        self.sim.configure(**words)
        assert self.lib.LoadDRV() == 0
        assert self.lib.EnableCard(self.lib.CheckValidCh(), 8192) == 0

    def poll(self) -> None:
        self.lib.PUSH_PLAY()
        self.lib.FeedSigFunc()

    def run(self, seconds: float) -> None:
        """Let time go by with the library polled every tick."""
        for _ in range(round(seconds * 50)):
            self.poll()
            self.sim.step()

    def until(self, condition: Callable[[], object], seconds: float) -> float:
        return self.sim.until(condition, seconds, self.poll)

    def keys(self, ch: int) -> str:
        """Digits that came in since they were last asked for."""
        found = ""
        while (code := self.lib.GetDtmfCode(ch)) >= 0:
            found += "?1234567890*#ABCD"[code]
        return found

    def caller(self, ch: int) -> tuple[int, str]:
        text = self.ffi.new("char[128]")
        status = self.lib.GetCallerIDStr(ch, text)
        return status, self.ffi.string(text).decode()

    def answered(self, ch: int, script: str = "") -> None:
        """A call that has come in on this trunk and was picked up."""
        self.line(ch).do(f"call 13800138000 none; answered 60; {script}")
        self.until(lambda: self.lib.RingDetect(ch), 5)
        self.lib.OffHook(ch)
        self.run(0.1)

    def lifted(self, ch: int) -> None:
        self.line(ch).do("lift")
        self.until(lambda: self.lib.OffHookDetect(ch), 2)

    def dial(self, ch: int, number: str, prefix: str = "", seconds: float = 90) -> list[int]:
        """Dial, and all results one after the other."""
        self.lib.OffHook(ch)
        assert self.lib.Sig_StartDial(ch, number.encode(), prefix.encode(), 0)
        seen: list[int] = []

        def ended() -> bool:
            result = self.lib.Sig_CheckDial(ch)
            if not seen or seen[-1] != result:
                seen.append(result)
            return result in (0x0F, 0x11, 0x13, 0x14, 0x15)

        self.until(ended, seconds)
        return seen


SYNWAY_STATE = 0x18  # the event
SYNWAY_RINGING = 2


class SynwayBench(Bench):
    def __init__(self, **words: object) -> None:
        super().__init__(Face.SYNWAY)
        self.sim.configure(**words)
        assert self.lib.SsmStartCti(b"/dev/null", b"") == 0
        mode = self.ffi.new("ssm_event_mode *", {"mode": 1})
        assert self.lib.SsmSetEvent(0xFFFF, -1, 1, mode) == 0
        self.seen: list[tuple[int, int, int]] = []

    def poll(self) -> None:
        event = self.ffi.new("ssm_event *")
        while self.lib.SsmGetEvent(event) == 0:
            self.seen.append((event.code, event.channel, event.param))

    def run(self, seconds: float) -> None:
        self.sim.run(seconds)
        self.poll()

    def until(self, condition: Callable[[], object], seconds: float) -> float:
        return self.sim.until(condition, seconds, self.poll)

    def state(self, ch: int) -> int:
        return int(self.lib.SsmGetChState(ch))

    def states(self, ch: int) -> list[int]:
        """That it has gone through."""
        changes = [param for code, channel, param in self.seen if (code, channel) == (SYNWAY_STATE, ch)]
        assert all(a & 0xFFFF == b >> 16 for a, b in pairwise(changes))
        return [param & 0xFFFF for param in changes]

    def params(self, code: int, ch: int) -> list[int]:
        return [param for each, channel, param in self.seen if (each, channel) == (code, ch)]

    def answered(self, ch: int, script: str = "") -> None:
        self.line(ch).do(f"call 13800138000 none; answered 60; {script}")
        self.until(lambda: self.state(ch) == SYNWAY_RINGING, 5)
        assert self.lib.SsmPickup(ch) == 0
        self.run(0.1)

    def text(self, ask: Callable[..., int], ch: int) -> str:
        text = self.ffi.new("char[300]")
        assert ask(ch, text) >= 0
        return self.ffi.string(text).decode()


def level(samples: Samples) -> float:
    """dBm0 of 16-bit samples."""
    mean = float(np.mean(samples.astype(np.float64) ** 2)) / 32768**2
    return 10 * np.log10(mean + 1e-12) + 6.15


def share(heard: bytes, hertz: float) -> float:
    """How much of what was heard is this frequency, 0 to 1."""
    samples = np.frombuffer(heard, np.int16).astype(np.float64)
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / RATE)
    energy = float(np.sum(samples**2)) + 1e-9
    return float(2 * abs(np.sum(samples * wave)) ** 2 / len(samples) / energy)


def sine(hertz: float, seconds: float, dbm0: float = -10.0) -> np.ndarray[Any, np.dtype[np.float64]]:
    at = np.arange(round(seconds * RATE))
    return np.asarray(32767 * 10 ** ((dbm0 - 3.14) / 20) * np.sin(2 * np.pi * hertz * at / RATE))


def whole(signal: np.ndarray[Any, Any]) -> Samples:
    return np.clip(np.round(signal), -32768, 32767).astype(np.int16)
