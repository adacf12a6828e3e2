"""AMI bytes and text: frames out of bytes, and what may go into an action. No sockets, no meaning.

A frame ends at an empty line. Bytes are split into frames before they are decoded, so a character cut by a packet's
end stays whole and nothing inside a value can look like a line's end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from cti.domain.errors import CommandRefused

FRAME_END = b"\r\n\r\n"
MAX_FRAME = 1 << 20  # bytes; a frame of Asterisk's has some 2,000
MAX_LINE = 1000  # bytes; Asterisk refuses an action with a line of more than 1,024, and its answer names no action
FORBIDDEN = re.compile(r"[\r\n\x00]")
MAX_NAME = 80
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # Unicode categories

Frame = Mapping[str, Any]
Action = dict[str, str | list[str]]


class FrameTooLong(Exception):
    """The peer sends something that is not AMI."""


class FrameReader:
    """Feed bytes as they come; get whole frames as text, in order. Wrong UTF-8 becomes U+FFFD."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Raises ``FrameTooLong`` when a frame does not end in time."""
        *frames, self._rest = (self._rest + data).split(FRAME_END)
        if len(self._rest) > MAX_FRAME:
            raise FrameTooLong(f"no frame end within {MAX_FRAME} bytes")
        return [frame.decode("utf-8", "replace") for frame in frames]


def check_action(action: Mapping[str, str | list[str]]) -> None:
    """Refuse an action that would not arrive as it was meant: line ends, NUL, or a line that is too long."""
    for key, value in action.items():
        for one in value if isinstance(value, list) else [value]:
            if FORBIDDEN.search(key) or FORBIDDEN.search(one):
                raise CommandRefused(f"line end or NUL in {key!r}", field=key)
            if len(key.encode()) + len(one.encode("utf-8", "replace")) + 2 > MAX_LINE:
                raise CommandRefused(f"{key!r} is longer than {MAX_LINE} bytes", field=key)


def text(frame: Frame, key: str) -> str:
    """A header's value; the first one where a header is repeated; empty where Asterisk says there is none."""
    value = frame.get(key, "")
    if isinstance(value, list):
        value = value[0]
    return "" if value in ("<unknown>", "<null>") else str(value)


def texts(frame: Frame, key: str) -> list[str]:
    """All values of a header that may be repeated."""
    value = frame.get(key, [])
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def variables(frame: Frame) -> dict[str, str]:
    """The channel variables of a ``Status`` frame (``Variable: NAME=value``, repeated; ``(null)`` where not set)."""
    pairs = (line.partition("=") for line in texts(frame, "Variable"))
    return {name: "" if value == "(null)" else value for name, _, value in pairs}


def shown_name(name: str) -> str:
    """A caller's name fit for a quoted display name: no quotes, brackets, backslashes or control characters."""
    kept = "".join(c for c in name if c not in '"<>\\;' and unicodedata.category(c) not in UNSEEN)
    return " ".join(kept.split())[:MAX_NAME]


def caller_id(name: str, number: str) -> str:
    """The value of an Originate's ``CallerID``. ``number`` has been checked."""
    return f'"{shown_name(name)}" <{number}>'
