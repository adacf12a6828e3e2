"""What the bus can do, for whoever holds one; the subjects and documents are in docs/bus.md.

``NatsBus`` is the real one, ``MemoryBus`` its in-process twin for tests. All methods belong to one asyncio loop; those
without ``async`` return at once and never raise because the bus is down. Deadlines are in seconds from now. Must not
know what payloads mean.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from cti.domain.errors import CallyardError

Document = dict[str, Any]
Undo = Callable[[], None]
EventHandler = Callable[[str, Document], None]
RequestHandler = Callable[[Document], Awaitable[Document]]
KeyHandler = Callable[[str, Document | None], None]

LOG_STREAM = "CY_LOG"
LOG_SUBJECTS = "cy.log.>"
LOG_DAYS = 30
DUPLICATE_WINDOW = 600.0  # seconds within which a repeated message id is stored once
TRACE_STREAM = "CY_TRACE"
TRACE_SUBJECTS = "cy.trace.>"
LEASE_BUCKET = "cy_leases"
LEASE_SECONDS = 6.0
ACK_WAIT = 60.0  # seconds after which a message that was fetched and not acknowledged comes again


class BusDown(CallyardError):
    """There is no connection to the bus, or it did not answer in time."""

    code = "bus.down"


@dataclass(slots=True)
class BusStats:
    """Counters since the start, for the metrics of whoever holds the bus."""

    connects: int = 0
    events_sent: int = 0
    events_dropped: int = 0  # published while the bus was down
    durable_stored: int = 0
    durable_dropped: int = 0  # the outbox was full, or the message can never be stored
    outbox: int = 0  # waiting now


@dataclass(frozen=True, slots=True)
class TraceKeep:
    """How long the operation log is kept, and how large it may grow: the oldest goes first."""

    days: float = 14.0
    megabytes: int = 2048


@dataclass(frozen=True, slots=True)
class Traced:
    """One message of the operation log; ``sequence`` is its place in it."""

    sequence: int
    subject: str
    document: Document


class LogMessage(Protocol):
    """One durable message. ``sequence`` is its place in the log; ``data`` its bytes as published."""

    subject: str
    sequence: int
    data: bytes

    async def ack(self) -> None:
        """Done; never deliver it again. Does nothing when the bus is down: it then comes again."""


class LogConsumer(Protocol):
    async def fetch(self, batch: int, deadline: float) -> list[LogMessage]:
        """At most ``batch`` messages, in order; empty when ``deadline`` seconds brought none or the bus is down."""

    async def pending(self) -> int:
        """How many messages wait or are not acknowledged. Raises ``BusDown``."""


class Bus(Protocol):
    stats: BusStats

    @property
    def connected(self) -> bool: ...

    async def start(self) -> None:
        """Connect in the background and keep connected for ever, until ``stop``. Returns at once."""

    async def stop(self, flush: float = 2.0) -> None:
        """Give the outbox ``flush`` seconds, then disconnect and end every task."""

    async def wait_connected(self, deadline: float) -> bool:
        """Whether there was a connection within ``deadline`` seconds."""

    def on_connected(self, callback: Callable[[], None]) -> Undo:
        """Call ``callback`` after every (re)connect: time to publish whole states again."""

    async def request(self, subject: str, payload: Document, deadline: float = 3.0) -> Document:
        """Ask and wait for the answer. Raises ``EngineUnavailable`` when nobody answers in time."""

    async def serve(self, subject: str, handler: RequestHandler) -> Undo:
        """Answer requests, each in its own task. An exception becomes an error reply, by its code."""

    async def subscribe(self, subject: str, handler: EventHandler) -> Undo:
        """Call ``handler(subject, payload)`` for each event; ``*`` and ``>`` as in NATS. Survives reconnects."""

    def publish(self, subject: str, payload: Document) -> None:
        """Send an event. Dropped and counted while the bus is down. What goes to ``cy.trace.>`` is kept."""

    async def traced(
        self, subject: str, *, after: int = 0, since: float = 0.0, limit: int = 1000, deadline: float = 3.0
    ) -> list[Traced]:
        """The operation log of ``subject`` (with wildcards), oldest first: what is behind the place ``after``, else
        what came at ``since`` or later. ``limit`` messages at most. Raises ``BusDown``."""

    def publish_durable(self, subject: str, message_id: str, payload: Document) -> None:
        """Queue a log event; it is stored in order, once, also when the bus was down meanwhile."""

    async def flush_durable(self, deadline: float) -> bool:
        """Whether everything queued was stored within ``deadline`` seconds."""

    def put_soon(self, bucket: str, key: str, value: Document) -> None:
        """Store the newest value of a key as soon as the bus can; an older one still waiting is replaced."""

    async def kv_put(self, bucket: str, key: str, value: Document, deadline: float = 3.0) -> None:
        """Store a value. Raises ``BusDown``."""

    async def kv_get(self, bucket: str, key: str, deadline: float = 3.0) -> Document | None:
        """The value of a key, ``None`` when there is none. Raises ``BusDown``."""

    async def kv_all(self, bucket: str, deadline: float = 3.0) -> dict[str, Document]:
        """Every key of a bucket with its value. Raises ``BusDown``."""

    async def kv_watch(self, bucket: str, handler: KeyHandler) -> Undo:
        """Call ``handler(key, value)`` for every present key, now and after each reconnect, then at every change."""

    async def last(self, subject: str, deadline: float = 3.0) -> Document | None:
        """The newest log message with this subject (no wildcards). Raises ``BusDown``."""

    def consumer(self, name: str, subject: str = LOG_SUBJECTS) -> LogConsumer:
        """The durable reader ``name`` of the log; it goes on where it was acknowledged last."""

    async def hold_lease(self, name: str, owner: str, deadline: float = 3.0) -> bool:
        """Take or renew the lease ``name``; it ends ``LEASE_SECONDS`` after the last renewal. False: it is another's,
        or the bus is down."""

    async def drop_lease(self, name: str, deadline: float = 3.0) -> None:
        """Give the lease back at once, if it is ours."""


def encode(payload: Document) -> bytes:
    """JSON in UTF-8. Raises ``TypeError`` for what JSON cannot hold; lone surrogates become ``?``, NaN null."""
    try:
        return orjson.dumps(payload)
    except TypeError:  # lone surrogates, or nothing for JSON
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8", "replace")


def decode(data: bytes) -> Document:
    """The object in ``data``. Raises ``ValueError`` for anything else."""
    document = orjson.loads(data)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def error_reply(error: Exception) -> Document:
    """The reply of docs/bus.md for a request that failed."""
    if isinstance(error, CallyardError):
        return error.reply()
    return {"ok": False, "error": CallyardError.code, "params": {}, "message": type(error).__name__}
