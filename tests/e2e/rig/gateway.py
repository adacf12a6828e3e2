"""A simulated board with its gateway beside the product's switch, whose lines' far ends a test moves.

The board's thread runs here, so that a test can say what a far end does and hear what it hears.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cards.gateway.gateway import Gateway
from cards.host.floor import Floor
from cards.host.plan import LinePlan, Plan
from cards.host.simulated import driver
from cards.host.sound import Prompts
from cards.sim.build import Face, library
from cards.sim.control import Line, SimBoard
from tests.e2e.rig.centre import until
from tests.e2e.rig.tones import Samples, strength
from tests.ports import free_ports

HOST = "127.0.0.2"


class BoardGateway:
    """``start`` opens it: callers of the line ``n`` have dialled ``dialed[n]``."""

    def __init__(self, folder: Path, prompts: Path, peer: tuple[str, int], dialed: Sequence[str]) -> None:
        path = library(Face.SYNWAY, folder)
        self.sim, self.port = SimBoard(path), free_ports(1)
        self.sim.reset()
        self.sim.configure(trunks=len(dialed), extensions=0, digit_gap=0.3)
        self.gateway = Gateway(self.sim, HOST, self.port, peer)
        self.floor = Floor(
            "board", driver("synway", path, folder), Prompts(prompts, folder / "p"), folder, self.gateway.on_event
        )
        self.floor.set_plan(Plan({n: LinePlan(n, dialed=number, trunk="board") for n, number in enumerate(dialed)}))
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._run, daemon=True)
        self.failed: list[BaseException] = []
        self._ready = threading.Event()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)
        assert not self.failed, self.failed

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        self.sim.reset()
        assert not self.failed, self.failed

    def line(self, number: int) -> Line:
        return self.sim.line(number)

    def heard(self, number: int, seconds: float = 0.4) -> Samples:
        """What the far end of the line heard of late."""
        return np.frombuffer(self.line(number).heard(seconds), np.int16)

    async def hears(self, number: int, *tones: float, deadline: float = 8.0) -> None:
        """Each of them, of several that speak at once."""

        def all_there() -> bool:
            heard = self.heard(number)
            return all(strength(heard, tone) > 0.5 / len(tones) ** 2 for tone in tones)

        await until(f"line {number} hears {tones} Hz", all_there, deadline)

    def _run(self) -> None:
        try:
            self.floor.open()
            self.gateway.open(self.floor)
            self.sim.real_time()
            self._ready.set()
            while not self._stop.is_set():
                self.floor.step()
                self.gateway.step()
                time.sleep(0.01)
            self.gateway.close()
            self.floor.close()
        except BaseException as error:
            self.failed.append(error)
            self._ready.set()
