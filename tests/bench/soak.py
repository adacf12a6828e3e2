"""Calls without a pause for many minutes, pages that are read and streams that come and go: does anything grow?

``python -m tests.bench.soak [minutes] [calls a second] [switch]`` prints memory and open files of every process at the
half and at the end, how fast they grow from the first quarter on, and how many of the switch's events waited. Not part
of ``make bench``.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.bench import stage
from tests.bench.load import Backlog
from tests.e2e.rig import processes
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.sipphones import callers, registered_phones
from tests.e2e.rig.visitor import Visitor

PARTS = {
    "engine": " engine",
    "worker": " worker",
    "web": "gunicorn",
    "asterisk": " -C ",
    "freeswitch": " -conf ",
    "nats": "nats-server",
}
PAGES = ("/orders", "/calls", "/customers", "/floor", "/calls/today", "/healthz")
EVERY = 10.0  # seconds between two looks
STREAM_SECONDS = 20.0
ROUND = 400.0  # seconds of calls between two registrations: the switch forgets a phone after ten minutes
Sample = tuple[float, float, int]  # seconds since the begin, MB resident, open files


class Visits(threading.Thread):
    """Somebody who reads pages and whose stream breaks now and then."""

    def __init__(self, centre: Centre, username: str) -> None:
        super().__init__(daemon=True)
        self._visitor = Visitor(centre, username)
        self._ended = threading.Event()
        self.answers: dict[int, int] = defaultdict(int)

    def run(self) -> None:
        while not self._ended.is_set():
            for path in PAGES:
                self.answers[self._visitor.get(path)[0]] += 1
            began = time.monotonic()
            with closing(self._visitor.stream()) as lines:
                for _ in lines:
                    if self._ended.is_set() or time.monotonic() - began > STREAM_SECONDS:
                        break

    def end(self) -> None:
        self._ended.set()
        self.join(30)


def look(centre: Centre, since: float) -> dict[str, Sample]:
    """Each part of the product, all its processes together."""
    assert centre.process is not None
    found: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for pid, line in processes.descendants(centre.process.pid).items():
        part = next((name for name, words in PARTS.items() if words in f" {line}"), "")
        if part:
            found[part].append((processes.resident_mb(pid), processes.open_files(pid)))
    at = time.monotonic() - since
    return {part: (at, sum(mb for mb, _ in seen), sum(files for _, files in seen)) for part, seen in found.items()}


def report(part: str, samples: list[Sample]) -> str:
    at, mb, files = (np.array(column, dtype=float) for column in zip(*samples, strict=True))
    steady = at >= at[-1] / 4
    slopes = [np.polyfit(at[steady] / 3600, column[steady], 1)[0] for column in (mb, files)]
    half = len(at) // 2
    return (
        f"{part:<10} MB {mb[0]:7.1f} {mb[half]:7.1f} {mb[-1]:7.1f}  {slopes[0]:+8.2f} MB/h"
        f"   files {files[0]:4.0f} {files[half]:4.0f} {files[-1]:4.0f}  {slopes[1]:+7.1f}/h"
    )


async def soak(minutes: float, rate: int, switch: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="cys-"))
    centre = await stage.build(folder / "a", CALLYARD_SWITCH=switch)
    samples: dict[str, list[Sample]] = defaultdict(list)
    visits = [Visits(centre, name) for name in ("agent1", "agent2", "supervisor")]
    backlog = Backlog(centre)
    began = time.monotonic()
    try:
        for visit in visits:
            visit.start()
        calls = 0
        while (left := minutes * 60 - (time.monotonic() - began)) > EVERY:
            numbers = [f"1993{n:07d}" for n in range(calls, calls + int(min(left, ROUND) * rate))]
            calls += len(numbers)
            async with backlog:
                await one_round(centre, folder, numbers, rate, lambda: keep(samples, look(centre, began)))
            print("\n".join(report(part, seen) for part, seen in samples.items()), flush=True)
        for visit in visits:
            await asyncio.to_thread(visit.end)
    finally:
        print(f"pages answered {[dict(visit.answers) for visit in visits]}; {backlog.found()}")
        await centre.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(centre.crashes() or "no crash printed")


async def one_round(centre: Centre, folder: Path, numbers: list[str], rate: int, sample: Callable[[], None]) -> None:
    agents = stage.accounts(centre, 20)
    with registered_phones(folder, centre.switch, agents, talk_ms=(1000, 4000)):
        await stage.all_ready(centre, [number for number, _ in agents])
        end = time.monotonic() + len(numbers) / rate + 60
        with callers(folder, centre.switch.sip, stage.DID, numbers, rate=rate, trace=False) as sipp:
            while sipp.running and time.monotonic() < end:
                sample()
                await asyncio.sleep(EVERY)
            left = (await centre.floor())["calls"]
            print(f"{len(numbers)} callers ended with {sipp.process.poll()} (0: as they should), {left} calls left")


def keep(samples: dict[str, list[Sample]], seen: dict[str, Sample]) -> None:
    for part, sample in seen.items():
        samples[part].append(sample)


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    asyncio.run(soak(float(given.get(1, 20)), int(given.get(2, 2)), given.get(3, "asterisk")))
