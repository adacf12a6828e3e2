"""An event socket that speaks ESL bytes: answers a driver's commands, sends what a test tells it, or nothing.

It holds no calls. ``dumps`` are the channels it lists as the truth; ``silent`` are first words it never answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Self

USERS = "userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n"


def event(name: str, channel: str = "", **headers: str) -> bytes:
    """One event as JSON. ``Unique-ID`` is ``channel``; an underscore in a header's name stands for a hyphen."""
    fields = {"Event-Name": name, **({"Unique-ID": channel} if channel else {})}
    for key, value in headers.items():
        fields[key if key.startswith(("variable_", "_")) else key.replace("_", "-")] = value
    return framed(json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogateescape"))


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(body), body)


def parked(channel: str, **more: str) -> bytes:
    """A caller's channel that has just come in and parked."""
    fields = {
        "Call_Direction": "inbound",
        "Channel_State": "CS_EXECUTE",
        "Answer_State": "ringing",
        "Caller_Caller_ID_Number": "13800138000",
        "Caller_Caller_ID_Name": "Demo",
        "variable_cy_dialed": "8000",
        "variable_cy_trunk": "t1",
        "variable_park_after_bridge": "true",
    }
    return event("CHANNEL_PARK", channel, **(fields | more))


class FakeEsl:
    """``async with FakeEsl() as esl`` listens on ``esl.port``. ``lines`` are all commands ever received, in order;
    ``by_connection`` has the first words of those that came by each."""

    def __init__(self) -> None:
        self.port = 0
        self.password = "secret"
        self.lines: list[str] = []
        self.by_connection: list[set[str]] = []
        self.up = "UP 0 years, 0 days, 0 hours, 1 minute, 5 seconds, 52 milliseconds, 801 microseconds"
        self.logins = 0
        self.empty_lines = 0
        self.silent: set[str] = set()
        self.dumps: dict[str, dict[str, str]] = {}
        self.jobs: dict[str, str] = {}
        self.answers: dict[str, Callable[[str], bytes]] = {}
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._commands: asyncio.StreamWriter | None = None
        self._events: asyncio.StreamWriter | None = None
        self._changed = asyncio.Event()
        self._held: list[bytes] | None = None

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

    def cut_commands(self) -> None:
        """Drop the connection that ``api`` commands come by; the other one stays."""
        assert self._commands is not None
        self._writers.remove(self._commands)
        self._commands.transport.abort()

    def end(self) -> None:
        """Close every connection in order: what was written arrives, then the end of file."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def send(self, data: bytes) -> None:
        """By the connection that asked for events."""
        assert self._events is not None
        self._events.write(data)

    def send_unasked(self, data: bytes) -> None:
        """By the connection that ``api`` commands come by."""
        assert self._commands is not None
        self._commands.write(data)

    async def send_in_pieces(self, data: bytes, size: int = 1) -> None:
        """Each piece in its own segment, as far as the loop can do that."""
        writer = self._events
        assert writer is not None
        self._held = []
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await asyncio.sleep(0)
        held, self._held = self._held, None
        writer.write(b"".join(held))
        await writer.drain()

    def named(self, *words: str) -> list[str]:
        """The commands that begin with these words, an ``api`` or ``bgapi`` before them left out."""
        start = " ".join(words)
        return [line for line in self.lines if line.removeprefix("bg").removeprefix("api ").startswith(start)]

    async def received(self, *words: str, count: int = 1) -> list[str]:
        async with asyncio.timeout(5.0):
            while len(self.named(*words)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.named(*words)

    async def asked_for_events(self, times: int) -> None:
        """So many more empty lines have come, each of which makes a FreeSWITCH send the events that wait."""
        wanted = self.empty_lines + times
        async with asyncio.timeout(5.0):
            while self.empty_lines < wanted:
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        words: set[str] = set()
        self.by_connection.append(words)
        writer.write(b"Content-Type: auth/request\n\n")
        try:
            while True:
                text = (await self._command(reader)).decode("utf-8", "replace").strip("\n")
                if not text.startswith("auth "):
                    self.lines.append(text)
                    words.add(text.partition(" ")[0])
                self._changed.set()
                self._answer(writer, text)
        except (asyncio.IncompleteReadError, OSError):
            writer.transport.abort()

    async def _command(self, reader: asyncio.StreamReader) -> bytes:
        """The next command; empty lines before it are thrown away, as FreeSWITCH does."""
        while (first := await reader.readexactly(1)) == b"\n":
            self.empty_lines += 1
            self._changed.set()
        return first + await reader.readuntil(b"\n\n")

    def _put(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """An answer; one that would fall into the middle of what is being sent in pieces comes after it."""
        if self._held is None:
            writer.write(data)
        else:
            self._held.append(data)

    def _answer(self, writer: asyncio.StreamWriter, text: str) -> None:
        kind, _, rest = text.partition(" ")
        if kind == "event":
            self._events = writer
        elif kind == "api":
            self._commands = writer
        word = rest.partition(" ")[0] if kind in ("api", "bgapi") else kind
        if word in self.silent:
            return
        if word in self.answers:
            self._put(writer, self.answers[word](text))
        elif kind == "auth":
            good = rest == self.password
            self.logins += good
            self._put(writer, self.reply("+OK accepted" if good else "-ERR invalid"))
        elif kind == "bgapi":
            self._put(writer, b"".join(self.answer_job(text)))
        elif kind == "api":
            self._put(writer, self.body(self._api(word, rest)))
        else:
            self._put(writer, self.reply("+OK"))

    def answer_job(self, text: str) -> tuple[bytes, bytes]:
        """The reply to a ``bgapi``, and its answer as an event; empty if there is none."""
        command, _, header = text.removeprefix("bgapi ").partition("\n")
        name = header.removeprefix("Job-UUID: ")
        word = command.partition(" ")[0]
        body = self.jobs.get(word, "")
        if command.startswith("show registrations"):
            row = {"reg_user": "1001", "network_ip": "127.0.0.1", "network_port": "5070", "url": "sip:1001@127.0.0.1"}
            body = json.dumps({"row_count": 1, "rows": [row]})
        elif word == "show":
            body = json.dumps({"row_count": len(self.dumps), "rows": [{"uuid": uuid} for uuid in self.dumps]})
        elif word == "list_users":
            body = f"{USERS}1001|x|callyard|agents|error/user_not_registered|||\n\n+OK\n"
        elif word == "sofia":
            body = self.jobs.get(word, "<gateways/>")
        answer = event("BACKGROUND_JOB", Job_UUID=name, _body=body) if body else b""
        return self.reply(f"+OK Job-UUID: {name}"), answer

    def _api(self, word: str, rest: str) -> str:
        if word == "uuid_dump":
            dump = self.dumps.get(rest.split(" ")[1])
            return json.dumps(dump) if dump else "-ERR No such channel!"
        if word == "status":
            return f"{self.up}\n{len(self.dumps)} session(s) - peak 7, last 5min 7 \n"
        return "+OK\n"

    @staticmethod
    def reply(text: str) -> bytes:
        return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()

    @staticmethod
    def body(text: str) -> bytes:
        data = text.encode()
        return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(data), data)
