"""The D channel's wire between two ends of a simulated E1: frames go over while it is plugged in, and are lost else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

FRAME = 2048


class Cable:
    """Each end gives a socket to a helper: one packet is one HDLC frame with its FCS."""

    def __init__(self) -> None:
        self.plugged = True
        self.spoil: Callable[[bytes], bytes] | None = None  # what becomes of each frame on a bad wire
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
        (self.one, self._from_one), (self.other, self._from_other) = pairs
        for end in (self._from_one, self._from_other):
            end.setblocking(False)

    def step(self) -> int:
        """Carry what waits; how many frames went over."""
        return self._carry(self._from_one, self._from_other) + self._carry(self._from_other, self._from_one)

    def filenos(self) -> list[int]:
        return [self._from_one.fileno(), self._from_other.fileno()]

    def put(self, frame: bytes) -> None:
        """As if the one end had sent it: for tests of what must be borne."""
        with contextlib.suppress(OSError):
            self._from_other.send(frame)

    def close(self) -> None:
        for end in (self.one, self.other, self._from_one, self._from_other):
            end.close()

    def _carry(self, source: socket.socket, target: socket.socket) -> int:
        count = 0
        with contextlib.suppress(OSError):
            while frame := source.recv(FRAME):
                if self.plugged:
                    target.send(self.spoil(frame) if self.spoil is not None else frame)
                    count += 1
        return count
