"""A simulated board for demo and training: the lines' far ends do by themselves what callers and agents would.

An agent's telephone is lifted by the page or by itself, and replaced when it hears busy; outside
numbers answer; ``TestCall`` makes a caller. It must not be known to any real board.
"""

from __future__ import annotations

from pathlib import Path

from cards.donjin.board import DonjinBoard
from cards.host.board import Board, LineKind
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.sim.build import Face, library
from cards.sim.control import SimBoard, State
from cards.synway.board import SynwayBoard
from cti.domain.errors import BadRequest, CallyardError, CommandRefused
from cti.domain.switch import TestCall

TRUNKS, EXTENSIONS = 8, 8
LIFT_AFTER, REPLACE_AFTER = 3.0, 1.5  # seconds
PATIENCE = 600
DIALLED = "ring 3; answer; wait 0.5"
HANDS = {"lift": "lift", "replace": "hush; replace", "flash": "flash", "unplug": "unplug", "plug": "plug",
         "hangup": "hush; hangup"}  # fmt: skip


class Simulated:
    """``auto``: telephones are lifted by themselves."""

    def __init__(self, sim: SimBoard, prompts: Path, auto: bool = True) -> None:
        self.sim, self.auto = sim, auto
        self._voice = prompts / "zh_CN" / "welcome.wav"
        self._ready = False

    def begin(self, floor: Floor) -> None:
        """The board is open: from now on time goes by, and far ends act."""
        for line in floor.lines.values():
            if line.kind is LineKind.TRUNK:
                self.sim.line(line.number).when("dialled", f"{DIALLED}{self._talks()}")
        self.sim.real_time()
        self._ready = True

    def step(self, floor: Floor) -> None:
        """Telephones are lifted and replaced."""
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
        line = next(
            (
                line
                for line in floor.trunk_lines()
                if floor.plan.of(line.number).dialed == command.dialed
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
        script = f"call {caller}; answered {PATIENCE}{keys}{self._talks()}; wait {command.max_seconds:g}; hangup"
        self._do(line.number, script)

    def hand(self, line: int, what: str) -> None:
        """What a person at the line's far end does: a word of ``HANDS``. Raises ``BadRequest``."""
        if what not in HANDS:
            raise BadRequest(f"unknown: {what[:20]!r}")
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


def simulated(vendor: str, folder: Path, prompts: Path) -> tuple[Board, Simulated]:
    """Build and load it. Raises ``CallyardError`` naming what lacks."""
    path = library(Face(vendor), folder)
    sim = SimBoard(path)
    sim.reset()
    sim.configure(trunks=TRUNKS, extensions=EXTENSIONS)
    return driver(vendor, path, folder), Simulated(sim, prompts)


def driver(vendor: str, library: Path, folder: Path) -> Board:
    """The vendor's driver on a simulated board. Synway's wants a configuration file; the words are given elsewhere."""
    if vendor == "donjin":
        return DonjinBoard([library])
    config = folder / "ShConfig.ini"
    config.write_text("[SimBoard]\n")
    return SynwayBoard([library], config)
