"""A simulated board for demo and training: the lines' far ends do by themselves what callers and agents would.

An agent's telephone is lifted by the page or by itself, and replaced when it hears busy; outside
numbers answer; ``TestCall`` makes a caller. It must not be known to any real board.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cards.donjin.board import DonjinBoard
from cards.host.board import OUTSIDE, Board, LineKind
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.pri.board import PriBoard
from cards.pri.e1 import TIMESLOTS
from cards.pri.exchange import Exchange, simulated_e1
from cards.sim.build import Face, library
from cards.sim.control import SimBoard, State
from cards.synway.board import SynwayBoard
from cti.domain.errors import BadRequest, CallyardError, CommandRefused
from cti.domain.switch.commands import TestCall

TRUNKS, EXTENSIONS, RECORDERS = 8, 8, 2
LIFT_AFTER, REPLACE_AFTER = 3.0, 1.5  # seconds
PATIENCE = 600
DIALLED = "ring 3; answer; wait 0.5"
HANDS = {"lift": "lift", "replace": "hush; replace", "flash": "flash", "unplug": "unplug", "plug": "plug",
         "hangup": "hush; hangup", **{f"key{digit}": f"hush; digits {digit}" for digit in "0123456789*#"}}  # fmt: skip
_TALK = "far {speech}; wait 0.5; {speech}; wait 30; hangup; wait 2; replace"
WATCHED = {
    "called": "call 13800138000 fsk; wait 4.5; lift; {talk}",
    "calls": "lift; wait 1.5; digits 01062345678; wait 6; {talk}",
}
"""What passes by on a line that is only listened to: the telephone is called · somebody calls from it."""


class Simulated:
    """``auto``: telephones are lifted by themselves. ``exchanges``: the far ends of its E1 lines."""

    def __init__(self, sim: SimBoard, prompts: Path, auto: bool = True, exchanges: Sequence[Exchange] = ()) -> None:
        self.sim, self.auto, self._exchanges = sim, auto, exchanges
        self._voice = prompts / "zh_CN" / "welcome.wav"
        self._ready = False

    def begin(self, floor: Floor) -> None:
        """The board is open: from now on time goes by, and far ends act."""
        for line in floor.lines.values():
            if line.kind in OUTSIDE:
                self.sim.line(line.number).when("dialled", f"{DIALLED}{self._talks()}")
        for exchange in self._exchanges:
            exchange.open()
        self.sim.real_time()
        self._ready = True

    def close(self) -> None:
        for exchange in self._exchanges:
            exchange.close()

    def step(self, floor: Floor) -> None:
        """Telephones are lifted and replaced, exchanges signal."""
        for exchange in self._exchanges:
            exchange.step()
        now = floor.clock()
        for line in floor.lines.values():
            if not self.auto or line.kind is not LineKind.EXTENSION:
                continue
            if line.state is LineState.RINGING and now - line.since > LIFT_AFTER:
                if self.sim.line(line.number).state is State.RINGING:
                    self.sim.line(line.number).do(f"lift; wait 0.5{self._talks()}")
            elif line.state is LineState.BUSY_TONE and now - line.since > REPLACE_AFTER:
                self.sim.line(line.number).do("hush; replace")

    def test_call(self, floor: Floor, command: TestCall) -> None:
        told = {LineKind.PRI: command.dialed}  # where the plan leaves it to the call
        line = next(
            (
                line
                for line in floor.trunk_lines()
                if (floor.plan.of(line.number).dialed or told.get(line.kind)) == command.dialed
                and floor.usable(line)
                and line.state is LineState.IDLE
                and self.sim.line(line.number).state is State.IDLE
            ),
            None,
        )
        if line is None:
            raise CommandRefused(f"no outside line for {command.dialed} is free", dialed=command.dialed)
        keys = f"; wait {command.digit_after:g}; digits {command.digits.upper()}" if command.digits else ""
        number = command.caller_number.lstrip("+")
        caller = f"{number} fsk" if number else "0 none"
        caller += f" {command.dialed}" if line.kind is LineKind.PRI else ""
        script = f"call {caller}; answered {PATIENCE}{keys}{self._talks()}; wait {command.max_seconds:g}; hangup"
        self._do(line.number, script)

    def hand(self, line: int, what: str) -> None:
        """What a person at the line's far end does: a word of ``HANDS`` or ``WATCHED``. Raises ``BadRequest``."""
        if what in WATCHED:
            speech = self._talks().removeprefix("; ")
            self._do(line, WATCHED[what].format(talk=_TALK.format(speech=speech)))
            return
        if what not in HANDS:
            raise BadRequest(f"unknown: {what[:20]!r}")
        exchange = next((one for one in self._exchanges if one.ours.has(line)), None)
        if exchange is not None and what in ("plug", "unplug"):
            exchange.plug(what == "plug")
            return
        self._do(line, HANDS[what] + ("; wait 0.3" + self._talks() if what == "lift" else ""))

    def _do(self, line: int, script: str) -> None:
        try:
            self.sim.line(line).do(script)
        except CallyardError as error:
            raise CommandRefused(str(error)) from error

    def _talks(self) -> str:
        """The step that says something for ever."""
        if '"' in str(self._voice) or not self._voice.exists():
            return "; tone 400 86400 -20"
        return f'; talk "{self._voice}"'


def simulated(vendor: str, folder: Path, prompts: Path, e1s: int = 0) -> tuple[Board, Simulated]:
    """Build and load it; E1 lines come before recording channels. Raises ``CallyardError`` naming what lacks."""
    path = library(Face(vendor), folder)
    sim = SimBoard(path)
    sim.reset()
    sim.configure(trunks=TRUNKS, extensions=EXTENSIONS, pri=TIMESLOTS * e1s, recorders=RECORDERS)
    firsts = [TRUNKS + EXTENSIONS + TIMESLOTS * number for number in range(e1s)]
    exchanges = [simulated_e1(sim, first, folder) for first in firsts]
    board: Board = driver(vendor, path, folder)
    if exchanges:
        board = PriBoard(board, [exchange.ours for exchange in exchanges])
    return board, Simulated(sim, prompts, exchanges=exchanges)


def driver(vendor: str, library: Path, folder: Path) -> Board:
    """The vendor's driver on a simulated board. Synway's wants a configuration file; the words are given elsewhere."""
    if vendor == "donjin":
        return DonjinBoard([library])
    config = folder / "ShConfig.ini"
    config.write_text("[SimBoard]\n")
    return SynwayBoard([library], config)
