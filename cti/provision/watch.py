"""Watches the event loop of a program that telephones wait for.

A real-time program that computes without end keeps the processors from everybody: one of ours that does so for two
seconds shares them as everybody until it has been well for a while. One whose loop does not turn at all, whether it
computes or hangs, ends itself: whoever runs it starts it anew, and the calls are found again.

Looks are counted, not seconds, so time in which the whole program was stopped is nobody's fault. The kernel's own
limit (``RLIMIT_RTTIME``) would not do: it begins anew whenever a thread has waited for the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import AsyncIterator

import structlog

from cti.provision.priority import THREADS, RealTime

EVERY = 1.0  # seconds between two looks
FULL = 0.9  # of a processor: hardly a pause
COMPUTED = 2.0  # seconds of that, after which real time is given up
WELL = 10  # looks in a row without it, after which it is taken again
SILENT, LOST = 3, 30  # looks at which the loop had not turned: that is said; the program ends
KILLED = 30  # seconds in real time of a thread that lets nothing else of the program run, not even this watch
LOST_STATUS = 70
CALLERS = 4  # of a function that are named

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def watched_loop() -> AsyncIterator[None]:
    """The running one, of the main thread."""
    watch = LoopWatch(asyncio.get_running_loop())
    watch.begin()
    try:
        yield
    finally:
        watch.end()


class LoopWatch:
    """``begin`` and ``end`` are called in the loop's thread, everything else runs in one of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._ended = threading.Event()
        self._real_time = RealTime()
        self._turned = threading.Event()
        self._missed = self._well = 0
        self._computed = 0.0
        self._looked, self._spent, self._used = time.monotonic(), time.process_time(), _used()

    def begin(self) -> None:
        self._real_time.kill_after(KILLED)
        self._ask()
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            while not self._ended.wait(EVERY):
                self._look()

    def _ask(self) -> None:
        self._turned = threading.Event()
        self._loop.call_soon_threadsafe(self._turned.set)

    def _look(self) -> None:
        turned = self._turned.is_set()
        self._missed = 0 if turned else self._missed + 1
        if self._missed == SILENT:
            log.error("loop.stuck", looks=SILENT, where=_callers(threading.main_thread()))
        if self._missed >= LOST:
            log.critical("loop.lost", looks=LOST, where=_callers(threading.main_thread()))
            os._exit(LOST_STATUS)
        if self._real_time:
            self._share(turned)
        if turned:
            self._ask()

    def _share(self, turned: bool) -> None:
        now, spent, used, before = time.monotonic(), time.process_time(), _used(), self._used
        since, full = now - self._looked, spent - self._spent >= FULL * (now - self._looked)
        self._looked, self._spent, self._used = now, spent, used
        self._computed = self._computed + since if full else 0.0
        self._well = 0 if full or not turned else self._well + 1
        if not self._real_time.given_way and self._computed >= COMPUTED:
            who = _busiest({number: used[number] - before.get(number, 0) for number in used})
            self._real_time.give_way()
            log.error("processor.busy" if turned else "processor.stuck", **who)
        elif self._real_time.given_way and self._well >= WELL:
            self._real_time.take_again()
            log.info("processor.real_time_again")


def _used() -> dict[int, int]:
    """What each thread has computed, in ticks, where the system tells."""
    used: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for thread in THREADS.iterdir():
            with contextlib.suppress(OSError):
                fields = (thread / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                used[int(thread.name)] = int(fields[11]) + int(fields[12])
    return used


def _busiest(spent: dict[int, int]) -> dict[str, str]:
    """The thread that computed most, and what it is about."""
    number = max(spent, key=lambda number: spent[number], default=0)
    for thread in threading.enumerate():
        if thread.native_id == number:
            return {"thread": thread.name, "where": _callers(thread)}
    return {"thread": str(number), "where": "not ours"}


def _callers(thread: threading.Thread) -> str:
    found: list[str] = []
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and len(found) < CALLERS:
        found.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(found)
