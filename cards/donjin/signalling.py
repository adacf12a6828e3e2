"""The calls on the timeslots of a Donjin E1 board: states of its ISDN and steps of its SS1 as what a board tells.

Each is asked for in each round; what it was before says what has happened. It must not know sound.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cards.host.board import Alarm, BoardError, BoardEvent, Called, Cleared, Fault, Progress, Progressed, Released
from cards.host.library import Library, text
from cards.pri import causes
from cti.domain.switch.terms import Cause

CHANNELS = 30  # of an E1
ISDN_PROGRESS = {23: Progress.SENT, 21: Progress.RINGBACK, 5: Progress.CONNECTED}
"""Of ``DJISDN_GetChnState``."""
SS1_PROGRESS = {1: Progress.SENT, 3: Progress.RINGBACK, 4: Progress.CONNECTED}
SS1_FAILED = {2: Cause.BUSY, 5: Cause.CONGESTION, 6: Cause.UNALLOCATED, 7: Cause.NO_ANSWER}
"""Both of ``DJTrk_GetDialStatus``."""


class Signalling(Protocol):
    """One way of signalling for all timeslots; a line is a timeslot."""

    def poll(self, line: int, found: list[BoardEvent]) -> None: ...
    def accept(self, line: int) -> None:
        """The caller is told that it rings."""

    def answer(self, line: int) -> None: ...
    def clear(self, line: int, cause: Cause) -> None: ...
    def call(self, line: int, number: str, caller: str) -> None:
        """Raises ``BoardError``."""


def _number(lib: Library, ask: Callable[..., object], *which: int) -> str:
    buffer = lib.ffi.new("char[128]")
    ask(*which, buffer)
    return text(bytes(lib.ffi.string(buffer, 127)))


class Isdn:
    """PRI by ``DJISDN_``. A call that is over waits to be freed by us; a reason is in words of Q.850."""

    FREE, WAITS_TO_BE_FREED, DOWN, COMPLETION, HAS_COME = 1, 2, 3, 7, 11
    TO_FREE, TO_CONNECT, TO_DISCONNECT, TO_ALERT = 1, 2, 3, 4

    def __init__(self, lib: Library) -> None:
        self._lib = lib
        self._states: dict[int, int] = {}
        self._ours: set[int] = set()  # lines on which we called
        self._told: set[int] = set()  # lines whose call's end was told

    def poll(self, line: int, found: list[BoardEvent]) -> None:
        where = divmod(line, CHANNELS)
        before, now = self._states.get(line), int(self._lib.DJISDN_GetChnState(*where))
        self._states[line] = now
        if before is None or (now == self.DOWN) != (before == self.DOWN):
            found.append(Fault(line, now == self.DOWN, Alarm.SIGNAL if now == self.DOWN else Alarm.NONE))
        if now == self.WAITS_TO_BE_FREED:
            self._over(line, where, found)
            self._lib.DJISDN_SetChnState(*where, self.TO_FREE, 0)
        elif now == before:
            return
        elif now == self.FREE:
            self._ours.discard(line)
            self._told.discard(line)
            found.append(Released(line))
        elif now == self.HAS_COME:
            caller = _number(self._lib, self._lib.DJISDN_GetCallerNumber, *where)
            found.append(Called(line, caller, "", _number(self._lib, self._lib.DJISDN_GetCalleeNumber, *where)))
        elif now == self.COMPLETION:
            self._over(line, where, found)
        elif line in self._ours and (progress := ISDN_PROGRESS.get(now)):
            found.append(Progressed(line, progress))

    def _over(self, line: int, where: tuple[int, int], found: list[BoardEvent]) -> None:
        if line not in self._told:
            self._told.add(line)
            found.append(Cleared(line, causes.from_q850(int(self._lib.DJISDN_GetDisconnectReason(*where)))))

    def accept(self, line: int) -> None:
        self._lib.DJISDN_SetChnState(*divmod(line, CHANNELS), self.TO_ALERT, 0)

    def answer(self, line: int) -> None:
        done = self._lib.DJISDN_SetChnState(*divmod(line, CHANNELS), self.TO_CONNECT, 0)
        if done != 1:
            raise BoardError(f"DJISDN_SetChnState: timeslot {line} does not connect")

    def clear(self, line: int, cause: Cause) -> None:
        self._told.add(line)
        self._lib.DJISDN_SetChnState(*divmod(line, CHANNELS), self.TO_DISCONNECT, causes.to_q850(cause))

    def call(self, line: int, number: str, caller: str) -> None:
        where = divmod(line, CHANNELS)
        if self._lib.DJISDN_Callout(*where, number.encode("ascii"), b"", caller.encode("ascii", "ignore"), b"") != 1:
            raise BoardError(f"DJISDN_Callout: timeslot {line} does not call")
        self._ours.add(line)


class Ss1:
    """China's SS1 (MFC/R2) by ``DJTrk_``. A prompt answers a call: an empty file is played."""

    FREE, RECEIVED, CALLER_GONE, CALLED_GONE, BLOCKED, FAILED = 0, 4, 9, 10, 11, 18
    NUMBER_SENT = 17
    KB_FREE, KB_BUSY, KB_NOBODY = 16, 19, 20

    def __init__(self, lib: Library, silence: Path) -> None:
        self._lib, self._silence = lib, silence
        self._steps: dict[int, int] = {}
        self._dialling: dict[int, Progress | None] = {}

    def poll(self, line: int, found: list[BoardEvent]) -> None:
        before, now = self._steps.get(line), int(self._lib.DJTrk_GetTrunkStatus(line))
        self._steps[line] = now
        if before is None or (now == self.BLOCKED) != (before == self.BLOCKED):
            found.append(Fault(line, now == self.BLOCKED, Alarm.SIGNAL if now == self.BLOCKED else Alarm.NONE))
        if line in self._dialling:
            self._progress(line, now, found)
        if now == before:
            return
        if now == self.FREE:
            self._dialling.pop(line, None)
            found.append(Released(line))
        elif now == self.RECEIVED:
            caller = _number(self._lib, self._lib.DJTrk_GetHostCodeA, line)
            found.append(Called(line, caller, "", _number(self._lib, self._lib.DJTrk_GetMfcCodeA, line)))
        elif now in (self.CALLER_GONE, self.CALLED_GONE, self.FAILED):
            why = SS1_FAILED.get(int(self._lib.DJTrk_GetDialStatus(line)), Cause.FAILED)
            found.append(Cleared(line, why if now == self.FAILED else Cause.NORMAL))
            self._dialling.pop(line, None)
            self._lib.DJTrk_BackwardHangUp(line)

    def _progress(self, line: int, step: int, found: list[BoardEvent]) -> None:
        progress = SS1_PROGRESS.get(int(self._lib.DJTrk_GetDialStatus(line)))
        if progress is Progress.SENT and step != self.NUMBER_SENT:
            return
        if progress is not None and progress is not self._dialling[line]:
            self._dialling[line] = progress
            found.append(Progressed(line, progress))
        if progress is Progress.CONNECTED:
            del self._dialling[line]

    def accept(self, line: int) -> None:
        self._lib.DJTrk_SetTrunkKB(line, self.KB_FREE)

    def answer(self, line: int) -> None:
        if self._lib.DJVoc_PlayFile(line, self._lib.path(self._silence)) != 1:
            raise BoardError(f"DJVoc_PlayFile: timeslot {line} does not answer")

    def clear(self, line: int, cause: Cause) -> None:
        if int(self._lib.DJTrk_GetTrunkStatus(line)) == self.RECEIVED:
            self._lib.DJTrk_SetTrunkKB(line, self.KB_NOBODY if cause is Cause.UNALLOCATED else self.KB_BUSY)
        else:
            self._lib.DJTrk_BackwardHangUp(line)

    def call(self, line: int, number: str, caller: str) -> None:
        if self._lib.DJTrk_StartDial(line, number.encode("ascii"), caller.encode("ascii", "ignore")) != 1:
            raise BoardError(f"DJTrk_StartDial: timeslot {line} does not call")
        self._dialling[line] = None
