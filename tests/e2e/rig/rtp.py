"""One RTP stream of a test phone: sends a tone in 20 ms packets, keeps what it hears, sends RFC 4733 digits."""

from __future__ import annotations

import asyncio
import contextlib
import struct

import numpy as np

from tests.e2e.rig.tones import RATE, Samples, digit_packets, from_ulaw, sine, strength, ulaw

PACKET = 160


class RtpStream(asyncio.DatagramProtocol):
    """PCMU on loopback. ``tone`` 0 sends silence. Digits and audio share one sequence, as the RFC wants."""

    def __init__(self, tone: float = 0.0) -> None:
        self.port = 0
        self.tone = tone
        self.packets_heard = 0
        self.digits_heard: list[str] = []
        self._audio = ulaw(sine(tone, 1.0)) if tone else b"\xff" * RATE
        self._heard: list[bytes] = []
        self._peer: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._task: asyncio.Task[None] | None = None
        self._pending: list[str] = []
        self._last_event = -1

    @classmethod
    async def open(cls, tone: float = 0.0) -> RtpStream:
        stream = cls(tone)
        loop = asyncio.get_running_loop()
        stream._transport, _ = await loop.create_datagram_endpoint(lambda: stream, local_addr=("127.0.0.1", 0))
        stream.port = stream._transport.get_extra_info("sockname")[1]
        return stream

    def send_to(self, port: int) -> None:
        """Start sending (or change where to)."""
        self._peer = ("127.0.0.1", port)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send())

    def press(self, digits: str) -> None:
        self._pending.extend(digits)

    def heard(self, seconds: float) -> Samples:
        """The last ``seconds`` of what arrived."""
        count = int(seconds * RATE / PACKET)
        return from_ulaw(b"".join(self._heard[-count:])) if self._heard else np.zeros(0, np.int16)

    async def hears(self, frequency: float, deadline: float = 5.0, window: float = 0.3) -> None:
        """Wait until the last moment heard is mainly this tone."""
        start = len(self._heard)
        end = asyncio.get_running_loop().time() + deadline
        while True:
            fresh = min(window, (len(self._heard) - start) * PACKET / RATE)
            if fresh >= window and strength(self.heard(window), frequency) > 0.5:
                return
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(
                    f"no {frequency} Hz within {deadline} s; {len(self._heard) - start} packets came, "
                    f"share {strength(self.heard(window), frequency):.2f}"
                )
            await asyncio.sleep(0.02)

    def close(self) -> None:
        if self._task:
            self._task.cancel()
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12:
            return
        kind = data[1] & 0x7F
        self.packets_heard += 1
        if kind == 0:
            self._heard.append(data[12:])
        elif kind == 101 and len(data) >= 16:
            stamp = struct.unpack("!I", data[4:8])[0]
            if stamp != self._last_event:
                self._last_event = stamp
                self.digits_heard.append("0123456789*#ABCD"[data[12] & 15])

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        start, tick, sequence, burst = loop.time(), 0, 1, list[bytes]()
        with contextlib.suppress(asyncio.CancelledError):
            while self._transport and not self._transport.is_closing():
                if self._pending and not burst:
                    burst = digit_packets(self._pending.pop(0), sequence, tick * PACKET)
                if burst:
                    packet = burst.pop(0)
                else:
                    at = tick * PACKET % RATE
                    head = struct.pack("!BBHII", 0x80, 0, sequence & 0xFFFF, tick * PACKET & 0xFFFFFFFF, 0xCA11)
                    packet = head + self._audio[at : at + PACKET]
                self._transport.sendto(packet, self._peer)
                sequence, tick = sequence + 1, tick + 1
                await asyncio.sleep(max(start + tick * 0.02 - loop.time(), 0))
