"""The loop's side of the event socket, and the one thread in which everything of gevent lives. No meaning of frames.

The two sides talk only by queues, a wake-up of the hub and ``call_soon_threadsafe``. To one switch there are two
connections: FreeSWITCH carries ``api`` out itself before it sends the events that wait on the same connection.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
import gevent.event

from cti.domain.errors import DeadlineExceeded, LinkDown
from cti.switches.freeswitch.guarded import Counts, GuardedESL, Handover, Item, LoginRefused, Ticket
from cti.switches.freeswitch.wire import Event, Frame, message

MOST_UNSENT = 10_000
CARRIED_OUT = ("api ", "sendmsg ")
PINGS = ("api version short", "nolog")  # one for each connection; nolog turns off what was never on
THREAD_DEADLINE = 5.0
DRAINED_WITHIN = 1.0


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
    """The loop's side of both connections, which live and end together.

    ``api`` and ``sendmsg`` go by the one, in order; events come by the other, which also takes what goes into the
    background. ``on_event`` gets every event; ``lost`` is done when a connection ends.
    """

    def __init__(self, thread: HubThread, host: str, port: int, password: str, on_event: Callable[[Event], None]):
        loop = asyncio.get_running_loop()
        self.where = f"{host}:{port}"
        self.lost: asyncio.Future[str] = loop.create_future()
        self.waiting: dict[int, Ticket] = {}
        self._thread, self._address, self._password = thread, (host, port), password
        self._on_event = on_event
        self._handover = Handover(loop, self._take, self._ended)
        self._answers = Handover(loop, self._take, self._commands_ended, self._handover.counts)
        self._events: GuardedESL | None = None
        self._commands: GuardedESL | None = None
        self._serving: list[Any] = []
        self._refused = False

    @property
    def counts(self) -> Counts:
        return self._handover.counts

    async def open(self, deadline: float) -> None:
        """Connect and log in. Raises ``LoginRefused``, ``LinkDown`` or ``DeadlineExceeded``."""
        login = (*self._address, self._password, deadline)
        events, commands = GuardedESL(*login, self._handover), GuardedESL(*login, self._answers)
        self._events, self._commands = events, commands

        def spawn() -> None:
            self._serving = [gevent.spawn(events.serve), gevent.spawn(commands.serve)]

        self._thread.call(spawn)
        try:
            await self.ping(deadline + 1.0)
        except LinkDown as error:
            raise (LoginRefused(str(error)) if self._refused else error) from None

    def send(self, *lines: str) -> Ticket:
        """Put a command on the wire, in order; the future is its reply. Raises ``CommandRefused`` or ``LinkDown``."""
        data = message(*lines)
        esl = self._commands if lines[0].startswith(CARRIED_OUT) else self._events
        if esl is None or self.lost.done():
            raise LinkDown(f"no connection to {self.where}")
        if len(self.waiting) >= MOST_UNSENT:
            raise LinkDown(f"{self.where} does not answer: {len(self.waiting)} commands wait")
        ticket: Ticket = asyncio.get_running_loop().create_future()
        self.waiting[id(ticket)] = ticket
        esl.unsent.append((data, ticket))
        self._thread.call(esl.more.set)
        return ticket

    async def ping(self, deadline: float) -> None:
        """Both connections answer. Errors as ``wait``."""
        tickets = [self.send(line) for line in PINGS]
        for ticket in tickets:
            await self.wait(ticket, deadline)

    def urge(self, urgent: bool) -> None:
        """Whether events are to come at once, at the price of a write every few milliseconds."""
        esl = self._events
        if esl is not None and esl.urgent != urgent:
            esl.urgent = urgent
            self._thread.call(esl.more.set)

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
        """Drop both connections at once."""
        self._ended(reason, False)
        self._thread.call(lambda: gevent.killall(self._serving, block=False))

    def _take(self, batch: list[Item]) -> None:
        self.counts.taken += len(batch)
        for item in batch:
            if self.lost.done():
                return
            if isinstance(item, dict):
                self._on_event(item)
            elif not item[0].done():
                item[0].set_result(item[1])

    def _commands_ended(self, reason: str, refused: bool) -> None:
        """The other one ends too, but what it has read until now is not lost."""
        self._commands = None
        if refused:
            self._ended(reason, refused)
        elif not self.lost.done():
            asyncio.get_running_loop().call_later(DRAINED_WITHIN, self._ended, reason, refused)

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
