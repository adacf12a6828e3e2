"""One helper with libpri: built at first use, started as a process of its own, spoken to without ever waiting.

Its frames go to a socket of packets, one HDLC frame each (``cable``). It must not know boards or what calls are for.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from cards.pri.protocol import BadLine, Lines, Told, request
from cards.sim.build import program
from cti.domain.errors import CallyardError

SOURCE = Path(__file__).with_name("src") / "pri_link.c"
PIECE = 65536
PATIENCE = 2.0  # seconds that a helper may take to end


class LinkLost(CallyardError):
    """A helper has ended, or does not take what it is told; its calls are lost."""

    code = "pri.lost"


class Node(StrEnum):
    """Which side of the interface we are."""

    USER = "user"
    NETWORK = "network"


def helper(folder: Path) -> Path:
    """The helper's program, made in the folder if it is not there. Raises ``BuildFailed`` naming what lacks."""
    return program("the E1 signalling helper", SOURCE, {"libpri.h": "libpri-dev"}, ("-lpri",), folder)


class Link:
    def __init__(self, path: Path, node: Node, timers: Mapping[str, int] | None = None) -> None:
        """``timers``: milliseconds by the name that libpri has for them (T200, T309), counts too (N200)."""
        self._path, self._node, self._timers = path, node, timers or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lines = Lines()

    def start(self, frames: socket.socket) -> None:
        """``frames``: its end of the D channel; the helper has a copy. Raises ``LinkLost``."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        timers = [f"{name}={value}" for name, value in self._timers.items()]
        numbers = (its.fileno(), frames.fileno())
        command = [str(self._path), self._node.value, *map(str, numbers), *timers]
        try:
            self._process = subprocess.Popen(command, pass_fds=numbers, stdin=subprocess.DEVNULL)
        except OSError as error:
            ours.close()
            raise LinkLost(f"{self._path}: {error.strerror}") from error
        finally:
            its.close()
        self._control, self._lines = ours, Lines()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def fileno(self) -> int:
        """For who waits until it has something to say. Raises ``LinkLost``."""
        if self._control is None:
            raise LinkLost("the helper of the signalling is not started")
        return self._control.fileno()

    def poll(self) -> list[Told]:
        """What it has told since the last time. Raises ``LinkLost``."""
        if self._control is None:
            raise LinkLost("the helper of the signalling is not started")
        found: list[Told] = []
        try:
            while piece := self._control.recv(PIECE):
                found += self._lines.feed(piece)
            gone = True
        except BlockingIOError:
            gone = False
        except (OSError, BadLine) as error:
            raise LinkLost(f"the helper of the signalling: {error}") from error
        if gone and not found:
            raise LinkLost("the helper of the signalling has ended")
        return found

    def ask(self, verb: str, **words: int | str) -> None:
        """Raises ``LinkLost``."""
        line = request(verb, **words)
        try:
            if self._control is None or self._control.send(line) != len(line):
                raise LinkLost("the helper of the signalling does not listen")
        except OSError as error:
            raise LinkLost(f"the helper of the signalling does not listen: {error}") from error

    def close(self) -> None:
        """It ends when its socket is closed."""
        control, process = self._control, self._process
        self._control = self._process = None
        if control is not None:
            control.close()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
                return
            process.kill()
            process.wait(PATIENCE)
