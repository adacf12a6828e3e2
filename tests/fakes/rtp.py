"""One RTP stream of a test phone: sends a tone or silence in μ-law, sends and receives RFC 4733 digits, and listens.

What was heard is kept as samples, so that a test can ask which tone is in it.
"""

from __future__ import annotations

import asyncio
import math
import random
import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

PACKET = 160
EVENT_PT = 101
KEYS = "0123456789*#ABCD"


def _encode_table() -> npt.NDArray[np.uint8]:
    linear = np.arange(-32768, 32768)
    sign = np.where(linear < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(linear), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)


def _decode_table() -> npt.NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


ULAW, LINEAR = _encode_table(), _decode_table()


def tone_level(samples: npt.NDArray[np.int16], hertz: float, rate: int = 8000) -> float:
    """The share of the samples' energy that is within 30 Hz of ``hertz``; 0 for silence."""
    if len(samples) < 400 or not np.any(np.abs(samples) > 100):
        return 0.0
    power = np.abs(np.fft.rfft(samples.astype(float) * np.hanning(len(samples)))) ** 2
    freqs = np.fft.rfftfreq(len(samples), 1 / rate)
    voice = freqs > 60
    return float(power[np.abs(freqs - hertz) < 30].sum() / power[voice].sum())


class RtpStream(asyncio.DatagramProtocol):
    """Open with ``await RtpStream.open(host)``; ``aim`` it at the far address; it then sends every 20 ms."""

    def __init__(self) -> None:
        self.hertz = 0.0
        self.digits = ""
        self.on_change: Callable[[], None] = lambda: None
        self.packets = 0
        self._heard: list[bytes] = []
        self._far: tuple[str, int] | None = None
        self._seq, self._stamp, self._phase = random.randrange(1000), 0, 0
        self._ssrc = random.randrange(1 << 32)
        self._queued: list[str] = []
        self._last_event = -1
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, host: str) -> RtpStream:
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        return stream

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def aim(self, host: str, port: int) -> None:
        self._far = (host, port)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def press(self, digits: str) -> None:
        self._queued.extend(digits)

    def forget(self) -> None:
        """Forget what was heard so far."""
        self._heard.clear()

    def heard(self, seconds: float = 0.4) -> npt.NDArray[np.int16]:
        """The last ``seconds`` heard."""
        payload = b"".join(self._heard[-math.ceil(seconds * 50) :])
        return LINEAR[np.frombuffer(payload, dtype=np.uint8)]

    def hears(self, hertz: float, share: float = 0.5) -> bool:
        """True when at least 0.2 s were heard and the last 0.4 s are mostly that tone."""
        return len(self._heard) >= 10 and tone_level(self.heard(), hertz) > share

    def hears_sound(self) -> bool:
        return len(self._heard) >= 10 and bool(np.abs(self.heard()).max() > 500)

    def is_silent(self) -> bool:
        """Nothing audible since ``forget``: quiet packets or none."""
        heard = self.heard(60)
        return len(heard) == 0 or bool(np.abs(heard).max() < 200)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self.transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12:
            return
        kind, stamp = data[1] & 0x7F, struct.unpack("!I", data[4:8])[0]
        self.packets += 1
        if kind == 0:
            self._heard.append(data[12:])
            del self._heard[:-3000]
        elif kind == EVENT_PT and stamp != self._last_event and len(data) >= 16:
            self._last_event = stamp
            self.digits += KEYS[data[12]] if data[12] < len(KEYS) else "?"
        self.on_change()

    def _packet(self, kind: int, payload: bytes, stamp: int, marker: bool = False) -> None:
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if marker else 0), self._seq & 0xFFFF, stamp, self._ssrc)
        self._seq += 1
        self.transport.sendto(head + payload, self._far)

    def _audio(self) -> bytes:
        if not self.hertz:
            return b"\xff" * PACKET
        n = np.arange(self._phase, self._phase + PACKET)
        self._phase += PACKET
        wave = (8000 * np.sin(2 * np.pi * self.hertz * n / 8000)).astype(int)
        return ULAW[wave + 32768].tobytes()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.transport.is_closing():
            if self._queued:
                await self._send_digit(KEYS.index(self._queued.pop(0)))
                due = loop.time()
            else:
                self._packet(0, self._audio(), self._stamp)
                self._stamp += PACKET
            due += 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _send_digit(self, key: int) -> None:
        stamp = self._stamp
        for step in range(1, 9):
            end = 0x80 if step > 5 else 0
            duration = min(step, 6) * PACKET
            self._packet(EVENT_PT, struct.pack("!BBH", key, end | 10, duration), stamp, marker=step == 1)
            await asyncio.sleep(0.02 if step < 6 else 0)
        self._stamp += 8 * PACKET
