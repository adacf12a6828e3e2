"""Is anybody else using this machine? Waits for quiet before a measurement, and says how much others took during it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.rig.processes import descendants

TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1
QUIET = 0.10  # share of the machine that others may use
WAIT = 300.0  # seconds to wait for that at most


@asynccontextmanager
async def measured(numbers: dict[str, object]) -> AsyncIterator[None]:
    """Wait for a quiet machine, run the body, then put ``others_cpu`` (share of the machine, 0…1) into ``numbers``."""
    end = time.monotonic() + WAIT
    while await _others(3.0) > QUIET and time.monotonic() < end:
        pass
    began = _sample()
    yield
    numbers["others_cpu"] = round(_share(began, _sample()), 2)


async def _others(seconds: float) -> float:
    began = _sample()
    await asyncio.sleep(seconds)
    return _share(began, _sample())


def _share(began: tuple[float, float, float], ended: tuple[float, float, float]) -> float:
    """Of all processor time between two samples, the part that was neither ours nor idle."""
    seconds = ended[0] - began[0]
    busy, ours = ended[1] - began[1], ended[2] - began[2]
    return max(0.0, busy - ours) / (seconds * CORES)


def _sample() -> tuple[float, float, float]:
    """Clock, busy seconds of the machine, seconds used by this process and everything below it."""
    fields = [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    busy = (sum(fields) - fields[3] - fields[4]) / TICKS
    return time.monotonic(), busy, sum(_used(pid) for pid in (os.getpid(), *descendants(os.getpid())))


def _used(pid: int) -> float:
    """Own time and that of children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(part) for part in fields[11:15]) / TICKS
