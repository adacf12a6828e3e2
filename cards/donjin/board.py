"""A Donjin TC08A32 as a ``Board``: everything is asked for in each round, nothing is told by itself.

Each result of the library that is documented has its meaning in a table here. It must not know calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cards.donjin import rings, watched
from cards.donjin.declarations import DECLARATIONS
from cards.donjin.joins import Joins
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
    PlayEnded,
    Progress,
    Progressed,
    Replaced,
    Tone,
)
from cards.host.library import Library
from cti.domain.switch.terms import Cause

WHAT = "Donjin TC08A32"
BUFFER = 8192
KINDS = {0: LineKind.EXTENSION, 1: LineKind.TRUNK, 3: LineKind.RECORDER}
DIGITS = {**{n: str(n) for n in range(1, 10)}, 10: "0", 11: "*", 12: "#", 13: "A", 14: "B", 15: "C", 16: "D"}
PROGRESS = {
    0x0F: Progress.NO_DIAL_TONE,
    0x11: Progress.BUSY,
    0x13: Progress.NO_ANSWER,
    0x14: Progress.CONNECTED,
    0x15: Progress.NO_SIGNAL,
    0x16: Progress.SENT,
    0x17: Progress.RINGBACK,
}
"""Of ``Sig_CheckDial``; 0x10 means: go on."""
GOES_ON = (Progress.SENT, Progress.RINGBACK)
SIGNALS = {Tone.NONE: 0, Tone.DIAL: 1, Tone.BUSY: 2}
HUNG_UP, FLASH = 1, 3
LONGEST = 0x7FFFFFFF
VOLTAGE_EVERY = 25  # rounds


@dataclass(slots=True)
class _Trunk:
    off_hook: bool = False
    dialling: bool = False
    last: Progress | None = None
    rung: rings.Rung = field(default_factory=rings.Rung)
    dead: int = 0


class DonjinBoard:
    vendor = "donjin"
    whispers = False
    names = False

    def __init__(self, libraries: Sequence[Path]) -> None:
        """Raises ``BoardError``."""
        self._lib = Library(WHAT, libraries, DECLARATIONS)
        self._trunks: dict[int, _Trunk] = {}
        self._lifted: dict[int, bool] = {}  # by extension
        self._watched: dict[int, watched.Watched] = {}
        self._playing: set[int] = set()
        self._rounds = 0
        self._joins = Joins(self._lib)

    def open(self) -> list[LineKind]:
        lib = self._lib
        _good(lib.LoadDRV() == 0, "LoadDRV: its driver is not there or the board is not")
        channels = int(lib.CheckValidCh())
        _good(channels > 0, "CheckValidCh: there is no channel: is the board in its slot?")
        _good(lib.EnableCard(channels, BUFFER) == 0, "EnableCard: the board does not start")
        _good(lib.Sig_Init(0) == 0, "Sig_Init: its tones cannot be watched: is NewSig.dll of the same version there?")
        lib.SetPackRate(0)
        self._joins.rooms_there = lib.DConf_EnableConfCard() == 0
        kinds = [KINDS.get(int(lib.CheckChType(ch)), LineKind.EMPTY) for ch in range(channels)]
        for ch, kind in enumerate(kinds):
            lib.InitDtmfBuf(ch)
            if kind is LineKind.TRUNK:
                self._trunks[ch] = _Trunk()
                lib.ResetCallerIDBuffer(ch)
            elif kind is LineKind.EXTENSION:
                self._lifted[ch] = False
            elif kind is LineKind.RECORDER:
                self._watched[ch] = watched.Watched()
                lib.ResetCallerIDBuffer(ch)
        return kinds

    def close(self) -> None:
        if self._joins.rooms_there:
            self._lib.DConf_DisableConfCard()
        self._lib.DisableCard()
        self._lib.FreeDRV()

    def poll(self) -> list[BoardEvent]:
        lib = self._lib
        lib.PUSH_PLAY()
        lib.FeedSigFunc()
        self._rounds += 1
        found: list[BoardEvent] = []
        for ch, trunk in self._trunks.items():
            self._voltage(ch, trunk, found)
            if trunk.off_hook:
                self._digits(ch, found)
                self._tones(ch, trunk, found)
            else:
                rings.look(lib, ch, trunk.rung, found)
        for ch in self._lifted:
            self._hook(ch, found)
        for ch, line in self._watched.items():
            watched.look(lib, ch, line, self._rounds, found)
            if line.hook is watched.Hook.UP:
                self._digits(ch, found)
        for ch in sorted(self._playing):
            if lib.CheckPlayEnd(ch):
                self.stop_play(ch)
                found.append(PlayEnded(ch))
        return found

    # ------------------------------------------------------------ each round

    def _voltage(self, ch: int, trunk: _Trunk, found: list[BoardEvent]) -> None:
        """A line is dead when it is so twice in a row: in polarity changes there is no voltage for a moment."""
        if self._rounds % VOLTAGE_EVERY:
            return
        before = trunk.dead
        trunk.dead = min(trunk.dead + 1, 2) if self._lib.D080D_GetVoltageValue(ch) == 0 else 0
        if (before == 2) != (trunk.dead == 2):
            found.append(Fault(ch, trunk.dead == 2))

    def _tones(self, ch: int, trunk: _Trunk, found: list[BoardEvent]) -> None:
        if not trunk.dialling:
            if self._lib.Sig_CheckBusy(ch):
                self._lib.Sig_ResetCheck(ch)
                found.append(FarGone(ch))
            return
        progress = PROGRESS.get(int(self._lib.Sig_CheckDial(ch)))
        if progress is None or progress is trunk.last:
            return
        trunk.last = progress
        found.append(Progressed(ch, progress))
        if progress not in GOES_ON:
            trunk.dialling = False
            self._watch_busy(ch)

    def _hook(self, ch: int, found: list[BoardEvent]) -> None:
        lib = self._lib
        if not self._lifted[ch]:
            if lib.OffHookDetect(ch) or lib.RingDetect(ch):
                self._lifted[ch] = True
                lib.InitDtmfBuf(ch)
                lib.StartHangUpDetect(ch)
                found.append(Lifted(ch))
            return
        self._digits(ch, found)
        result = int(lib.HangUpDetect(ch))
        if result == HUNG_UP:
            self._lifted[ch] = False
            found.append(Replaced(ch))
        elif result == FLASH:
            lib.StartHangUpDetect(ch)
            found.append(Flashed(ch))

    def _digits(self, ch: int, found: list[BoardEvent]) -> None:
        while (code := int(self._lib.GetDtmfCode(ch))) in DIGITS:
            found.append(Key(ch, DIGITS[code]))

    # ------------------------------------------------------------ what the host asks

    def pick_up(self, line: int) -> None:
        self._trunks[line].off_hook = True
        self._lib.OffHook(line)
        self._lib.InitDtmfBuf(line)
        self._watch_busy(line)

    def on_hook(self, line: int, cause: Cause = Cause.NORMAL) -> None:
        self._lib.StopSigCheck(line)
        self._lib.HangUp(line)
        self._lib.ResetCallerIDBuffer(line)
        self._trunks[line] = _Trunk(dead=self._trunks[line].dead)

    def dial(self, line: int, number: str, caller: str = "", hidden: bool = False) -> None:
        trunk = self._trunks[line]
        self._lib.StopSigCheck(line)
        started = self._lib.Sig_StartDial(line, number.encode("ascii"), b"", 0)
        _good(started != 0, f"Sig_StartDial: channel {line} does not dial")
        trunk.dialling, trunk.last = True, None

    def ring(self, line: int, on: bool, caller: str = "") -> None:
        if on:
            self._lib.FeedRealRing(line)
        else:
            self._lib.FeedPower(line)

    def tone(self, line: int, tone: Tone) -> None:
        self._lib.StartPlaySignal(line, SIGNALS[tone])

    def play(self, line: int, file: Path) -> None:
        _good(self._lib.StartPlayFile(line, self._lib.path(file), 0) == 1, f"StartPlayFile: {file}")
        self._playing.add(line)

    def stop_play(self, line: int) -> None:
        self._playing.discard(line)
        self._lib.StopPlayFile(line)

    def record(self, line: int, file: Path) -> None:
        _good(self._lib.StartRecordFile(line, self._lib.path(file), LONGEST) == 1, f"StartRecordFile: {file}")

    def stop_record(self, line: int) -> None:
        self._lib.StopRecordFile(line)

    def send_digits(self, line: int, digits: str) -> None:
        self._lib.SendDtmfBuf(line, digits.encode("ascii"))

    def connect(self, hearing: Hearing) -> None:
        self._joins.make(hearing)

    def level(self, line: int) -> float | None:
        return None

    def _watch_busy(self, line: int) -> None:
        self._lib.Sig_ResetCheck(line)
        self._lib.StartSigCheck(line)


def _good(result: bool, message: str) -> None:
    if not result:
        raise BoardError(f"{WHAT}: {message}")
