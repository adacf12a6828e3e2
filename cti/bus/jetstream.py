"""JetStream in the terms of the bus: the log stream, its consumers, key buckets. Used by ``cti.bus.nats`` only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, KeyValueConfig, PubAck, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.kv import KV_DEL, KV_PURGE, KeyValue

from cti.bus.base import (
    ACK_WAIT,
    DUPLICATE_WINDOW,
    LEASE_BUCKET,
    LEASE_SECONDS,
    LOG_DAYS,
    LOG_STREAM,
    LOG_SUBJECTS,
    BusDown,
    Document,
    KeyHandler,
    LogMessage,
    decode,
)
from cti.bus.outbox import Entry

STORED, IMPOSSIBLE, AGAIN = "stored", "impossible", "again"
MAX_UNACKED = 20_000
LOG_BYTES = (4 << 30, 1 << 30, 256 << 20)  # the oldest messages go when it is full
NO_STORAGE, STREAM_DIFFERS = 10047, 10058  # JetStream's error codes

log = structlog.get_logger(__name__)


async def ensure_log(js: JetStreamContext) -> None:
    """Make or adjust the stream. Raises ``BusDown`` with what to do when the server cannot hold it.

    A server reserves the most that a stream may take: where there is less room, less is asked for.
    """
    try:
        for size in LOG_BYTES:
            if await _set_up(js, size):
                return
    except nats.js.errors.ServiceUnavailableError as error:
        raise BusDown("this NATS server runs without JetStream: start it with -js") from error
    raise BusDown(f"this NATS server has no {LOG_BYTES[-1] >> 20} MB of JetStream storage left for the call log")


async def _set_up(js: JetStreamContext, size: int) -> bool:
    config = StreamConfig(
        name=LOG_STREAM,
        subjects=[LOG_SUBJECTS],
        max_age=LOG_DAYS * 86_400.0,
        max_bytes=size,
        duplicate_window=DUPLICATE_WINDOW,
        allow_direct=True,
    )
    try:
        await js.add_stream(config)
    except nats.js.errors.APIError as error:
        if error.err_code == NO_STORAGE:
            return False
        if error.err_code != STREAM_DIFFERS:
            raise
        present = await js.stream_info(LOG_STREAM)
        config.max_bytes = present.config.max_bytes
        await js.update_stream(config)
    return True


async def ensure_bucket(js: JetStreamContext, name: str) -> KeyValue:
    try:
        return await js.key_value(name)
    except nats.js.errors.BucketNotFoundError:
        ttl = LEASE_SECONDS if name == LEASE_BUCKET else None
        return await js.create_key_value(KeyValueConfig(bucket=name, history=1, ttl=ttl))


async def store(js: JetStreamContext, batch: list[Entry], deadline: float, lost: asyncio.Event) -> list[str]:
    """Publish in order, then wait for all acknowledgements, or ``lost``; per message what became of it."""
    sent: list[asyncio.Future[PubAck] | str] = []
    for entry in batch:
        try:
            sent.append(await js.publish_async(entry.subject, entry.data, headers={"Nats-Msg-Id": entry.message_id}))
        except (nats.errors.MaxPayloadError, nats.errors.BadSubjectError, ValueError) as error:
            log.error("bus.cannot_be_stored", subject=entry.subject, error=str(error), bytes=len(entry.data))
            sent.append(IMPOSSIBLE)
        except (nats.errors.Error, OSError):
            sent.append(AGAIN)
    futures = [item for item in sent if not isinstance(item, str)]
    if futures:
        await _all_done_or_lost(futures, deadline, lost)
    return [_outcome(item) for item in sent]


async def _all_done_or_lost(futures: list[asyncio.Future[PubAck]], deadline: float, lost: asyncio.Event) -> None:
    done = asyncio.ensure_future(asyncio.wait(futures, timeout=deadline))
    gone = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait([done, gone], return_when=asyncio.FIRST_COMPLETED)
    finally:
        done.cancel()
        gone.cancel()


def _outcome(item: asyncio.Future[PubAck] | str) -> str:
    if isinstance(item, str):
        return item
    if not item.done():
        item.cancel()
        return AGAIN
    if item.cancelled():
        return AGAIN
    error = item.exception()
    if error is not None:
        log.warning("bus.not_stored", error=str(error))
        return AGAIN
    return STORED


async def read_all(bucket: KeyValue) -> dict[str, Document]:
    found: dict[str, Document] = {}
    watcher = await bucket.watchall(ignore_deletes=True)
    try:
        async for entry in watcher:
            if entry is None:
                break
            found[entry.key] = decode(entry.value or b"{}")
    finally:
        await watcher.stop()  # type: ignore[no-untyped-call]
    return found


async def deliver(watcher: KeyValue.KeyWatcher, handler: KeyHandler) -> None:
    async for entry in watcher:
        if entry is None:
            continue
        try:
            gone = entry.operation in (KV_DEL, KV_PURGE)
            handler(entry.key, None if gone else decode(entry.value or b"{}"))
        except Exception:
            log.exception("bus.key_failed", key=entry.key)


@dataclass(slots=True)
class NatsLogMessage:
    subject: str
    sequence: int
    data: bytes
    _message: Msg

    async def ack(self) -> None:
        try:
            await self._message.ack()
        except (nats.errors.Error, OSError) as error:
            log.debug("bus.not_acked", error=str(error))


class NatsConsumer:
    """A durable pull consumer; its subscription is made anew on every new connection."""

    def __init__(self, name: str, subject: str, live: Callable[[float], Awaitable[Client]]) -> None:
        self._name, self._subject, self._live = name, subject, live
        self._client: Client | None = None
        self._subscription: JetStreamContext.PullSubscription | None = None

    async def fetch(self, batch: int, deadline: float) -> list[LogMessage]:
        try:
            subscription = await self._bound(deadline)
            messages = await subscription.fetch(batch, timeout=deadline)
        except (TimeoutError, nats.errors.TimeoutError, BusDown):
            return []
        except (nats.errors.Error, OSError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not self._lost():
                raise
            self._subscription = None
            return []
        return [NatsLogMessage(m.subject, m.metadata.sequence.stream, m.data, m) for m in messages]

    def _lost(self) -> bool:
        """nats-py cancels a waiting fetch when its connection closes; a cancel of our own task is another thing."""
        task = asyncio.current_task()
        return self._client is not None and self._client.is_closed and not (task is not None and task.cancelling())

    async def pending(self) -> int:
        try:
            info = await (await self._bound(3.0)).consumer_info()
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise BusDown(str(error)) from error
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def _bound(self, deadline: float) -> JetStreamContext.PullSubscription:
        client = await self._live(deadline)
        if self._subscription is None or self._client is not client:
            config = ConsumerConfig(
                ack_policy=AckPolicy.EXPLICIT,
                deliver_policy=DeliverPolicy.ALL,
                ack_wait=ACK_WAIT,
                max_deliver=-1,
                max_ack_pending=MAX_UNACKED,
            )
            js = client.jetstream(timeout=3.0)
            self._subscription = await js.pull_subscribe(
                self._subject, durable=self._name, stream=LOG_STREAM, config=config
            )
            self._client = client
        return self._subscription
