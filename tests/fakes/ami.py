"""A manager that speaks AMI bytes: answers a driver's actions, sends what a test tells it, in any pieces, or nothing.

It holds no calls. ``status`` are the frames it lists as the truth; ``silent`` are actions it never answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

ActionFields = dict[str, str]

KNOWN_ACTIONS = "PJSIPNotify: x\r\nMixMonitor: x\r\nMixMonitorMute: x\r\nPJSIPShowContacts: x"
LISTS = {
    "status": "StatusComplete",
    "pjsipshowendpoints": "EndpointListComplete",
    "pjsipshowcontacts": "ContactListComplete",
    "pjsipshowregistrationsoutbound": "OutboundRegistrationDetailComplete",
}


def frame(**headers: str) -> bytes:
    """One event frame."""
    return ("".join(f"{key}: {value}\r\n" for key, value in headers.items()) + "\r\n").encode()


class FakeAmi:
    """``async with FakeAmi() as ami`` listens on ``ami.port``. ``actions`` are all actions ever received, in order."""

    def __init__(self) -> None:
        self.port = 0
        self.actions: list[ActionFields] = []
        self.logins = 0
        self.silent: set[str] = set()
        self.status: list[bytes] = []
        self.answers: dict[str, Callable[[ActionFields], bytes]] = {}
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Drop every connection; new ones are accepted."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def send(self, data: bytes) -> None:
        self._writers[-1].write(data)

    async def send_in_pieces(self, data: bytes, size: int = 1) -> None:
        """Each piece in its own segment, as far as the loop can do that."""
        writer = self._writers[-1]
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await asyncio.sleep(0)
        await writer.drain()

    def contacts(self, asked: str) -> str:
        """Every phone has registered from here."""
        device = asked.removeprefix("PJSIP_DIAL_CONTACTS(").removesuffix(")")
        return f"PJSIP/{device}/sip:{device}@127.0.0.1:5062"

    def named(self, action: str) -> list[ActionFields]:
        return [a for a in self.actions if a.get("Action") == action]

    async def until(self, condition: Callable[[], bool], deadline: float = 5.0) -> None:
        async with asyncio.timeout(deadline):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def received(self, action: str, count: int = 1) -> list[ActionFields]:
        await self.until(lambda: len(self.named(action)) >= count)
        return self.named(action)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
                fields = dict(line.split(": ", 1) for line in raw.strip("\r\n").split("\r\n") if ": " in line)
                self.actions.append(fields)
                self._changed.set()
                self._answer(writer, fields)
        except (asyncio.IncompleteReadError, OSError):
            writer.transport.abort()

    def _answer(self, writer: asyncio.StreamWriter, fields: ActionFields) -> None:
        name = fields.get("Action", "")
        ident = f"ActionID: {fields.get('ActionID', '')}\r\n"
        if name in self.silent:
            return
        if name in self.answers:
            writer.write(self.answers[name](fields))
            return
        extra = ""
        if name == "Login":
            self.logins += 1
        elif name == "CoreStatus":
            extra = "CoreReloadDate: 2026-11-21\r\n"
        elif name == "Getvar":
            extra = f"Value: {self.contacts(fields['Variable'])}\r\n"
        elif name == "ListCommands":
            extra = KNOWN_ACTIONS + "\r\n"
        writer.write(f"Response: Success\r\n{ident}{extra}\r\n".encode())
        complete = LISTS.get(name.lower())
        if complete:
            listed = self.status if name == "Status" else []
            for one in listed:
                writer.write(one[:-2] + ident.encode() + b"\r\n")
            writer.write(f"Event: {complete}\r\n{ident}EventList: Complete\r\n\r\n".encode())
