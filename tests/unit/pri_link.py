"""Two helpers with libpri, user and network, on the two ends of a cable: real Q.921 and Q.931, back to back."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.pri.cable import Cable
from cards.pri.link import Link, Node, helper
from cards.pri.protocol import Told, Up
from cards.sim.build import BuildFailed

BUILT = Path(__file__).parents[2] / "var" / "boards"
QUICK = {"T200": 300, "N200": 3, "T203": 300, "T309": 300}
"""A lost D channel is noticed within two seconds, and a machine that stands still for one loses none."""
DEADLINE = 10.0


def helper_path() -> Path:
    try:
        return helper(BUILT)
    except BuildFailed as error:
        pytest.skip(str(error))


def wait(
    condition: Callable[[], object], step: Callable[[], object], readable: Callable[[], list[int]], nap: float = 0.02
) -> None:
    """Step whenever something came, until it holds."""
    end = time.monotonic() + DEADLINE
    while True:
        step()
        if condition():
            return
        assert time.monotonic() < end, "not in time"
        select.select(readable(), [], [], nap)


class End:
    """One side: its link, and all that it has told."""

    def __init__(self, path: Path, node: Node, **timers: int) -> None:
        self.link = Link(path, node, timers)
        self.told: list[Told] = []

    def all(self, kind: type[Any], **values: object) -> list[Any]:
        found = (one for one in self.told if isinstance(one, kind))
        return [one for one in found if all(getattr(one, key) == value for key, value in values.items())]

    def ask(self, verb: str, **words: int | str) -> None:
        self.link.ask(verb, **words)


class BackToBack:
    def __init__(self, path: Path, **timers: int) -> None:
        self.cable = Cable()
        self.user, self.network = End(path, Node.USER, **timers), End(path, Node.NETWORK, **timers)

    def __enter__(self) -> BackToBack:
        self.user.link.start(self.cable.one)
        self.network.link.start(self.cable.other)
        self.until(lambda: self.user.all(Up) and self.network.all(Up))
        return self

    def __exit__(self, *_: object) -> None:
        self.user.link.close()
        self.network.link.close()
        self.cable.close()

    def step(self) -> None:
        for end in (self.user, self.network):
            end.told += end.link.poll()
        self.cable.step()

    def until(self, condition: Callable[[], object]) -> None:
        wait(condition, self.step, lambda: [self.user.link.fileno(), self.network.link.fileno(), *self.cable.filenos()])

    def wanted(self, end: End, kind: type[Any], **values: object) -> Any:
        """What this end tells, next, if it has not."""
        self.until(lambda: end.all(kind, **values))
        return end.all(kind, **values)[0]
