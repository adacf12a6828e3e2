"""A program's place at the processors: voice before call control, that before pages, those before records.

Nice values alone are not enough: Linux lets a thread that wakes up wait some milliseconds for one that computes
(EEVDF, since 6.6), at each of the steps from a BYE to the next INVITE. Real-time round robin (``SCHED_RR``) does
not wait; it is what FreeSWITCH's packages and Asterisk's ``-p`` take for themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from enum import Enum
from pathlib import Path

import structlog

STUCK_AFTER = 1.0  # seconds of computing without a pause
BACK_AFTER = 10.0

log = structlog.get_logger(__name__)


class Priority(Enum):
    """A nice value, and a static priority of ``SCHED_RR``; 0: shares the processors as everybody."""

    VOICE = (-10, 2)
    CALL_CONTROL = (-10, 1)
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
        if real_time:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(real_time))


def give_way_when_stuck() -> None:
    """A real-time program of ours that computes for ``STUCK_AFTER`` without a pause shares the processors as everybody,
    until its running event loop has turned again for ``BACK_AFTER``: a fault of ours must not stop the machine.
    """
    policy, static = os.sched_getscheduler(0), os.sched_getparam(0)
    if policy != os.SCHED_RR:
        return
    loop = asyncio.get_running_loop()

    def give_way(number: int, frame: object) -> None:
        if os.sched_getscheduler(0) != policy:
            return
        _schedule_all(os.SCHED_OTHER, os.sched_param(0))
        log.error("processor.stuck", seconds=STUCK_AFTER)
        loop.call_soon_threadsafe(loop.call_later, BACK_AFTER, _schedule_all, policy, static)

    signal.signal(signal.SIGXCPU, give_way)
    resource.setrlimit(resource.RLIMIT_RTTIME, (round(STUCK_AFTER * 1_000_000), resource.RLIM_INFINITY))


def _schedule_all(policy: int, static: os.sched_param) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(int(thread.name), policy, static)
