"""A loop whose time jumps to the next timer when nothing is left to do: hours of a call centre in seconds.

Must not be used with sockets: nothing outside the process is waited for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

EPOCH = 1_800_000_000.0
"""Seconds: where virtual time begins, so that times look like times."""


class _NoWaiting(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = EPOCH

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen any more: somebody waits for the world outside")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = _NoWaiting()
        super().__init__(self.clock)
        self._clock_resolution = 1e-6  # what a float of the size of EPOCH can tell apart

    def time(self) -> float:
        return self.clock.now


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """As ``asyncio.run``, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
