"""Listening to a line while it is used: what it says and hears, mixed, piece by piece to whoever asks for the next.

A listener is a tape that nobody keeps (``tapes``), so it works on every board that records. Whoever does not ask any
more is forgotten. One thread, as the floor's; must not know the bus.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from cards.host.board import BoardError
from cards.host.sound import RATE
from cards.host.tapes import Tapes
from cti.domain.errors import BadRequest, CommandRefused

MOST = 8  # listeners at once: each writes 32 kB a second
PATIENCE = 5.0  # seconds without a question until a listener is gone
LONGEST = 1800.0
PIECE = 2 * RATE  # samples, the most that one answer carries
FRAME = 4  # bytes of a stereo sample

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Listener:
    path: Path
    began: float
    asked: float
    position: int = 0  # samples that were handed out


class Listening:
    def __init__(self, tapes: Tapes, folder: Path, clock: Callable[[], float]) -> None:
        self._tapes, self._folder, self._clock = tapes, folder, clock
        self._listeners: dict[str, Listener] = {}
        for left in folder.glob("listen-*.raw"):  # by a process that died
            left.unlink(missing_ok=True)

    def begin(self, line: int) -> dict[str, Any]:
        """Raises ``CommandRefused`` where too many listen, or the line cannot be recorded now."""
        if len(self._listeners) >= MOST:
            raise CommandRefused(f"{MOST} listen already", most=MOST)
        name = secrets.token_hex(8)
        path, now = self._folder / f"listen-{name}.raw", self._clock()
        try:
            self._tapes.start(name, line, path)
        except (OSError, BoardError) as error:
            path.unlink(missing_ok=True)
            raise CommandRefused(f"line {line} cannot be listened to: {error}", line=line) from error
        self._listeners[name] = Listener(path, now, now)
        return {"ok": True, "listener": name, "rate": RATE}

    def hear(self, name: object) -> dict[str, Any]:
        """What came since the last question: 16-bit samples in base64. Raises ``BadRequest`` for who is gone."""
        listener = self._listeners.get(name) if isinstance(name, str) else None
        if listener is None:
            raise BadRequest("this listener is gone")
        listener.asked = self._clock()
        sound = self._next(listener)
        return {"ok": True, "sound": base64.b64encode(sound).decode("ascii")}

    def end(self, name: object) -> dict[str, Any]:
        if isinstance(name, str) and name in self._listeners:
            self._forget(name)
        return {"ok": True}

    def step(self) -> None:
        """Forget who does not ask any more, or has listened for long."""
        now = self._clock()
        for name, listener in list(self._listeners.items()):
            if now - listener.asked > PATIENCE or now - listener.began > LONGEST:
                self._forget(name)

    def close(self) -> None:
        for name in list(self._listeners):
            self._forget(name)

    def _next(self, listener: Listener) -> bytes:
        with listener.path.open("rb") as file:
            file.seek(listener.position * FRAME)
            data = file.read(PIECE * FRAME)
        both = np.frombuffer(data[: len(data) // FRAME * FRAME], dtype="<i2").reshape(-1, 2).astype(np.int32)
        listener.position += len(both)
        return bytes(np.clip(both.sum(axis=1), -32768, 32767).astype("<i2").tobytes())

    def _forget(self, name: str) -> None:
        listener = self._listeners.pop(name)
        try:
            self._tapes.stop(name)
        except (OSError, BoardError) as error:
            log.warning("board.listener", error=str(error))
        listener.path.unlink(missing_ok=True)
