"""A board with E1 lines whose signalling is ours.

Another board's driver has the sound, an ``E1`` says who calls and why a call ended. It must not know where
the timeslots come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cards.host.board import Board, BoardError, BoardEvent, Hearing, Key, LineKind, PlayEnded, Tone
from cards.pri import causes
from cards.pri.e1 import E1, TIMESLOTS
from cards.pri.link import LinkLost
from cti.domain.switch.terms import Cause


class PriBoard:
    """``sound`` has the timeslots as channels; all that is not signalling of an E1 is its own."""

    def __init__(self, sound: Board, e1s: Sequence[E1]) -> None:
        self._sound, self._e1s = sound, e1s
        self._of: dict[int, E1] = {line: e1 for e1 in e1s for line in range(e1.first, e1.first + TIMESLOTS)}
        self.vendor, self.whispers, self.names = sound.vendor, sound.whispers, sound.names

    def open(self) -> list[LineKind]:
        kinds = self._sound.open()
        if self._of and max(self._of) >= len(kinds):
            raise BoardError(f"the board has {len(kinds)} channels, the E1 lines end at {max(self._of)}")
        try:
            for e1 in self._e1s:
                e1.open()
        except LinkLost as error:
            raise BoardError(str(error)) from error
        return [LineKind.PRI if line in self._of else kind for line, kind in enumerate(kinds)]

    def close(self) -> None:
        for e1 in self._e1s:
            e1.close()
        self._sound.close()

    def poll(self) -> list[BoardEvent]:
        found = [
            event for event in self._sound.poll() if event.line not in self._of or isinstance(event, Key | PlayEnded)
        ]
        for e1 in self._e1s:
            found += e1.poll()
        return found

    # ------------------------------------------------------------ signalling

    def pick_up(self, line: int) -> None:
        if line in self._of:
            self._of[line].answer(line)
        else:
            self._sound.pick_up(line)

    def on_hook(self, line: int, cause: Cause = Cause.NORMAL) -> None:
        if line in self._of:
            self._of[line].clear(line, causes.to_q850(cause))
        else:
            self._sound.on_hook(line, cause)

    def dial(self, line: int, number: str, caller: str = "", hidden: bool = False) -> None:
        if line in self._of:
            self._of[line].dial(line, number, caller, hidden)
        else:
            self._sound.dial(line, number, caller, hidden)

    def ring(self, line: int, on: bool, caller: str = "") -> None:
        if line not in self._of:
            self._sound.ring(line, on, caller)
        elif on:
            self._of[line].ring(line)

    # ------------------------------------------------------------ sound

    def tone(self, line: int, tone: Tone) -> None:
        self._sound.tone(line, tone)

    def play(self, line: int, file: Path) -> None:
        self._sound.play(line, file)

    def stop_play(self, line: int) -> None:
        self._sound.stop_play(line)

    def record(self, line: int, file: Path) -> None:
        self._sound.record(line, file)

    def stop_record(self, line: int) -> None:
        self._sound.stop_record(line)

    def send_digits(self, line: int, digits: str) -> None:
        self._sound.send_digits(line, digits)

    def connect(self, hearing: Hearing) -> None:
        self._sound.connect(hearing)

    def level(self, line: int) -> float | None:
        return self._sound.level(line)
