"""Copies of SIP messages that sofia makes as they come in (HEP, version 1), before a session has looked at them.

Only one thing is read in them: that the far side of a dialog has said BYE. Whoever could send to our port, or a BYE to
the switch, would have to know the dialog's Call-ID and both its tags, as for ending the call itself.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
VERSION = 1
LONGEST_HEAD = 8192
NORMAL = re.compile(rb'Q\.850\s*;\s*cause\s*=\s*"?16"?\s*(;|$)|SIP\s*;', re.I)
_HEADER = re.compile(rb"^(Call-ID|From|To|Reason|i|f|t)[ \t]*:[ \t]*([^\r\n]*)", re.I | re.M)
_SHORT = {b"i": b"call-id", b"f": b"from", b"t": b"to"}
_TAG = re.compile(rb">[^<>\"]*;\s*tag\s*=\s*([^\s;,]+)|^[^<>\"]*;\s*tag\s*=\s*([^\s;,]+)", re.I)


@dataclass(frozen=True, slots=True)
class Dialog:
    """As its far side names it: ``tag`` is that side's own."""

    call_id: str
    tag: str
    peer_tag: str


def left(packet: bytes) -> Dialog | None:
    """The dialog that the far side has left, in the normal way; None for any other packet."""
    if len(packet) < 2 or packet[0] != VERSION:
        return None
    head, whole, _ = packet[packet[1] : packet[1] + LONGEST_HEAD].partition(b"\r\n\r\n")
    if not (whole and head.startswith(b"BYE ")):
        return None
    headers: dict[bytes, bytes] = {}
    for name, value in _HEADER.findall(head):
        name = _SHORT.get(name.lower(), name.lower())
        if name in headers:
            return None
        headers[name] = value.strip()
    if b"reason" in headers and not NORMAL.match(headers[b"reason"]):
        return None
    names = [headers.get(b"call-id", b""), _tag(headers.get(b"from", b"")), _tag(headers.get(b"to", b""))]
    return Dialog(*(name.decode("utf-8", "replace") for name in names)) if all(names) else None


def _tag(address: bytes) -> bytes:
    found = _TAG.search(address)
    return (found[1] or found[2]) if found else b""


class Capture(asyncio.DatagramProtocol):
    """``port`` 0: nothing is listened for. ``heard`` gets each dialog that is left."""

    def __init__(self, port: int, heard: Callable[[Dialog], None]) -> None:
        self._port, self._heard = port, heard
        self._transport: asyncio.BaseTransport | None = None

    @property
    def wanted(self) -> bool:
        return bool(self._port)

    @property
    def listening(self) -> bool:
        """If not, whoever has the port must not be sent what an engine before us has asked for."""
        return self._transport is not None

    async def open(self) -> None:
        """A port that is taken is no trouble: the end of a call is then heard of when its session tells."""
        if not self._port:
            return
        try:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, self._port))
        except OSError as error:
            log.warning("port %d (UDP) for copies of SIP messages: %s", self._port, error)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: object) -> None:
        dialog = left(data)
        if dialog is not None:
            self._heard(dialog)

    def error_received(self, exc: Exception) -> None:
        log.debug("copies of SIP messages: %s", exc)
