"""greenswitch behind guards: one connection to a FreeSWITCH event socket, used once, then thrown away.

What is guarded, each tried against greenswitch 0.0.19: JSON events, framed before they are decoded; a reader that no
frame can end; deadlines for connecting and writing; whole writes; end of file noticed anywhere; an unasked reply
answers nobody; what waits is failed with the connection and never sent again; what was read is handed over at once, in
batches, and counted: a receiver that is too far behind loses the connection, not events.

Everything of gevent lives in one thread per switch with its own hub (``link.py``); nothing is monkey-patched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
import gevent.event
import gevent.socket
from greenswitch.esl import InboundESL

from cti.domain.errors import DeadlineExceeded, LinkDown, SwitchError
from cti.switches.freeswitch.wire import Event, Frame, FrameReader, FrameTooLong, event, message

log = logging.getLogger(__name__)

CHUNK = 262_144
MOST_WAITING = 100_000  # events handed over and not yet taken
WRITE_DEADLINE = 5.0
LOOK_EVERY = 0.003  # FreeSWITCH looks for events to send every 20 ms, and whenever something comes in
NOTHING = b"\n"  # what it reads and throws away


class LoginRefused(SwitchError):
    """FreeSWITCH does not take this password, or lets nobody in from this address."""

    code = "switch.login_refused"


@dataclass(slots=True)
class Counts:
    """What a connection has seen; for metrics and tests. Written by the hub's thread only, but for ``taken``."""

    handed: int = 0
    taken: int = 0
    most_waiting: int = 0
    broken: int = 0
    unasked: int = 0


Ticket = asyncio.Future[Frame]
Item = tuple[Ticket, Frame] | Event


@dataclass(slots=True, eq=False)
class Handover:
    """From the hub's thread to the loop: batches in order."""

    loop: asyncio.AbstractEventLoop
    take: Callable[[list[Item]], None]
    ended: Callable[[str, bool], None]
    counts: Counts = field(default_factory=Counts)

    def give(self, batch: list[Item]) -> None:
        """Raises ``FrameTooLong`` when the receiver is too far behind."""
        counts = self.counts
        counts.handed += len(batch)
        waiting = counts.handed - counts.taken
        counts.most_waiting = max(counts.most_waiting, waiting)
        if waiting > MOST_WAITING:
            raise FrameTooLong(f"{waiting} events wait to be taken")
        self._call(self.take, batch)

    def end(self, reason: str, refused: bool) -> None:
        self._call(self.ended, reason, refused)

    def _call(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop is closed: nobody is interested any more
            log.debug("the loop is gone")


class GuardedESL(InboundESL):  # type: ignore[misc]
    """One connection's greenlets. Use only in the hub's thread, but for ``unsent`` and ``urgent``.

    While ``urgent`` FreeSWITCH is made to send events within ``LOOK_EVERY``. Set ``more`` when either was changed.
    """

    sock: Any

    def __init__(self, host: str, port: int, password: str, deadline: float, handover: Handover) -> None:
        super().__init__(host, port, password, timeout=deadline)
        self.unsent: deque[tuple[bytes, Ticket | None]] = deque()
        self.more = gevent.event.Event()
        self.urgent = False
        self._commands_sent: deque[Ticket | None] = deque()
        self._handover = handover
        self._reader = FrameReader()
        self._batch: list[Item] = []
        self._greeted = self._let_in = False
        self._why = ""
        self.sock = None

    def serve(self) -> None:
        """The whole life of the connection; its end is reported once."""
        reason, refused, writer = "closed by us", False, None
        try:
            self.connect()
            writer = gevent.spawn(self._write)
            reason = self.receive_events()
        except LoginRefused as error:
            reason, refused = str(error), True
        except (OSError, SwitchError, FrameTooLong) as error:
            reason = str(error) or type(error).__name__
        finally:
            self.connected = False
            if writer is not None:
                writer.kill(block=False)
            if self.sock is not None:
                self.sock.close()
            self._handover.end(self._why or reason, refused)

    def connect(self) -> None:
        """Raises ``OSError``, ``DeadlineExceeded``, ``LoginRefused`` or ``LinkDown``."""
        late = DeadlineExceeded(f"no login within {self.timeout:g} s")
        with gevent.Timeout(self.timeout, late):
            self.sock = gevent.socket.create_connection((self.host, self.port))
            self.sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)  # else 40 ms now and then
            while not self._greeted:
                self._read()
            self.authenticate()
        self.connected = True
        self._flush()

    def authenticate(self) -> None:
        self._commands_sent.append(None)
        self.sock.sendall(message(f"auth {self.password}"))
        while not self._let_in:
            self._read()

    def receive_events(self) -> str:
        while not self._why:
            self._read()
            gevent.sleep(0)
        return self._why

    def _read(self) -> None:
        data = self.sock.recv(CHUNK)
        if not data:
            raise LinkDown(self._why or "closed by the switch")
        try:
            for frame in self._reader.feed(data):
                self.handle_event(frame)
        finally:
            if self.connected:
                self._flush()

    def _flush(self) -> None:
        if self._batch:
            batch, self._batch = self._batch, []
            self._handover.give(batch)

    def handle_event(self, frame: Frame) -> None:
        kind = frame.kind
        if kind == "text/event-json":
            found = event(frame.body)
            if found is None:
                self._handover.counts.broken += 1
            else:
                self._batch.append(found)
        elif kind in ("command/reply", "api/response"):
            self._answered(frame)
        elif kind == "auth/request":
            self._greeted = True
        elif kind == "text/rude-rejection":
            raise LoginRefused(f"{self.host}:{self.port} lets nobody in from here (apply-inbound-acl)")
        elif kind == "text/disconnect-notice":
            if frame.headers.get("content-disposition") != "linger":
                self._why = "the switch ended the connection"
        else:
            self._handover.counts.broken += 1

    def _answered(self, frame: Frame) -> None:
        if not self._commands_sent:
            self._handover.counts.unasked += 1
            return
        ticket = self._commands_sent.popleft()
        if ticket is not None:
            self._batch.append((ticket, frame))
        elif not self._let_in:
            if not frame.reply.startswith("+OK"):
                raise LoginRefused(f"{self.host}:{self.port} refused the login: {frame.reply[:80]}")
            self._let_in = True

    def _write(self) -> None:
        """Commands in order, as many as wait in one write; an empty line when there is none and events are urgent."""
        while True:
            self.more.wait(LOOK_EVERY if self.urgent else None)
            self.more.clear()
            parts = []
            while self.unsent:
                data, ticket = self.unsent.popleft()
                self._commands_sent.append(ticket)
                parts.append(data)
            try:
                with gevent.Timeout(WRITE_DEADLINE, DeadlineExceeded("the switch does not read")):
                    self.sock.sendall(b"".join(parts) or NOTHING)
            except (OSError, DeadlineExceeded) as error:
                self._why = str(error)
                with contextlib.suppress(OSError):  # the reader has closed it
                    self.sock.shutdown(gevent.socket.SHUT_RDWR)
                return
