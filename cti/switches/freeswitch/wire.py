"""Event socket bytes to frames and commands to bytes. No sockets, no meaning.

A frame is lines of ``Name: value``, an empty line, and a body of ``Content-Length`` bytes. Frames are cut out before
anything is decoded, so that no text of a caller can make a header. Events are asked for as JSON: the plain form loses
data (a literal ``%41`` arrives as ``A``).
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import orjson

from cti.domain.errors import CommandRefused

Event = dict[str, Any]

MAX_HEAD = 65_536
MAX_BODY = 32 * 2**20
MAX_LINE = 16_384
MAX_NAME = 80
FORBIDDEN = re.compile(r"[\r\n\0]")
UNSEEN = ("Cc", "Cs", "Zl", "Zp")
NOT_IN_A_NAME = frozenset("\"<>\\;,{}[]()|^'$`!&@=%")

_QUICK = re.compile(rb"\n*Content-Length: (\d{1,9})\nContent-Type: text/event-json\n\n")


class FrameTooLong(ValueError):
    """What comes is no frame of an event socket; the connection is to be dropped."""


@dataclass(frozen=True, slots=True)
class Frame:
    """``headers`` have lower-case names."""

    headers: dict[str, str]
    body: bytes = b""

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def reply(self) -> str:
        """What a command was answered: the ``Reply-Text``, or the body of an ``api``."""
        if self.kind == "api/response":
            return self.body.decode("utf-8", "replace")
        return self.headers.get("reply-text", "")


class FrameReader:
    """Bytes in, whole frames out. Survives any bytes; only what has no end at all raises ``FrameTooLong``."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        rest = self._rest + data if self._rest else data
        frames: list[Frame] = []
        at, size = 0, len(rest)
        while at < size:
            quick = _QUICK.match(rest, at)
            if quick is not None:
                start, length, headers = quick.end(), int(quick[1]), _EVENT_HEADERS
            else:
                while at < size and rest[at] in b"\r\n":
                    at += 1
                end = rest.find(b"\n\n", at)
                if end < 0:
                    if size - at > MAX_HEAD:
                        raise FrameTooLong(f"no end of a header after {MAX_HEAD} bytes")
                    break
                start, headers = end + 2, _headers(rest[at:end])
                length = _length(headers)
            if length > MAX_BODY:
                raise FrameTooLong(f"a body of {length} bytes")
            if size - start < length:
                if not frames and at == 0:
                    self._rest = rest
                    return frames
                break
            frames.append(Frame(headers, rest[start : start + length]))
            at = start + length
        self._rest = rest[at:]
        return frames


_LENIENT = json.JSONDecoder(strict=False)
_EVENT_HEADERS = {"content-type": "text/event-json"}


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("utf-8", "replace").split("\n"))
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 12 else 0


def event(body: bytes) -> Event | None:
    """The event in a body; None if it holds none. Text that is not UTF-8 is marked, not lost."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:  # bytes that are not UTF-8, or control characters
        try:
            found = _LENIENT.decode(body.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def text(event: Event, key: str) -> str:
    """A header's value; empty where there is none, the first where it is repeated."""
    value = event.get(key, "")
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


def variable(event: Event, name: str) -> str:
    """A channel variable that the event carries along."""
    return text(event, f"variable_{name}")


def check_line(line: str) -> str:
    """Refuse what would not arrive as one line."""
    if FORBIDDEN.search(line):
        raise CommandRefused("line end or NUL in a command")
    if len(line.encode("utf-8", "replace")) > MAX_LINE:
        raise CommandRefused(f"a command longer than {MAX_LINE} bytes")
    return line


def message(*lines: str) -> bytes:
    """One command as it goes out. Raises ``CommandRefused``."""
    return ("\n".join(map(check_line, lines)) + "\n\n").encode("utf-8", "replace")


def shown_name(name: str) -> str:
    """A caller's name fit for a variable in the braces of ``originate`` and for a display name in SIP.

    FreeSWITCH decodes ``%0a`` in it and would write the line end into the INVITE.
    """
    kept = "".join(c for c in name if c not in NOT_IN_A_NAME and unicodedata.category(c) not in UNSEEN)
    return " ".join(kept.split())[:MAX_NAME]
