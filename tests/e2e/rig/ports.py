"""Free ports for tests, so that nothing uses a fixed one and parallel runs do not meet."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

_given: set[int] = set()


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that is free for TCP and UDP on loopback now, and was not given out before in this process."""
    while True:
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket(socket.AF_INET, kind))
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            other = socket.SOCK_DGRAM if kind == socket.SOCK_STREAM else socket.SOCK_STREAM
            second = stack.enter_context(socket.socket(socket.AF_INET, other))
            try:
                second.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


def free_range(size: int) -> tuple[int, int]:
    """First and last port of an even-based run of free UDP ports below the ephemeral range."""
    start = 12000 + os.getpid() * 400 % 18000  # parallel runs begin at different places
    for first in (12000 + (start + offset - 12000) % 18000 for offset in range(0, 18000, size)):
        if first in _given or first + size > 31000:
            continue
        probes = range(first, first + size)
        with ExitStack() as stack:
            try:
                for port in probes:
                    stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(first)
        return first, first + size - 1
    raise RuntimeError(f"no {size} free UDP ports in a row between 12000 and 30000")
