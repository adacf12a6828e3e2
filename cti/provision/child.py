"""One child process: started in its own group, its output passed on line by line, ended for certain.

The kernel kills the child when we die in whatever way (PR_SET_PDEATHSIG). Must not know what the child does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence

from cti.provision.priority import Priority

LineSink = Callable[[str], None]

_PR_SET_PDEATHSIG = 1
_LONGEST_LINE = 16_384
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, signum: int = signal.SIGKILL) -> None:
    """Called in the child: have the kernel send ``signum`` when ``parent`` (our present parent) is gone."""
    _libc.prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Child:
    """A running child. ``wait`` gives its exit status (negative: the signal that ended it)."""

    def __init__(self, process: asyncio.subprocess.Process, sink: LineSink) -> None:
        self._process = process
        self._pump = asyncio.create_task(_pump(process.stdout, sink))

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        environment: Mapping[str, str],
        sink: LineSink,
        priority: Priority = Priority.ORDINARY,
    ) -> Child:
        """Raises ``OSError`` if the program cannot be run. Call from the main thread only."""
        parent = os.getpid()

        def prepare() -> None:
            die_with_parent(parent)
            priority.take()

        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=prepare,
        )
        return cls(process, sink)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        """Until it has ended and what is left of its group is killed; then its output is complete."""
        status = await self._process.wait()
        self._signal_group(signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pump, 2.0)
        return status

    async def stop(self, grace: float, signum: int = signal.SIGTERM) -> None:
        """Ask it to end; after ``grace`` seconds kill it and all it started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signum)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace)
        self._signal_group(signal.SIGKILL)
        await self.wait()

    def _signal_group(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signum)


async def _pump(stream: asyncio.StreamReader | None, sink: LineSink) -> None:
    """Whole lines to ``sink``; an endless line is cut, never kept."""
    if stream is None:
        return
    rest = b""
    while chunk := await stream.read(65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines.append(rest)
            rest = b""
        for line in lines:
            sink(line[:_LONGEST_LINE].decode(errors="replace").rstrip("\r"))
    if rest:
        sink(rest.decode(errors="replace"))
