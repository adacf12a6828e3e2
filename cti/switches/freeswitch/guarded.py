"""greenswitch behind guards: one connection to a FreeSWITCH event socket, used once, then thrown away.

What is guarded, each tried against greenswitch 0.0.19: JSON events, framed before they are decoded; a reader that no
frame can end; deadlines for connecting and writing; whole writes; end of file noticed anywhere; an unasked reply
answers nobody; what waits is failed with the connection and never sent again; what was read is handed over at once, in
batches, and counted: a receiver that is too far behind loses the connection, not events.

Everything of gevent lives in one thread per switch (``HubThread``) with its own hub; nothing is monkey-patched. The
loop's side (``EslLink``) talks to it only by a queue and ``call_soon_threadsafe``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
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
MOST_UNSENT = 10_000
WRITE_DEADLINE = 5.0
THREAD_DEADLINE = 5.0


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
class _Handover:
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
    """One connection's greenlets. Use only in the hub's thread, but for ``unsent``."""

    sock: Any

    def __init__(self, host: str, port: int, password: str, deadline: float, handover: _Handover) -> None:
        super().__init__(host, port, password, timeout=deadline)
        self.unsent: deque[tuple[bytes, Ticket | None]] = deque()
        self.more = gevent.event.Event()
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
        """Commands in order, as many as wait in one write."""
        while True:
            self.more.wait()
            self.more.clear()
            parts = []
            while self.unsent:
                data, ticket = self.unsent.popleft()
                self._commands_sent.append(ticket)
                parts.append(data)
            try:
                with gevent.Timeout(WRITE_DEADLINE, DeadlineExceeded("the switch does not read")):
                    self.sock.sendall(b"".join(parts))
            except (OSError, DeadlineExceeded) as error:
                self._why = str(error)
                self.sock.shutdown(gevent.socket.SHUT_RDWR)
                return


class HubThread:
    """One thread with a gevent hub. ``call`` runs a function in it that must not block: it may spawn."""

    def __init__(self, name: str) -> None:
        self._calls: deque[Callable[[], Any]] = deque()
        self._ready, self._waker, self._over = threading.Event(), None, False
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(THREAD_DEADLINE):
            raise LinkDown("the event socket's thread did not start")

    def call(self, function: Callable[[], Any]) -> None:
        self._calls.append(function)
        waker: Any = self._waker
        if not self._over:
            waker.send()

    def stop(self) -> None:
        """May block for a moment: until the thread is gone, at most ``THREAD_DEADLINE``."""
        self.call(lambda: self._end.set())
        self._thread.join(THREAD_DEADLINE)

    def _main(self) -> None:
        hub = gevent.get_hub()
        self._end = gevent.event.Event()
        waker = hub.loop.async_()
        waker.start(self._drain)
        self._waker = waker
        self._ready.set()
        self._end.wait()
        self._over = True
        waker.stop()
        waker.close()
        hub.destroy(destroy_loop=True)

    def _drain(self) -> None:
        while self._calls:
            self._calls.popleft()()


class EslLink:
    """The loop's side of one connection. ``on_event`` gets every event; ``lost`` is done when the connection ends."""

    def __init__(self, thread: HubThread, host: str, port: int, password: str, on_event: Callable[[Event], None]):
        loop = asyncio.get_running_loop()
        self.where = f"{host}:{port}"
        self.lost: asyncio.Future[str] = loop.create_future()
        self.waiting: dict[int, Ticket] = {}
        self._thread, self._address, self._password = thread, (host, port), password
        self._on_event = on_event
        self._handover = _Handover(loop, self._take, self._ended)
        self._esl: GuardedESL | None = None
        self._serving: Any = None
        self._refused = False

    @property
    def counts(self) -> Counts:
        return self._handover.counts

    async def open(self, deadline: float) -> None:
        """Connect and log in. Raises ``LoginRefused``, ``LinkDown`` or ``DeadlineExceeded``."""
        esl = GuardedESL(*self._address, self._password, deadline, self._handover)
        self._esl = esl

        def spawn() -> None:
            self._serving = gevent.spawn(esl.serve)

        self._thread.call(spawn)
        try:
            await self.act("api status", deadline + 1.0)
        except LinkDown as error:
            raise (LoginRefused(str(error)) if self._refused else error) from None

    def send(self, *lines: str) -> Ticket:
        """Put a command on the wire, in order; the future is its reply. Raises ``CommandRefused`` or ``LinkDown``."""
        data = message(*lines)
        esl = self._esl
        if esl is None or self.lost.done():
            raise LinkDown(f"no connection to {self.where}")
        if len(self.waiting) >= MOST_UNSENT:
            raise LinkDown(f"{self.where} does not answer: {len(self.waiting)} commands wait")
        ticket: Ticket = asyncio.get_running_loop().create_future()
        self.waiting[id(ticket)] = ticket
        esl.unsent.append((data, ticket))
        self._thread.call(esl.more.set)
        return ticket

    async def act(self, line: str, deadline: float) -> Frame:
        """Send one command, return its reply."""
        return await self.wait(self.send(line), deadline)

    async def wait(self, ticket: Ticket, deadline: float) -> Frame:
        """The reply. Raises ``DeadlineExceeded``: a reply that comes later is thrown away, it is nobody else's."""
        try:
            async with asyncio.timeout(deadline):
                return await ticket
        except TimeoutError:
            raise DeadlineExceeded(f"{self.where} did not answer in {deadline:g} s") from None
        finally:
            self.waiting.pop(id(ticket), None)

    def abort(self, reason: str) -> None:
        """Drop the connection at once."""
        self._ended(reason, False)
        self._thread.call(lambda: self._serving is None or self._serving.kill(block=False))

    def _take(self, batch: list[Item]) -> None:
        self.counts.taken += len(batch)
        for item in batch:
            if self.lost.done():
                return
            if isinstance(item, dict):
                self._on_event(item)
            elif not item[0].done():
                item[0].set_result(item[1])

    def _ended(self, reason: str, refused: bool) -> None:
        if self.lost.done():
            return
        self._refused = refused
        self.lost.set_result(reason)
        waiting, self.waiting = list(self.waiting.values()), {}
        for ticket in waiting:
            if not ticket.done():
                ticket.set_exception(LinkDown(reason))
                ticket.exception()
