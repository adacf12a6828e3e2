"""A program's place at the processors: telephones before pages, those before records.

Nice values alone are not enough: Linux lets a thread that wakes up wait some milliseconds for one that computes
(EEVDF, since 6.6), at each of the steps from a BYE to the next INVITE. Real-time round robin (``SCHED_RR``) does
not wait; it is what FreeSWITCH's packages and Asterisk's ``-p`` take for themselves. Voice and call control are at
the same: where a switch has more to say than the processors can, the engine must still come to move calls on.

Windows, where a board's host may run, has nothing of this: there it is left alone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from enum import Enum
from pathlib import Path

THREADS = Path("/proc/self/task")


class Priority(Enum):
    """A nice value, and a static priority of ``SCHED_RR``; 0: shares the processors as everybody.

    Asterisk takes 10 for itself (``-p``): an engine below it waits for it, above it keeps it waiting.
    """

    TELEPHONES = (-10, 10)
    ORDINARY = (0, 0)
    RECORDS = (5, 0)

    def take(self) -> None:
        """As far as we may. Called in a child that is a session of its own, before its program begins.

        Where the kernel groups processes by session (sched_autogroup) the group's nice value counts, not the process's.
        """
        nice, real_time = self.value
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
            group.write(str(nice))
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR if real_time else os.SCHED_OTHER, os.sched_param(real_time))


def share_as_everybody() -> None:
    """The calling thread, and what it starts from now on: for work that nobody's voice waits for."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class RealTime:
    """That of this process, all its threads: given up and taken again."""

    def __init__(self) -> None:
        self.given_way = False
        had = sys.platform != "win32" and os.sched_getscheduler(0) == os.SCHED_RR
        self._static = os.sched_getparam(0).sched_priority if had else 0

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._static)

    def kill_after(self, seconds: int) -> None:
        """A thread that computes so long in it without a pause has the process killed, by the kernel."""
        if self:
            import resource  # not on Windows

            limit = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
            wanted = seconds * 1_000_000
            least = min(limit, wanted) if limit >= 0 else wanted
            resource.setrlimit(resource.RLIMIT_RTTIME, (least, least))

    def give_way(self) -> None:
        self._schedule(os.SCHED_OTHER, 0)
        self.given_way = True

    def take_again(self) -> None:
        self._schedule(os.SCHED_RR, self._static)
        self.given_way = False

    def _schedule(self, policy: int, static: int) -> None:
        for thread in THREADS.iterdir():
            with contextlib.suppress(OSError):
                os.sched_setscheduler(int(thread.name), policy, os.sched_param(static))
