"""The sound of one call on the wire: A-law in 20 ms packets (RFC 3550) and digits (RFC 4733), polled.

Only packets of the peer's address count. It must not know SIP or boards.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import struct
import time
from collections import deque
from collections.abc import Callable

from cards.gateway.sdp import PCMA, USUAL_EVENTS, Sound

PIECE = 160
DIGITS = "0123456789*#ABCD"
DIGIT_PIECES = 5  # 100 ms
GAP_PIECES = 3
END_PACKETS = 3
VOLUME = 10  # -10 dBm0
MOST_DIGITS = 64
A_ROUND = 20  # packets of one poll
_HEAD = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")


class Rtp:
    """``host`` is ours, ``peer`` the only address that is listened to."""

    def __init__(self, host: str, peer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, 0))
        except OSError:
            self._socket.close()
            raise
        self.port = int(self._socket.getsockname()[1])
        self.events: int | None = USUAL_EVENTS
        self._clock, self.heard_at = clock, clock()
        self._peer, self._to = peer, 0
        self._sequence, self._time = secrets.randbits(16), secrets.randbits(31)
        self._source = secrets.randbits(32)
        self._marked = False
        self._digits: deque[int] = deque()
        self._digit_at = 0  # pieces of the digit that is being sent
        self.lost = 0  # packets of the peer that never came
        self._heard: tuple[int, int] | None = None  # source and sequence number of the last packet
        self._digit_heard: int | None = None  # timestamp of the last digit

    def close(self) -> None:
        self._socket.close()

    def to(self, sound: Sound) -> None:
        """Where and how the peer wants to hear; it need not say anything while it holds."""
        self._to, self.events = sound.port if sound.hears else 0, sound.events
        self.heard_at = self._clock()

    def press(self, digit: str) -> None:
        """Send this digit, in the place of what is said meanwhile."""
        if self.events is not None and len(self._digits) < MOST_DIGITS:
            self._digits.append(DIGITS.index(digit))

    # ------------------------------------------------------------ out

    def send(self, piece: bytes) -> None:
        """The next 20 ms."""
        if self._digits:
            self._send_digit()
        else:
            self._packet(PCMA, piece, self._time, first=not self._marked)
        self._marked = True
        self._time = (self._time + PIECE) & 0xFFFFFFFF

    def _send_digit(self) -> None:
        began = (self._time - self._digit_at * PIECE) & 0xFFFFFFFF
        self._digit_at += 1
        if self._digit_at <= DIGIT_PIECES:
            self._digit(began, self._digit_at, end=False)
            if self._digit_at == DIGIT_PIECES:
                for _ in range(END_PACKETS):
                    self._digit(began, DIGIT_PIECES, end=True)
        elif self._digit_at >= DIGIT_PIECES + GAP_PIECES:
            self._digits.popleft()
            self._digit_at = 0

    def _digit(self, began: int, pieces: int, *, end: bool) -> None:
        body = _EVENT.pack(self._digits[0], VOLUME | (0x80 if end else 0), pieces * PIECE)
        self._packet(self.events or USUAL_EVENTS, body, began, first=pieces == 1 and not end)

    def _packet(self, kind: int, body: bytes, stamp: int, *, first: bool) -> None:
        head = _HEAD.pack(0x80, kind | (0x80 if first else 0), self._sequence, stamp, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self._to:
            with contextlib.suppress(OSError):  # nobody is there now, or the network is full
                self._socket.sendto(head + body, (self._peer, self._to))

    # ------------------------------------------------------------ in

    def receive(self) -> tuple[list[bytes], str]:
        """The pieces and the digits that have come since."""
        pieces, digits = [], ""
        for _ in range(A_ROUND):
            try:
                data, address = self._socket.recvfrom(2048)
            except OSError:
                break
            if address[0] != self._peer or (packet := _read(data)) is None:
                continue
            kind, sequence, stamp, source, body = packet
            self.heard_at = self._clock()
            if kind == self.events and len(body) >= 4:
                self._newer(source, sequence)
                digits += self._digit_came(stamp, body)
            elif kind == PCMA and len(body) == PIECE and self._newer(source, sequence):
                pieces.append(body)
        return pieces, digits

    def _newer(self, source: int, sequence: int) -> bool:
        """Another source begins to count anew, as where the peer joins the call with another."""
        heard = self._heard
        if heard is None or heard[0] != source:
            self._heard = source, sequence
            return True
        gone_on = (sequence - heard[1]) & 0xFFFF
        if not 0 < gone_on < 0x8000:
            return False
        self.lost += gone_on - 1
        self._heard = source, sequence
        return True

    def _digit_came(self, stamp: int, body: bytes) -> str:
        event, flags, _ = _EVENT.unpack_from(body)
        if event >= len(DIGITS) or not flags & 0x80 or stamp == self._digit_heard:
            return ""
        self._digit_heard = stamp
        return DIGITS[event]


def _read(data: bytes) -> tuple[int, int, int, int, bytes] | None:
    """Payload type, sequence number, timestamp, source and body of a packet; ``None``: it is none."""
    if len(data) < _HEAD.size or data[0] >> 6 != 2:
        return None
    first, kind, sequence, stamp, source = _HEAD.unpack_from(data)
    begin, end = _HEAD.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if len(data) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    if first & 0x20:
        end -= data[-1]
    return (kind & 0x7F, sequence, stamp, source, data[begin:end]) if begin <= end else None
