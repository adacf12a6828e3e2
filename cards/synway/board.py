"""A Synway board as a ``Board``: the library tells events, which are taken from it in each round.

Each event, state and result that is documented has its meaning in a table here. It must not know calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cards.host.board import (
    BoardError,
    BoardEvent,
    FarGone,
    Fault,
    Flashed,
    Hearing,
    Key,
    Lifted,
    LineKind,
    NumberRead,
    PlayEnded,
    Progress,
    Progressed,
    Rang,
    Replaced,
    Tone,
)
from cards.host.library import Library, text
from cards.synway.declarations import DECLARATIONS
from cards.synway.joins import Joins
from cti.domain.switch.terms import Cause

WHAT = "Synway SynCTI"
EVERY_EVENT, EVERY_CHANNEL, ENABLE, BY_WAITING = 0xFFFF, -1, 1, 1
A_LAW = 6
WHOLE = 0xFFFFFFFF
ROUND = 500  # the most events of one round

KINDS = {0: LineKind.TRUNK, 2: LineKind.EXTENSION, 3: LineKind.RECORDER}
DIGIT, PLAY_ENDED, STATE, DIAL, RINGS, FLASH, HOOK, BUSY_TONE = 0x0C, 0x0F, 0x18, 0x19, 0x1E, 0x23, 0x24, 0x28
STANDBY, RINGING, TALKING, WAITS_FOR_RESULT, PENDING, OFFLINE, UNAVAILABLE = 0, 2, 3, 6, 7, 8, 11
PROGRESS = {
    2: Progress.RINGBACK,
    3: Progress.NO_DIAL_TONE,
    4: Progress.BUSY,
    5: Progress.BUSY,
    6: Progress.NO_SIGNAL,
    7: Progress.CONNECTED,
    8: Progress.CONNECTED,
    9: Progress.CONNECTED,
    10: Progress.NO_ANSWER,
    11: Progress.NO_SIGNAL,
}
"""Of ``SsmChkAutoDial``; 0 is not dialling, 1 dialling."""
GOES_ON = (Progress.SENT, Progress.RINGBACK)
PENDING_REASONS = {1: Progress.BUSY, 3: Progress.NO_ANSWER}
"""Of ``SsmGetPendingReason`` while dialling; 4 is: the far side has gone."""
TONES = {Tone.DIAL: 0, Tone.BUSY: 1}


class SynwayBoard:
    vendor = "synway"
    whispers = True
    names = False

    def __init__(self, libraries: Sequence[Path], config: Path | None = None) -> None:
        """``config``: the vendor's ShConfig.ini, beside which is ShIndex.ini. Raises ``BoardError``."""
        self._lib = Library(WHAT, libraries, DECLARATIONS)
        self._config = config or Path("ShConfig.ini")
        self._kinds: list[LineKind] = []
        self._number_wanted: set[int] = set()
        self._dialling: dict[int, Progress | None] = {}
        self._playing: set[int] = set()
        self._stopped: set[int] = set()  # since the last round: the end of that file is told in the next one
        self._event = self._lib.ffi.new("ssm_event *")
        self._joins = Joins(self._lib)

    def open(self) -> list[LineKind]:
        lib = self._lib
        config, index = self._lib.path(self._config), self._lib.path(self._config.with_name("ShIndex.ini"))
        if lib.SsmStartCti(config, index) != 0:
            raise BoardError(f"{WHAT}: SsmStartCti with {self._config}: {self._why()}")
        channels = int(lib.SsmGetMaxCh())
        if channels <= 0:
            raise BoardError(f"{WHAT}: there is no channel: is the board in its slot and in {self._config}?")
        mode = lib.ffi.new("ssm_event_mode *", {"mode": BY_WAITING})
        self._good(lib.SsmSetEvent(EVERY_EVENT, EVERY_CHANNEL, ENABLE, mode), "SsmSetEvent")
        self._kinds = [KINDS.get(int(lib.SsmGetChType(ch)), LineKind.EMPTY) for ch in range(channels)]
        return self._kinds

    def close(self) -> None:
        self._lib.SsmCloseCti()

    def poll(self) -> list[BoardEvent]:
        found: list[BoardEvent] = []
        event = self._event
        for _ in range(ROUND):
            if self._lib.SsmWaitForEvent(0, event) != 0:
                break
            ch = int(event.channel)
            if 0 <= ch < len(self._kinds) and (handle := _HANDLERS.get(int(event.code))):
                handle(self, ch, int(event.param), found)
        self._stopped.clear()
        for ch in sorted(self._number_wanted):
            self._read_number(ch, found)
        return found

    # ------------------------------------------------------------ what is told

    def _digit(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        found.append(Key(ch, chr(param & 0xFF).upper()))

    def _play_ended(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        if ch in self._stopped:
            self._stopped.discard(ch)
        elif ch in self._playing:
            self._playing.discard(ch)
            found.append(PlayEnded(ch))

    def _rings(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        if self._kinds[ch] in (LineKind.TRUNK, LineKind.RECORDER):
            found.append(Rang(ch))
            if param <= 1:
                self._number_wanted.add(ch)

    def _state(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        old, new = param >> 16, param & 0xFFFF
        if self._kinds[ch] not in (LineKind.TRUNK, LineKind.RECORDER):
            return
        if (old in (OFFLINE, UNAVAILABLE)) != (new in (OFFLINE, UNAVAILABLE)):
            found.append(Fault(ch, new in (OFFLINE, UNAVAILABLE)))
        if new in (STANDBY, TALKING):
            self._number_wanted.discard(ch)
        if self._kinds[ch] is LineKind.RECORDER:
            return
        if new == PENDING:
            reason = PENDING_REASONS.get(int(self._lib.SsmGetPendingReason(ch)))
            if ch in self._dialling and reason is not None:
                self._progressed(ch, reason, found)
            elif ch not in self._dialling:
                found.append(FarGone(ch))
        elif new == WAITS_FOR_RESULT and ch in self._dialling:
            self._progressed(ch, Progress.SENT, found)
        elif new == TALKING and ch in self._dialling:
            self._progressed(ch, Progress.CONNECTED, found)

    def _dial(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        if ch in self._dialling and (progress := PROGRESS.get(int(self._lib.SsmChkAutoDial(ch)))):
            self._progressed(ch, progress, found)

    def _progressed(self, ch: int, progress: Progress, found: list[BoardEvent]) -> None:
        if self._dialling.get(ch) is progress:
            return
        found.append(Progressed(ch, progress))
        if progress in GOES_ON:
            self._dialling[ch] = progress
        else:
            del self._dialling[ch]
            self._lib.SsmClearBusyToneCount(ch)

    def _flash(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        found.append(Flashed(ch))

    def _hook(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        if self._kinds[ch] in (LineKind.EXTENSION, LineKind.RECORDER):
            found.append(Lifted(ch) if param & 1 else Replaced(ch))

    def _busy_tone(self, ch: int, param: int, found: list[BoardEvent]) -> None:
        if self._kinds[ch] is LineKind.TRUNK and ch not in self._dialling:
            self._lib.SsmClearBusyToneCount(ch)
            found.append(FarGone(ch))

    def _read_number(self, ch: int, found: list[BoardEvent]) -> None:
        buffer = self._lib.ffi.new("char[128]")
        if self._lib.SsmGetCallerIdEx(ch, buffer) < 0:
            return
        if said := text(bytes(self._lib.ffi.string(buffer, 127))):
            self._number_wanted.discard(ch)
            found.append(NumberRead(ch, said[8:]))

    # ------------------------------------------------------------ what the host asks

    def pick_up(self, line: int) -> None:
        self._number_wanted.discard(line)
        self._good(self._lib.SsmPickup(line), "SsmPickup")
        self._lib.SsmClearRxDtmfBuf(line)
        self._lib.SsmClearBusyToneCount(line)

    def on_hook(self, line: int, cause: Cause = Cause.NORMAL) -> None:
        self._dialling.pop(line, None)
        self._number_wanted.discard(line)
        self._lib.SsmHangup(line)

    def dial(self, line: int, number: str, caller: str = "", hidden: bool = False) -> None:
        self._dialling[line] = None
        self._good(self._lib.SsmAutoDial(line, number.encode("ascii")), "SsmAutoDial")

    def ring(self, line: int, on: bool, caller: str = "") -> None:
        if on:
            self._lib.SsmStartRing(line)
        else:
            self._lib.SsmStopRing(line)

    def tone(self, line: int, tone: Tone) -> None:
        if tone is Tone.NONE:
            self._lib.SsmStopSendTone(line)
        else:
            self._lib.SsmSendTone(line, TONES[tone])

    def play(self, line: int, file: Path) -> None:
        self._good(self._lib.SsmPlayFile(line, self._lib.path(file), A_LAW, 0, WHOLE), f"SsmPlayFile {file}")
        self._playing.add(line)

    def stop_play(self, line: int) -> None:
        if line in self._playing:
            self._stopped.add(line)
        self._playing.discard(line)
        self._lib.SsmStopPlayFile(line)

    def record(self, line: int, file: Path) -> None:
        path = self._lib.path(file)
        self._good(self._lib.SsmRecToFile(line, path, A_LAW, 0, WHOLE, WHOLE, 0), f"SsmRecToFile {file}")

    def stop_record(self, line: int) -> None:
        self._lib.SsmStopRecToFile(line)

    def send_digits(self, line: int, digits: str) -> None:
        self._good(self._lib.SsmTxDtmf(line, digits.encode("ascii")), "SsmTxDtmf")

    def connect(self, hearing: Hearing) -> None:
        self._joins.make(hearing)

    def level(self, line: int) -> float | None:
        """From the mean of the squares, shifted right by 8; full scale is +3.14 dBm0."""
        energy = int(self._lib.SsmGetOverallEnergy(line))
        return max(10 * math.log10((energy << 8) / 32768**2) + 6.15, -96.0) if energy > 0 else -96.0

    def _good(self, result: int, what: str) -> None:
        if result < 0:
            raise BoardError(f"{WHAT}: {what}: {self._why()}")

    def _why(self) -> str:
        buffer = self._lib.ffi.new("char[512]")
        self._lib.SsmGetLastErrMsg(buffer)
        code = int(self._lib.SsmGetLastErrCode())
        return f"{text(bytes(self._lib.ffi.string(buffer, 511)))} ({code})"


_Handler = Callable[[Any, int, int, list[BoardEvent]], None]
_HANDLERS: dict[int, _Handler] = {
    DIGIT: SynwayBoard._digit,
    PLAY_ENDED: SynwayBoard._play_ended,
    STATE: SynwayBoard._state,
    DIAL: SynwayBoard._dial,
    RINGS: SynwayBoard._rings,
    FLASH: SynwayBoard._flash,
    HOOK: SynwayBoard._hook,
    BUSY_TONE: SynwayBoard._busy_tone,
}
