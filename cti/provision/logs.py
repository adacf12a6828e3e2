"""The one log: every line of every program on standard output and in ``<var>/log/callyard.log``, name first."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Sequence
from pathlib import Path

_MAX_BYTES, _KEPT = 10 * 2**20, 5
_WIDTH = 8
_COLOURS = {"callyard": 36, "bus": 34, "asterisk": 33, "engine": 32, "worker": 35, "web": 94}


class ConsoleLog:
    """A full disk or a closed terminal never stops the programs."""

    def __init__(self, folder: Path) -> None:
        self._colour = sys.stdout.isatty()
        self._file = logging.getLogger("callyard.serve")
        self._file.propagate = False
        self._file.setLevel(logging.INFO)
        self._folder = folder

    def line(self, name: str, text: str, quiet: bool = False) -> None:
        """``quiet`` lines are in the file only."""
        self._write(f"{name:<{_WIDTH}} | {text}")
        if quiet:
            return
        label = f"{name:<{_WIDTH}} |"
        if self._colour:
            label = f"\x1b[{_COLOURS.get(name, 37)}m{label}\x1b[0m"
        self._print(f"{label} {_printable(text)}")

    def banner(self, lines: Sequence[str]) -> None:
        """To the terminal only: it may hold a password."""
        rule = "─" * max(map(len, lines))
        for text in ("", rule, *lines, rule, ""):
            self._print(text)
        self._write("callyard | ready")

    def failure(self, text: str) -> None:
        one_line = " ".join(text.split())
        self._write(f"callyard | failed: {one_line}")
        try:
            print(f"callyard: {_printable(one_line)}", file=sys.stderr, flush=True)
        except OSError:
            pass

    def _print(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:
            pass

    def _write(self, text: str) -> None:
        try:
            if not self._file.handlers:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                handler = _QuietHandler(
                    self._folder / "callyard.log", maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8"
                )
                handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
                self._file.addHandler(handler)
            self._file.info("%s", text)
        except OSError:
            pass


class _QuietHandler(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """The line is on the terminal; a disk that is full is told by what needs it."""


def _printable(text: str) -> str:
    """Without control characters: callers' names come by here, and a terminal obeys escape sequences."""
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)
