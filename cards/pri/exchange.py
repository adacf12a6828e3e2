"""The far exchange of a simulated E1: the network's side of real signalling, with the far ends' scripts behind it.

The scripts of docs/boards.md run as on any line; what they do goes over the D channel as Q.931, and what comes from
there moves them. For demo, training and tests only.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from cards.host.board import BoardEvent, Called, Cleared, Fault, Progress, Progressed
from cards.pri import causes
from cards.pri.cable import Cable
from cards.pri.e1 import E1, TIMESLOTS
from cards.pri.link import Link, Node, helper
from cards.sim.control import SimBoard, SimRefused, Slot

FREE_WITHIN = 0.5  # seconds: a timeslot that is still being cleared behind the signalling
UP = (Slot.SETUP, Slot.PROCEEDING, Slot.ALERTING, Slot.TALKING)


class Exchange:
    def __init__(self, sim: SimBoard, e1: E1, cable: Cable, ours: E1) -> None:
        """``e1`` is the network's side, ``ours`` the board's on the other end of the cable."""
        self._sim, self._e1, self._cable, self.ours = sim, e1, cable, ours
        self._last: dict[int, Slot] = {}
        self._waiting: dict[int, tuple[Called, float]] = {}

    def open(self) -> None:
        self._e1.open()

    def close(self) -> None:
        self._e1.close()
        self._cable.close()

    def plug(self, there: bool) -> None:
        """The whole cable: timeslots and D channel."""
        self._cable.plugged = there
        self._e1.signal(there)
        self.ours.signal(there)

    def cut_signalling(self, cut: bool) -> None:
        """The D channel alone."""
        self._cable.plugged = not cut

    def filenos(self) -> list[int]:
        """For who waits until something happens. Raises ``LinkLost``."""
        return self._cable.filenos()

    def step(self) -> None:
        self._cable.step()
        for event in self._e1.poll():
            with contextlib.suppress(SimRefused):  # the far end has changed its mind meanwhile: its state tells
                self._take(event)
        for called, since in list(self._waiting.values()):
            self._call(called, since)
        for index in range(TIMESLOTS):
            with contextlib.suppress(SimRefused):
                self._look(self._e1.first + index)
        self._cable.step()

    def _take(self, event: BoardEvent) -> None:
        line = self._sim.line(event.line)
        match event:
            case Called():
                self._call(event, time.monotonic())
            case Progressed(progress=Progress.CONNECTED):
                line.exchange_answer()
            case Cleared():
                self._waiting.pop(event.line, None)
                line.exchange_clear(causes.to_q850(event.cause))
            case Fault(dead=True):
                line.exchange_clear(causes.OUT_OF_ORDER)
            case _:
                pass

    def _call(self, called: Called, since: float) -> None:
        self._waiting.pop(called.line, None)
        try:
            self._sim.line(called.line).exchange_call(called.dialled, called.number)
        except SimRefused:
            if time.monotonic() - since < FREE_WITHIN:
                self._waiting[called.line] = (called, since)
            else:
                self._e1.clear(called.line, causes.CHANNEL_NOT_AVAILABLE)

    def _look(self, number: int) -> None:
        line = self._sim.line(number)
        now = line.timeslot()
        before = self._last.get(number, Slot.IDLE)
        if now.state is before:
            return
        self._last[number] = now.state
        if now.state is Slot.OFFERED:
            line.exchange_accept()
            self._e1.dial(number, now.called, now.calling)
        elif now.state is Slot.ALERTING:
            self._e1.ring(number)
        elif now.state is Slot.TALKING and before in UP:
            self._e1.answer(number)
        elif now.state is Slot.GONE:
            self._e1.clear(number, now.cause)
            line.exchange_clear(now.cause)


def simulated_e1(
    sim: SimBoard, first: int, folder: Path, clock: Callable[[], float] = time.monotonic, **timers: int
) -> Exchange:
    """Two helpers back to back on the timeslots of ``sim`` from ``first`` on; nothing is started but the board's side's
    own. Raises ``BuildFailed``."""
    path, cable = helper(folder), Cable()
    ours = E1(first, Link(path, Node.USER, timers), cable.one, clock)
    network = E1(first, Link(path, Node.NETWORK, timers), cable.other, clock)
    return Exchange(sim, network, cable, ours)
