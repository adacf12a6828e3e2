"""A SIP peer on TCP or TLS: it answers OPTIONS with 200 and every INVITE with 486, and keeps what it heard."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Self

from tests.fakes import sip
from tests.fakes.sip import SipMessage


class StreamPeer:
    """``async with StreamPeer(host, port, tls)``; ``tls`` None: plain TCP."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._address, self._tls = (host, port), tls
        self.heard: list[SipMessage] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, *self._address, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def hears(self, method: str, deadline: float = 10.0) -> SipMessage:
        async with asyncio.timeout(deadline):
            while not (found := [message for message in self.heard if message.method == method]):
                self._changed.clear()
                await self._changed.wait()
        return found[-1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"^content-length: *(\d+)", head, re.I | re.M)
                message = sip.parse(head + await reader.readexactly(int(length[1]) if length else 0))
                if message is not None:
                    self._take(message, writer)
        except (asyncio.IncompleteReadError, OSError):
            writer.transport.abort()

    def _take(self, message: SipMessage, writer: asyncio.StreamWriter) -> None:
        self.heard.append(message)
        self._changed.set()
        if message.method not in ("", "ACK"):
            writer.write(sip.reply(message, "486 Busy Here" if message.method == "INVITE" else "200 OK", "p"))
