"""``SyncBus``: the bus for threads, as web pages need it. One background thread with its own loop holds a ``Bus``.

Every call may come from any thread. Must not know Flask.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any, TypeVar

from cti.bus.base import Bus, Document, Traced, Undo
from cti.bus.nats import NatsBus
from cti.domain.errors import EngineUnavailable

START_DEADLINE = 5.0
QUEUE_LIMIT = 2_000  # events; a reader that is slower than this loses the oldest and is told
GRACE = 1.0  # seconds beyond the deadline of a call before the background thread itself is given up

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BusEvent:
    subject: str
    payload: Document


class Subscription:
    """Events of one subject for one reader. Use as a context manager, or ``close`` it."""

    def __init__(self, close: Callable[[Subscription], None]) -> None:
        self._close = close
        self._events: deque[BusEvent] = deque()
        self._ready = threading.Condition()
        self._gap = False
        self.closed = False
        self.undo: list[Undo] = []

    def get(self, timeout: float) -> BusEvent | None:
        """The next event, or ``None`` after ``timeout`` seconds, or when closed, or to say ``take_gap`` is true."""
        with self._ready:
            self._ready.wait_for(lambda: bool(self._events) or self._gap or self.closed, timeout)
            return self._events.popleft() if self._events and not self._gap else None

    def take_gap(self) -> bool:
        """True once after events may have been lost (reconnect, slow reader): fetch whole states again."""
        with self._ready:
            gap, self._gap = self._gap, False
            return gap

    def push(self, subject: str, payload: Document) -> None:
        with self._ready:
            if len(self._events) >= QUEUE_LIMIT:
                self._events.clear()
                self._gap = True
            self._events.append(BusEvent(subject, payload))
            self._ready.notify_all()

    def mark_gap(self) -> None:
        with self._ready:
            self._gap = True
            self._ready.notify_all()

    def close(self) -> None:
        with self._ready:
            if self.closed:
                return
            self.closed = True
            self._ready.notify_all()
        self._close(self)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class SyncBus:
    """``SyncBus(url, token)`` over NATS; ``make_bus`` gives any other ``Bus`` (called in the background loop)."""

    def __init__(self, url: str = "", token: str = "", *, make_bus: Callable[[], Bus] | None = None) -> None:
        self._make_bus = make_bus or (lambda: NatsBus(url, token, name="callyard-web"))
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._bus: Bus | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
        self._thread.start()
        if not self._started.wait(START_DEADLINE):
            raise EngineUnavailable("the bus thread did not start")

    @property
    def connected(self) -> bool:
        return self._bus is not None and self._bus.connected

    def request(self, subject: str, payload: Document, timeout: float = 3.0) -> Document:
        """The reply document. Raises ``EngineUnavailable`` when nobody answers within ``timeout`` seconds."""
        return self._call(lambda bus: bus.request(subject, payload, timeout), timeout)

    def publish(self, subject: str, payload: Document) -> None:
        self._loop.call_soon_threadsafe(self._need_bus().publish, subject, payload)

    def put_config(self, document: Document, timeout: float = 3.0) -> None:
        """Store ``CentreConfig.to_document()`` for the engine. Raises ``BusDown``."""
        self._call(lambda bus: bus.kv_put("cy_config", "centre", document, timeout), timeout)

    def traced(
        self, subject: str, *, after: int = 0, since: float = 0.0, limit: int = 1000, timeout: float = 3.0
    ) -> list[Traced]:
        """The operation log, as ``Bus.traced``. Raises ``BusDown``."""
        return self._call(
            lambda bus: bus.traced(subject, after=after, since=since, limit=limit, deadline=timeout), timeout
        )

    def subscribe(self, subject: str, timeout: float = 3.0) -> Subscription:
        """Events from now on; with the bus down they start when it is back, after ``take_gap`` said so."""
        subscription = Subscription(self._unsubscribe)

        async def begin(bus: Bus) -> None:
            subscription.undo.append(await bus.subscribe(subject, subscription.push))
            subscription.undo.append(bus.on_connected(subscription.mark_gap))

        self._call(begin, timeout)
        return subscription

    def close(self) -> None:
        """Disconnect and end the thread. Calls after this raise ``EngineUnavailable``."""
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_DEADLINE)

    def _unsubscribe(self, subscription: Subscription) -> None:
        if not self._closed:
            for undo in subscription.undo:
                self._loop.call_soon_threadsafe(undo)

    def _need_bus(self) -> Bus:
        if self._bus is None or self._closed:
            raise EngineUnavailable("the bus is closed")
        return self._bus

    def _call(self, work: Callable[[Bus], Coroutine[Any, Any, _T]], timeout: float) -> _T:
        future = asyncio.run_coroutine_threadsafe(work(self._need_bus()), self._loop)
        try:
            return future.result(timeout + GRACE)
        except FutureTimeout as error:
            future.cancel()
            raise EngineUnavailable("the bus thread did not answer in time") from error

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        bus = self._make_bus()
        self._loop.run_until_complete(bus.start())
        self._bus = bus
        self._started.set()
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(bus.stop())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
