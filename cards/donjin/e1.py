"""A Donjin E1 board as a ``Board``: thirty lines an E1, by ISDN where the library has it, else by SS1.

The sound of its timeslots; their calls are in ``signalling``. It must not know calls of the centre.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from cards.donjin.e1_declarations import DECLARATIONS
from cards.donjin.signalling import Isdn, Signalling, Ss1
from cards.host.board import BoardError, BoardEvent, Hearing, Key, LineKind, PlayEnded, Tone
from cards.host.library import Library
from cards.host.topology import Pair, sorted_out
from cti.domain.switch.terms import Cause

WHAT = "Donjin E1"
LONGEST = 0x7FFFFFFF
SILENCE = b"\xd5" * 160


class DonjinE1Board:
    vendor = "donjin"
    whispers = False
    names = False

    def __init__(self, libraries: Sequence[Path], config: str = "") -> None:
        """``config``: the vendor's own configuration. Raises ``BoardError``."""
        self._lib = Library(WHAT, libraries, DECLARATIONS)
        self._config = config
        self._lines = range(0)
        self._isdn = False
        self._signalling: Signalling
        self._playing: set[int] = set()
        self._pairs: frozenset[Pair] = frozenset()

    def open(self) -> list[LineKind]:
        lib = self._lib
        self._made = tempfile.TemporaryDirectory(prefix="callyard-e1-")
        silence = Path(self._made.name) / "silence.al"
        silence.write_bytes(SILENCE)
        try:
            _good(lib.DJSys_EnableCard(self._config.encode(), b"") == 0, "DJSys_EnableCard: the board does not start")
            self._lines = range(int(lib.DJTrk_GetTotalTrunkNum()))
            _good(len(self._lines) > 0, "DJTrk_GetTotalTrunkNum: there is no timeslot: is the board in its slot?")
        except BoardError:
            self._made.cleanup()
            raise
        self._isdn = lib.DJISDN_InitSystem() == 1
        if not self._isdn:
            lib.DJSys_DisableAutoKB()
        self._signalling = Isdn(lib) if self._isdn else Ss1(lib, silence)
        return [LineKind.PRI] * len(self._lines)

    def close(self) -> None:
        if self._isdn:
            self._lib.DJISDN_ExitSystem()
        self._lib.DJSys_DisableCard()
        self._made.cleanup()

    def poll(self) -> list[BoardEvent]:
        lib = self._lib
        lib.DJSys_PushPlay()
        if self._isdn:
            lib.DJISDN_GetEvent()
        found: list[BoardEvent] = []
        for line in self._lines:
            self._signalling.poll(line, found)
            while lib.DJTrk_GetReceiveDtmfNumNew(line) > 0:
                found.append(Key(line, lib.DJTrk_GetDtmfCodeNew(line).decode("ascii", "replace")))
        for line in sorted(self._playing):
            if lib.DJVoc_CheckVoiceEnd(line):
                self.stop_play(line)
                found.append(PlayEnded(line))
        return found

    # ------------------------------------------------------------ signalling

    def pick_up(self, line: int) -> None:
        self._signalling.answer(line)
        self._lib.DJTrk_InitDtmfBufNew(line)

    def on_hook(self, line: int, cause: Cause = Cause.NORMAL) -> None:
        self._signalling.clear(line, cause)

    def dial(self, line: int, number: str, caller: str = "", hidden: bool = False) -> None:
        """There is no way to send a number to the network only: a hidden one is not sent."""
        self._lib.DJTrk_InitDtmfBufNew(line)
        self._signalling.call(line, number, "" if hidden else caller)

    def ring(self, line: int, on: bool, caller: str = "") -> None:
        if on:
            self._signalling.accept(line)

    # ------------------------------------------------------------ sound

    def tone(self, line: int, tone: Tone) -> None:
        """Of a timeslot the network gives the tones."""

    def play(self, line: int, file: Path) -> None:
        _good(self._lib.DJVoc_PlayFile(line, self._lib.path(file)) == 1, f"DJVoc_PlayFile: {file}")
        self._playing.add(line)

    def stop_play(self, line: int) -> None:
        self._playing.discard(line)
        self._lib.DJVoc_StopPlayFile(line)

    def record(self, line: int, file: Path) -> None:
        _good(self._lib.DJVoc_RecordFile(line, self._lib.path(file), LONGEST) == 1, f"DJVoc_RecordFile: {file}")

    def stop_record(self, line: int) -> None:
        self._lib.DJVoc_StopRecordFile(line)

    def send_digits(self, line: int, digits: str) -> None:
        _good(self._lib.DJTrk_SendDtmfStr(line, digits.encode("ascii")) == 0, f"DJTrk_SendDtmfStr: timeslot {line}")

    def connect(self, hearing: Hearing) -> None:
        """Pairs only: these libraries have no conference, and nobody hears one side alone."""
        wanted = sorted_out(hearing)
        if wanted.rooms or wanted.one_way or wanted.mixed:
            raise BoardError("this board joins two timeslots and no more")
        for pair in self._pairs - wanted.pairs:
            self._lib.DJExg_ClearLinkTrunkAndTrunk(pair.one)
        for pair in wanted.pairs - self._pairs:
            _good(self._lib.DJExg_SetLinkTrunkAndTrunk(pair.one, pair.other) == 1, "DJExg_SetLinkTrunkAndTrunk")
        self._pairs = wanted.pairs

    def level(self, line: int) -> float | None:
        return None


def _good(result: bool, message: str) -> None:
    if not result:
        raise BoardError(f"{WHAT}: {message}")
