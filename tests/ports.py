"""Free ports for tests, so that nothing uses a fixed one and parallel runs do not meet.

All lie below the ports that the system gives to outgoing connections (32768 on Linux), so that none of those takes one
between the moment it is found and the moment a program listens on it. Each worker of pytest-xdist has its own,
for a program may take seconds until it listens.
"""

from __future__ import annotations

import os
import random
import socket
from contextlib import ExitStack

RANGES = range(12000, 28000)  # of media: one port in them may be taken only much later
SINGLES = range(28000, 32700)
WORKERS = 4

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{os.getpid()}")[2:]) % WORKERS
_next = len(RANGES) // WORKERS * _worker
_share = len(SINGLES) // WORKERS
_singles = SINGLES[_share * _worker : _share * (_worker + 1)]
_given: set[int] = set()


def free_port() -> int:
    """A port that is free for TCP and UDP on loopback now, and was not given out before in this process."""
    return free_ports(1)


def free_ports(side_by_side: int) -> int:
    """The first of so many side by side, each as ``free_port`` gives it."""
    while True:
        first = random.choice(_singles[:-side_by_side])
        ports = range(first, first + side_by_side)
        if not _given.intersection(ports) and _free(ports, socket.SOCK_STREAM) and _free(ports, socket.SOCK_DGRAM):
            _given.update(ports)
            return first


def free_range(size: int) -> tuple[int, int]:
    """First and last port of an even-based run of free UDP ports; what was given out last comes again last."""
    global _next
    for _ in RANGES:
        first = RANGES.start + _next
        _next = (_next + size + size % 2) % (len(RANGES) - size)
        _next -= _next % 2
        if _free(range(first, first + size), socket.SOCK_DGRAM):
            return first, first + size - 1
    raise RuntimeError(f"no {size} free UDP ports in a row between {RANGES.start} and {RANGES.stop}")


def _free(ports: range, kind: socket.SocketKind) -> bool:
    with ExitStack() as stack:
        for port in ports:
            try:
                stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
