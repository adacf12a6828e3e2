"""``MemoryBus``: the bus inside one process and loop, for tests; behaves as ``NatsBus``, with a cable to cut.

Buses that share a ``MemoryBroker`` hear each other. Everything goes through JSON, as on the wire.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from cti.bus.base import (
    ACK_WAIT,
    LEASE_SECONDS,
    LOG_SUBJECTS,
    TRACE_SUBJECTS,
    BusDown,
    Document,
    EventHandler,
    KeyHandler,
    LogMessage,
    RequestHandler,
    Traced,
    Undo,
    decode,
    encode,
    error_reply,
)
from cti.bus.core import CoreBus
from cti.bus.outbox import LIMIT, Entry
from cti.domain.errors import EngineUnavailable

log = structlog.get_logger(__name__)


def matches(pattern: str, subject: str) -> bool:
    """Whether ``subject`` falls under ``pattern`` with the wildcards of NATS."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, part in enumerate(wanted):
        if part == ">":
            return len(given) > position
        if position >= len(given) or part not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


@dataclass(slots=True)
class MemoryBroker:
    """The server: what is stored, who listens, whether it can be reached. ``clock`` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    up: bool = True
    log: list[Entry] = field(default_factory=list)
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    leases: dict[str, tuple[object, float]] = field(default_factory=dict)
    readers: dict[str, MemoryReader] = field(default_factory=dict)
    buses: list[MemoryBus] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    traced: list[tuple[float, str, bytes]] = field(default_factory=list)

    def cut(self) -> None:
        """Nobody reaches the server any more; what it has stored stays."""
        self.up = False
        for bus in list(self.buses):
            bus.link_cut()

    def restore(self) -> None:
        self.up = True
        for bus in list(self.buses):
            bus.link_restored()


@dataclass(slots=True)
class MemoryReader:
    """A durable reader: where it stands, and what was fetched and not acknowledged, with the time it comes again."""

    next: int = 0
    unacked: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class MemoryLogMessage:
    subject: str
    sequence: int
    data: bytes
    _broker: MemoryBroker
    _reader: MemoryReader

    async def ack(self) -> None:
        if self._broker.up:
            self._reader.unacked.pop(self.sequence, None)


class MemoryConsumer:
    def __init__(self, bus: MemoryBus, name: str, subject: str) -> None:
        self._bus, self._subject = bus, subject
        self._reader = bus.broker.readers.setdefault(name, MemoryReader())

    async def fetch(self, batch: int, deadline: float) -> list[LogMessage]:
        until = time.monotonic() + deadline
        while time.monotonic() < until:
            found = self._take(batch) if self._bus.connected else []
            if found:
                return found
            await asyncio.sleep(0.005)
        return []

    def _take(self, batch: int) -> list[LogMessage]:
        broker, reader, now = self._bus.broker, self._reader, self._bus.broker.clock()
        due = sorted(sequence for sequence, at in reader.unacked.items() if at <= now)[:batch]
        while len(due) < batch and reader.next < len(broker.log):
            reader.next += 1
            if matches(self._subject, broker.log[reader.next - 1].subject):
                due.append(reader.next)
        reader.unacked.update(dict.fromkeys(due, now + ACK_WAIT))
        entries = [(sequence, broker.log[sequence - 1]) for sequence in due]
        return [MemoryLogMessage(entry.subject, sequence, entry.data, broker, reader) for sequence, entry in entries]

    async def pending(self) -> int:
        self._bus.need_link()
        waiting = self._bus.broker.log[self._reader.next :]
        return len(self._reader.unacked) + sum(matches(self._subject, entry.subject) for entry in waiting)


class MemoryBus(CoreBus):
    def __init__(self, broker: MemoryBroker | None = None, *, outbox_limit: int = LIMIT) -> None:
        super().__init__(outbox_limit)
        self.broker = broker or MemoryBroker()
        self._serving: dict[str, RequestHandler] = {}
        self._listening: list[tuple[str, EventHandler]] = []
        self._watching: list[tuple[str, KeyHandler]] = []

    async def start(self) -> None:
        self.broker.buses.append(self)
        self._start_pumps()
        if self.broker.up:
            self.link_restored()

    async def stop(self, flush: float = 2.0) -> None:
        if self.connected:
            await self.flush_durable(flush)
            await self._flush_puts(flush)
        await self._stop_tasks()
        self._disconnected_now()
        if self in self.broker.buses:
            self.broker.buses.remove(self)

    def link_cut(self) -> None:
        self._disconnected_now()

    def link_restored(self) -> None:
        for bucket, handler in list(self._watching):
            self._tell_all(bucket, handler)
        self._connected_now()

    def need_link(self) -> None:
        if not (self.connected and self.broker.up):
            raise BusDown("no connection to the bus")

    # ------------------------------------------------------------ requests and events

    async def request(self, subject: str, payload: Document, deadline: float = 3.0) -> Document:
        data = encode(payload)
        try:
            async with asyncio.timeout(deadline):
                await self._up.wait()
                handler = self._find_handler(subject)
                reply = await asyncio.shield(asyncio.ensure_future(_answer(handler, data)))
        except TimeoutError as error:
            raise EngineUnavailable(f"no answer to {subject} in time") from error
        if not self.connected:
            raise EngineUnavailable(f"no answer to {subject}: the bus was lost")
        return decode(reply)

    def _find_handler(self, subject: str) -> RequestHandler:
        for bus in self.broker.buses:
            for pattern, handler in bus._serving.items():
                if matches(pattern, subject):
                    return handler
        raise EngineUnavailable(f"nobody answers {subject}")

    async def serve(self, subject: str, handler: RequestHandler) -> Undo:
        self._serving[subject] = handler
        return lambda: self._serving.pop(subject, None) and None

    async def subscribe(self, subject: str, handler: EventHandler) -> Undo:
        entry = (subject, handler)
        self._listening.append(entry)
        return lambda: self._listening.remove(entry) if entry in self._listening else None

    async def _send_event(self, subject: str, data: bytes) -> None:
        self.need_link()
        if matches(TRACE_SUBJECTS, subject):
            self.broker.traced.append((time.time(), subject, data))
        for bus in list(self.broker.buses):
            for pattern, handler in list(bus._listening):
                if matches(pattern, subject):
                    _deliver(handler, subject, data)

    async def traced(
        self, subject: str, *, after: int = 0, since: float = 0.0, limit: int = 1000, deadline: float = 3.0
    ) -> list[Traced]:
        self.need_link()
        found = [
            Traced(place, name, decode(data))
            for place, (at, name, data) in enumerate(self.broker.traced, 1)
            if place > after and at >= since and matches(subject, name)
        ]
        return found[:limit]

    # ------------------------------------------------------------ the durable log

    async def _store(self, batch: list[Entry]) -> list[bool]:
        return [self._store_one(entry) for entry in batch]

    def _store_one(self, entry: Entry) -> bool:
        if not self.broker.up:
            return False
        if entry.message_id not in self.broker.seen:
            self.broker.seen.add(entry.message_id)
            self.broker.log.append(entry)
            _spread(self.broker, entry)
        self.stats.durable_stored += 1
        return True

    async def last(self, subject: str, deadline: float = 3.0) -> Document | None:
        self.need_link()
        for entry in reversed(self.broker.log):
            if entry.subject == subject:
                return decode(entry.data)
        return None

    def consumer(self, name: str, subject: str = LOG_SUBJECTS) -> MemoryConsumer:
        return MemoryConsumer(self, name, subject)

    # ------------------------------------------------------------ keys and leases

    async def _put(self, bucket: str, key: str, data: bytes) -> None:
        self.need_link()
        self.broker.buckets.setdefault(bucket, {})[key] = data
        for bus in self.broker.buses:
            for name, handler in list(bus._watching):
                if name == bucket:
                    _deliver(handler, key, data)

    async def kv_put(self, bucket: str, key: str, value: Document, deadline: float = 3.0) -> None:
        data = encode(value)
        if not await self.wait_connected(deadline):
            raise BusDown("no connection to the bus")
        await self._put(bucket, key, data)

    async def kv_get(self, bucket: str, key: str, deadline: float = 3.0) -> Document | None:
        return (await self.kv_all(bucket, deadline)).get(key)

    async def kv_all(self, bucket: str, deadline: float = 3.0) -> dict[str, Document]:
        if not await self.wait_connected(deadline):
            raise BusDown("no connection to the bus")
        return {key: decode(data) for key, data in self.broker.buckets.get(bucket, {}).items()}

    async def kv_watch(self, bucket: str, handler: KeyHandler) -> Undo:
        entry = (bucket, handler)
        self._watching.append(entry)
        if self.connected:
            self._tell_all(bucket, handler)
        return lambda: self._watching.remove(entry) if entry in self._watching else None

    def _tell_all(self, bucket: str, handler: KeyHandler) -> None:
        for key, data in self.broker.buckets.get(bucket, {}).items():
            _deliver(handler, key, data)

    async def hold_lease(self, name: str, owner: str, deadline: float = 3.0) -> bool:
        if not self.connected:
            return False
        now = self.broker.clock()
        holder, until = self.broker.leases.get(name, (self, 0.0))
        if holder is not self and until > now:
            return False
        self.broker.leases[name] = (self, now + LEASE_SECONDS)
        return True

    async def drop_lease(self, name: str, deadline: float = 3.0) -> None:
        if self.broker.leases.get(name, (None, 0.0))[0] is self:
            del self.broker.leases[name]


async def _answer(handler: RequestHandler, data: bytes) -> bytes:
    try:
        return encode(await handler(decode(data)))
    except Exception as error:
        return encode(error_reply(error))


def _deliver(handler: Callable[[str, Document], None], name: str, data: bytes) -> None:
    try:
        handler(name, decode(data))
    except Exception:
        log.exception("bus.handler_failed", subject=name)


def _spread(broker: MemoryBroker, entry: Entry) -> None:
    """A stored message also reaches plain subscribers of its subject, as with NATS."""
    for bus in list(broker.buses):
        for pattern, handler in list(bus._listening):
            if matches(pattern, entry.subject):
                _deliver(handler, entry.subject, entry.data)
