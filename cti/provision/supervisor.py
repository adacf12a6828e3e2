"""Keep programs running: start them in order, each when the one before is ready; start again what ends; end all.

Must not know what the programs are. One asyncio loop, main thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from cti.domain.errors import CallyardError
from cti.provision.child import Child
from cti.provision.programs import Program

BACKOFF_FIRST, BACKOFF_MOST = 0.5, 20.0
STEADY = 30.0  # seconds after which the back-off starts anew
PROBE_EVERY, MEND_EVERY = 0.1, 1.0
TRIES_AT_START = 3


class StartFailed(CallyardError):
    """A program did not become ready; the message holds the last thing it said."""

    code = "serve.start_failed"


class Log(Protocol):
    def line(self, name: str, text: str, quiet: bool = False) -> None:
        """``quiet``: only to the file."""


def describe_status(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"


class Keeper:
    """Keeps one program running until ``stop``."""

    def __init__(self, program: Program, environment: Mapping[str, str], log: Log) -> None:
        self.program = program
        self.ready = asyncio.Event()
        self.failed = asyncio.Event()
        self.ever_ready = False
        self.last_lines: deque[str] = deque(maxlen=12)
        self._environment, self._log = environment, log
        self._child: Child | None = None
        self._stopping = asyncio.Event()
        self._spoilt = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def stop(self) -> None:
        self._stopping.set()
        if self._child is not None:
            await self._child.stop(self.program.grace)
        if self._task is not None:
            await self._task

    async def kill(self) -> None:
        self._stopping.set()
        if self._child is not None:
            await self._child.stop(0.0, signal.SIGKILL)

    async def _keep(self) -> None:
        pause, failures = BACKOFF_FIRST, 0
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = await self._run_once()
            self.ready.clear()
            if self._stopping.is_set():
                return
            if not self.ever_ready:
                failures += 1
                if failures >= TRIES_AT_START:
                    self.failed.set()
                    return
            if time.monotonic() - began > STEADY:
                pause = BACKOFF_FIRST
            self._log.line("callyard", f"{self.program.name} {reason}; starting it again in {pause:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, BACKOFF_MOST)

    async def _run_once(self) -> str:
        try:
            self._child = await Child.start(self.program.argv, self._environment, self._say, self.program.priority)
        except OSError as error:
            self._say(f"{self.program.argv[0]}: {error.strerror or error}")
            return "could not be started"
        if self._stopping.is_set():
            await self._child.stop(self.program.grace)
            return "stopped"
        self._spoilt.clear()
        watching = [asyncio.create_task(self._probe()), asyncio.create_task(self._mend(self._child))]
        try:
            return describe_status(await self._child.wait())
        finally:
            for task in watching:
                task.cancel()
            self._child = None

    async def _probe(self) -> None:
        while not await self.program.probe():  # noqa: ASYNC110 - another process: there is no event to wait for
            await asyncio.sleep(PROBE_EVERY)
        self.ever_ready = True
        self.ready.set()

    async def _mend(self, child: Child) -> None:
        """Start a spoilt program anew, when that can help."""
        await self._spoilt.wait()
        while not self.program.mendable():  # noqa: ASYNC110 - a disk: there is no event to wait for
            await asyncio.sleep(MEND_EVERY)
        self._log.line("callyard", f"{self.program.name} is started anew: it could not write, now there is room")
        await child.stop(self.program.grace)

    def _say(self, text: str) -> None:
        self.last_lines.append(text)
        if self.program.spoilt is not None and self.program.spoilt.search(text):
            self._spoilt.set()
        hush = self.program.hush
        self._log.line(self.program.name, text, quiet=hush is not None and hush.search(text) is not None)


class Supervisor:
    """``stages`` start one after the other; the programs of one stage at the same time."""

    def __init__(self, stages: Sequence[Sequence[Program]], environment: Mapping[str, str], log: Log) -> None:
        self._stages = [[Keeper(program, environment, log) for program in stage] for stage in stages]

    @property
    def keepers(self) -> list[Keeper]:
        return [keeper for stage in self._stages for keeper in stage]

    async def start(self) -> None:
        """Returns when everything is ready. Raises ``StartFailed``; what runs then still runs: call ``stop``."""
        for stage in self._stages:
            for keeper in stage:
                keeper.start()
            await asyncio.gather(*(_until_ready(keeper) for keeper in stage))

    async def stop(self) -> None:
        """The last started first; nothing is left when it returns."""
        for stage in reversed(self._stages):
            await asyncio.gather(*(keeper.stop() for keeper in stage))

    async def kill(self) -> None:
        await asyncio.gather(*(keeper.kill() for keeper in self.keepers))


async def _until_ready(keeper: Keeper) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (keeper.ready, keeper.failed)]
    try:
        await asyncio.wait(waits, timeout=keeper.program.ready_within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
    if keeper.ready.is_set():
        return
    said = next((line for line in reversed(keeper.last_lines) if line.strip()), "it said nothing")
    what = "does not stay up" if keeper.failed.is_set() else f"not ready in {keeper.program.ready_within:g} s"
    raise StartFailed(f"{keeper.program.name} {what}: {said.strip()[:300]}")
