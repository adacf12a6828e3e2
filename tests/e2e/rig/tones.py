"""Tones as files and as measurements: which frequencies are in a piece of audio. 8 kHz everywhere."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8000
Samples = npt.NDArray[np.int16]


def sine(frequency: float, seconds: float, level: float = 0.3) -> Samples:
    steps = np.arange(int(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * frequency * steps) * level * 32767).astype(np.int16)


def ulaw(samples: Samples) -> bytes:
    """G.711 mu-law (ITU-T G.711), vectorised."""
    value = samples.astype(np.int32)
    sign = np.where(value < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(value), 32635) + 0x84
    exponent = np.maximum(np.floor(np.log2(magnitude)).astype(np.int32) - 7, 0)
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def from_ulaw(data: bytes) -> Samples:
    code = ~np.frombuffer(data, np.uint8).astype(np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def strength(samples: Samples, frequency: float) -> float:
    """Share (0…1) of the energy of ``samples`` that lies within 40 Hz of ``frequency``; 0 for silence."""
    if len(samples) < RATE // 10:
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    total = float(power.sum())
    if total < 1e6:
        return 0.0
    bins = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(power[np.abs(bins - frequency) <= 40].sum()) / total


def seconds_of(samples: Samples, frequency: float, window: float = 0.25) -> float:
    """For how long in all, by windows, ``frequency`` is the main thing heard."""
    size = int(window * RATE)
    pieces = (samples[i : i + size] for i in range(0, len(samples) - size + 1, size))
    return sum(window for piece in pieces if strength(piece, frequency) > 0.5)


def ulaw_file(path: Path, frequency: float, seconds: float = 1.0) -> Path:
    """Raw mu-law of a tone with whole periods, so that it loops without a click (sipp's rtp_stream)."""
    path.write_bytes(ulaw(sine(frequency, seconds)))
    return path


def call_pcap(path: Path, frequency: float, seconds: float, digits: dict[float, str], ptype: int = 101) -> Path:
    """A capture file of one RTP stream: a tone with RFC 4733 digits at the given seconds (sipp's play_pcap_audio)."""
    audio = ulaw(sine(frequency, seconds))
    due = sorted(digits.items())
    frames: list[tuple[float, bytes]] = []
    sequence, index = 1, 0
    while index * 160 < len(audio):
        at = index * 0.02
        if due and due[0][0] <= at:
            events = digit_packets(due.pop(0)[1], sequence, index * 160, ptype)
            frames += [(at + n * 0.02, packet) for n, packet in enumerate(events)]
            sequence, index = sequence + len(events), index + len(events)
            continue
        frames.append((at, _rtp(0, sequence, index * 160, audio[index * 160 : index * 160 + 160], marker=index == 0)))
        sequence, index = sequence + 1, index + 1
    path.write_bytes(_PCAP_HEAD + b"".join(_captured(at, packet) for at, packet in frames))
    return path


def digit_packets(digit: str, sequence: int, timestamp: int, ptype: int = 101) -> list[bytes]:
    """RFC 4733 packets of one key pressed for 100 ms, the end sent three times, one each 20 ms."""
    event = "0123456789*#ABCD".index(digit)
    packets = []
    for n in range(8):
        duration, end = min(n + 1, 5) * 160, 0x80 if n >= 5 else 0
        payload = struct.pack("!BBH", event, end | 10, duration)
        packets.append(_rtp(ptype, sequence + n, timestamp, payload, marker=n == 0))
    return packets


def _rtp(
    ptype: int, sequence: int, timestamp: int, payload: bytes, *, marker: bool = False, ssrc: int = 0xCA11
) -> bytes:
    return struct.pack("!BBHII", 0x80, ptype | (0x80 if marker else 0), sequence & 0xFFFF, timestamp, ssrc) + payload


_PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def _captured(at: float, packet: bytes) -> bytes:
    udp = struct.pack("!HHHH", 4000, 4000, 8 + len(packet), 0) + packet
    loopback = bytes((127, 0, 0, 1))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, loopback, loopback) + udp
    frame = bytes(12) + b"\x08\x00" + ip
    return struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame
