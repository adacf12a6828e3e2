"""What both buses share: queues that callers fill without waiting, the tasks that empty them, connection state.

A subclass says how one thing is sent; here is when, in which order and how often. What nobody waits for, the durable
log and stored values, is gathered for a moment and sent together: on a busy engine each sending of its own would cost
more than what it carries. Must not know NATS.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from cti.bus.base import BusDown, BusStats, Document, Undo, encode
from cti.bus.outbox import LIMIT, Entry, Outbox

BATCH = 256
EVENT_LIMIT = 10_000
RETRY_FIRST, RETRY_MOST = 0.1, 2.0  # seconds

log = structlog.get_logger(__name__)


class CoreBus(ABC):
    gather_durable = 0.0  # seconds
    gather_puts = 0.0

    def __init__(self, outbox_limit: int = LIMIT) -> None:
        self.stats = BusStats()
        self._outbox = Outbox(outbox_limit)
        self._events: deque[tuple[str, bytes]] = deque()
        self._events_filled = asyncio.Event()
        self._puts: dict[tuple[str, str], bytes] = {}
        self._puts_filled = asyncio.Event()
        self._up = asyncio.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def _send_event(self, subject: str, data: bytes) -> None: ...

    @abstractmethod
    async def _store(self, batch: list[Entry]) -> list[bool]:
        """Store in order; per message whether it is settled: stored, or never storable (then counted as dropped)."""

    @abstractmethod
    async def _put(self, bucket: str, key: str, data: bytes) -> None:
        """Raises ``BusDown``."""

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    async def wait_connected(self, deadline: float) -> bool:
        try:
            async with asyncio.timeout(deadline):
                await self._up.wait()
        except TimeoutError:
            return False
        return True

    def on_connected(self, callback: Callable[[], None]) -> Undo:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def publish(self, subject: str, payload: Document) -> None:
        data = encode(payload)
        if not self.connected or len(self._events) >= EVENT_LIMIT:
            self.stats.events_dropped += 1
            return
        self._events.append((subject, data))
        self._events_filled.set()

    def publish_durable(self, subject: str, message_id: str, payload: Document) -> None:
        if not self._outbox.add(Entry(subject, message_id, encode(payload))):
            self.stats.durable_dropped += 1
            if self.stats.durable_dropped == 1:
                log.error("bus.outbox_full", waiting=len(self._outbox))
        self.stats.outbox = len(self._outbox)

    async def flush_durable(self, deadline: float) -> bool:
        return await self._outbox.wait_empty(deadline)

    def put_soon(self, bucket: str, key: str, value: Document) -> None:
        self._puts[(bucket, key)] = encode(value)
        self._puts_filled.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _start_pumps(self) -> None:
        for pump in (self._pump_events, self._pump_durable, self._pump_puts):
            self._spawn(pump())

    async def _stop_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _connected_now(self) -> None:
        self.stats.connects += 1
        self._up.set()
        for callback in list(self._callbacks):
            try:
                callback()
            except Exception:
                log.exception("bus.on_connected_failed")

    def _disconnected_now(self) -> None:
        self._up.clear()
        self.stats.events_dropped += len(self._events)
        self._events.clear()

    async def _pump_events(self) -> None:
        while True:
            await self._events_filled.wait()
            while self._events:
                subject, data = self._events.popleft()
                try:
                    await self._send_event(subject, data)
                    self.stats.events_sent += 1
                except BusDown:
                    self.stats.events_dropped += 1
            self._events_filled.clear()

    async def _pump_durable(self) -> None:
        delay = RETRY_FIRST
        while True:
            await self._outbox.head(1)
            await self._up.wait()
            await asyncio.sleep(self.gather_durable)
            batch = await self._outbox.head(BATCH)
            settled = await self._store(batch)
            self._outbox.settle(batch, settled)
            self.stats.outbox = len(self._outbox)
            if all(settled):
                delay = RETRY_FIRST
                continue
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_MOST)

    async def _pump_puts(self) -> None:
        delay = RETRY_FIRST
        while True:
            await self._puts_filled.wait()
            await self._up.wait()
            if not self._puts:
                self._puts_filled.clear()
                continue
            await asyncio.sleep(self.gather_puts)
            if await self._put_all(list(self._puts.items())[:BATCH]):
                delay = RETRY_FIRST
                continue
            await asyncio.sleep(delay)
            delay = min(delay * 2, RETRY_MOST)

    async def _flush_puts(self, deadline: float) -> None:
        """Store what waits, at the end; what cannot be within ``deadline`` seconds is given up."""
        try:
            async with asyncio.timeout(deadline):
                await self._put_all(list(self._puts.items()))
        except TimeoutError:
            log.warning("bus.not_stored_at_the_end", waiting=len(self._puts))

    async def _put_all(self, waiting: list[tuple[tuple[str, str], bytes]]) -> bool:
        """Store these together; whether all were. What was replaced meanwhile stays to be stored."""
        stored = await asyncio.gather(*(self._put_one(bucket, key, data) for (bucket, key), data in waiting))
        for (name, data), done in zip(waiting, stored, strict=True):
            if done and self._puts.get(name) is data:
                del self._puts[name]
        return all(stored)

    async def _put_one(self, bucket: str, key: str, data: bytes) -> bool:
        try:
            await self._put(bucket, key, data)
        except BusDown:
            return False
        return True
