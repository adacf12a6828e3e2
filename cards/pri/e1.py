"""One E1: what its helper tells becomes what a board tells of thirty lines, and what is asked of a line is signalled.

Timeslots 1 to 15 and 17 to 31 are lines in that order; 16 is the D channel. The caller's digits are collected when
they come one by one. A helper that dies takes its calls along and is started again. It must not know sound or plans.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from cards.host.board import Alarm, BoardEvent, Called, Cleared, Fault, Progress, Progressed, Released
from cards.pri import causes
from cards.pri.link import Link, LinkLost
from cards.pri.protocol import Digits, Down, Ended, Freed, Reached, Restarted, Setup, Stage, Told, Trouble, Up
from cti.domain.switch.terms import Cause

TIMESLOTS = 30
D_CHANNEL = 16
DIGITS_WAIT = 4.0  # seconds after the last digit until the number is taken as whole
MOST_DIGITS = 32
CLEAR_AT_MOST = 60.0  # seconds; T305 and twice T308 are 38
AGAIN = (0.5, 10.0)  # seconds until a helper is started anew, the first time and at most

PROGRESS = {
    Stage.MORE: Progress.SENT,
    Stage.PROCEEDING: Progress.SENT,
    Stage.PROGRESS: Progress.SENT,
    Stage.RINGING: Progress.RINGBACK,
    Stage.ANSWERED: Progress.CONNECTED,
}

log = structlog.get_logger(__name__)


def slot_of(index: int) -> int:
    """The timeslot of the line with this index, from 0."""
    return index + 1 if index < D_CHANNEL - 1 else index + 2


def index_of(slot: int) -> int:
    return slot - 1 if slot < D_CHANNEL else slot - 2


def _digits(number: str) -> str:
    return "".join(c for c in number if c in "0123456789*#")


@dataclass(slots=True, eq=False)
class _Call:
    id: int
    index: int
    ours: bool
    heard: bool = False  # the far side has said something of our call
    clearing: float = 0.0  # since when
    caller: str = ""
    name: str = ""
    digits: str = ""
    whole_at: float = 0.0  # digits are collected until then


@dataclass(slots=True)
class E1:
    """``first``: the line of its first timeslot. ``frames``: the helper's end of the D channel."""

    first: int
    link: Link
    frames: socket.socket
    clock: Callable[[], float]
    alarm: Alarm = Alarm.HELPER
    _signal: bool = True
    _up: bool = False
    _calls: dict[int, _Call] = field(default_factory=dict)
    _by_index: dict[int, _Call] = field(default_factory=dict)
    _said: list[BoardEvent] = field(default_factory=list)
    _count: int = 0
    _running: bool = False
    _again_at: float = 0.0
    _wait: float = AGAIN[0]
    _restarts: list[int] = field(default_factory=list)  # timeslots, the first of which is on its way

    def open(self) -> None:
        """Raises ``LinkLost``."""
        self.link.start(self.frames)
        self._running = True
        self._alarm_now()

    def close(self) -> None:
        self.link.close()
        self._running = False

    def has(self, line: int) -> bool:
        return 0 <= line - self.first < TIMESLOTS

    def signal(self, there: bool) -> None:
        """Whether anything comes from the far end, as the framer sees it."""
        self._signal = there
        self._alarm_now()

    def poll(self) -> list[BoardEvent]:
        now = self.clock()
        if self._running:
            try:
                for told in self.link.poll():
                    self._take(told, now)
                self._time(now)
            except LinkLost as error:
                self._lost(error, now)
        elif now >= self._again_at:
            self._start_again(now)
        said, self._said = self._said, []
        return said

    # ------------------------------------------------------------ what is asked of a line

    def dial(self, line: int, number: str, caller: str = "", hidden: bool = False) -> None:
        index = line - self.first
        if index in self._by_index or not self._up:
            self._said += [Cleared(line, Cause.CONGESTION), Released(line)]
            return
        self._count += 2
        call = self._seat(_Call(self._count, index, ours=True))
        numbers = {"called": _digits(number), "caller": _digits(caller)}
        self._ask("setup", call=call.id, slot=slot_of(index), exclusive=1, hidden=hidden, **numbers)

    def ring(self, line: int) -> None:
        self._ask_of(line, "alert")

    def answer(self, line: int) -> None:
        self._ask_of(line, "answer")

    def clear(self, line: int, q850: int) -> None:
        """Also when nothing is there to be cleared: the line is then told to be free."""
        call = self._by_index.get(line - self.first)
        if call is None:
            self._said.append(Released(line))
        elif not call.clearing:
            call.clearing = self.clock()
            self._ask("hangup", call=call.id, cause=q850)

    def _ask_of(self, line: int, verb: str) -> None:
        call = self._by_index.get(line - self.first)
        if call is not None and not call.clearing:
            self._ask(verb, call=call.id, slot=slot_of(call.index))

    def _ask(self, verb: str, **words: int | str) -> None:
        try:
            self.link.ask(verb, **words)
        except LinkLost as error:
            self._lost(error, self.clock())

    # ------------------------------------------------------------ what the helper tells

    def _take(self, told: Told, now: float) -> None:
        match told:
            case Up() | Down():
                self._up = isinstance(told, Up)
                self._alarm_now()
                if self._up and self._wait > AGAIN[0]:
                    self._clear_the_other_side()
            case Setup():
                self._came(told, now)
            case Digits():
                self._more(self._calls.get(told.call), told, now)
            case Reached():
                self._reached(self._calls.get(told.call), told.stage)
            case Ended():
                self._ended(self._calls.get(told.call), told.cause)
            case Freed():
                self._freed(self._calls.get(told.call))
            case Restarted():
                self._restarted(told.slot)
            case Trouble():
                log.warning("e1.trouble", line=self.first, text=told.text)

    def _came(self, setup: Setup, now: float) -> None:
        index = self._place(setup)
        if index is None:
            self._ask("hangup", call=setup.call, cause=causes.CHANNEL_NOT_AVAILABLE)
            return
        caller = "" if setup.hidden else setup.caller
        call = self._seat(_Call(setup.call, index, ours=False, caller=caller, name=setup.name))
        call.digits = setup.called[:MOST_DIGITS]
        if setup.complete:
            self._whole(call)
        else:
            call.whole_at = now + DIGITS_WAIT
            self._ask("more", call=call.id, slot=slot_of(index))

    def _place(self, setup: Setup) -> int | None:
        """The timeslot that the caller wants, or another where that is taken and it may be; the network's call comes
        before one of ours that has had no answer yet."""
        index = index_of(setup.slot) if setup.slot else None
        there = self._by_index.get(index) if index is not None else None
        if index is not None and there is None:
            return index
        if not setup.exclusive:
            return next((one for one in range(TIMESLOTS) if one not in self._by_index), None)
        if index is None or there is None or not there.ours or there.heard or there.clearing:
            return None
        self._ask("hangup", call=there.id, cause=causes.CHANNEL_NOT_AVAILABLE)
        self._said.append(Cleared(self.first + index, Cause.CONGESTION))
        self._freed(there)
        return index

    def _more(self, call: _Call | None, told: Digits, now: float) -> None:
        if call is None or not call.whole_at:
            return
        call.digits = (call.digits + told.digits)[:MOST_DIGITS]
        call.whole_at = now + DIGITS_WAIT
        if told.complete or "#" in told.digits or len(call.digits) == MOST_DIGITS:
            self._whole(call)

    def _whole(self, call: _Call) -> None:
        call.whole_at = 0.0
        self._ask("proceed", call=call.id, slot=slot_of(call.index))
        self._said.append(Called(self.first + call.index, call.caller, call.name, call.digits.partition("#")[0]))

    def _reached(self, call: _Call | None, stage: Stage) -> None:
        if call is not None and call.ours and not call.clearing:
            call.heard = True
            self._said.append(Progressed(self.first + call.index, PROGRESS[stage]))

    def _ended(self, call: _Call | None, cause: int) -> None:
        if call is None:
            return
        if not (call.clearing or call.whole_at):
            self._said.append(Cleared(self.first + call.index, causes.from_q850(cause)))
        call.clearing, call.whole_at = self.clock(), 0.0

    def _freed(self, call: _Call | None) -> None:
        if call is None:
            return
        del self._calls[call.id], self._by_index[call.index]
        self._said.append(Released(self.first + call.index))
        if self.alarm is not Alarm.NONE:
            self._said.append(Fault(self.first + call.index, True, self.alarm))

    def _time(self, now: float) -> None:
        for call in list(self._calls.values()):
            if call.whole_at and now >= call.whole_at:
                self._whole(call)
            elif call.clearing and now - call.clearing >= CLEAR_AT_MOST:
                self._freed(call)

    # ------------------------------------------------------------ alarms, and a helper that is lost

    def _alarm_now(self) -> None:
        """Lines without a call are dead at once; where only the signalling is lost, calls live on."""
        alarm = Alarm.NONE if self._up else Alarm.D_CHANNEL if self._running else Alarm.HELPER
        alarm = alarm if self._signal else Alarm.SIGNAL
        self.alarm = alarm
        for index in range(TIMESLOTS):
            lives = alarm is Alarm.NONE or (alarm is Alarm.D_CHANNEL and index in self._by_index)
            self._said.append(Fault(self.first + index, not lives, alarm))

    def _lost(self, error: LinkLost, now: float) -> None:
        log.error("e1.helper_lost", line=self.first, error=str(error))
        self.link.close()
        self._running = self._up = False
        self._again_at, self._wait = now + self._wait, min(self._wait * 2, AGAIN[1])
        for call in list(self._calls.values()):
            self._ended(call, causes.OUT_OF_ORDER)
            self._freed(call)
        self._alarm_now()

    def _clear_the_other_side(self) -> None:
        """A helper is new: what the far side still holds of calls of the one before it must go, one after the other."""
        self._wait = AGAIN[0]
        self._restarts = [slot_of(index) for index in range(TIMESLOTS)]
        self._ask("restart", slot=self._restarts[0])

    def _restarted(self, slot: int) -> None:
        if self._restarts and slot == self._restarts[0]:
            self._restarts = [one for one in self._restarts[1:] if index_of(one) not in self._by_index]
            if self._restarts:
                self._ask("restart", slot=self._restarts[0])

    def _start_again(self, now: float) -> None:
        try:
            self.open()
        except LinkLost as error:
            self._lost(error, now)

    def _seat(self, call: _Call) -> _Call:
        self._calls[call.id] = self._by_index[call.index] = call
        return call
