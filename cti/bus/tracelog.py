"""The operation log in JetStream: its stream, and reading it. Used by ``cti.bus.nats`` only.

Who writes waits for no acknowledgement: a message that is lost is a line less to read, and never a call that waits.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import nats.js.errors
import structlog
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StoreCompression, StreamConfig
from nats.js.client import JetStreamContext

from cti.bus.base import TRACE_STREAM, TRACE_SUBJECTS, Traced, TraceKeep, decode

SMALLEST = 64 << 20
NO_STORAGE, STREAM_DIFFERS = 10047, 10058  # JetStream's error codes
BATCH = 500
READER_KEPT = 30.0  # seconds that the server keeps a reader whose web process died

log = structlog.get_logger(__name__)


async def ensure(js: JetStreamContext, keep: TraceKeep) -> None:
    """Make or adjust the stream. Where the server has no room for it nothing is kept, and the log says so."""
    for size in _sizes(keep.megabytes << 20):
        try:
            await _set_up(js, _config(keep, size))
            return
        except nats.js.errors.APIError as error:
            if error.err_code != NO_STORAGE:
                log.error("bus.no_operation_log", error=str(error))
                return
    log.error("bus.no_operation_log", error="the NATS server has no JetStream storage left for it")


def _sizes(wanted: int) -> Iterator[int]:
    """A server reserves the most that a stream may take: where there is less room, less is asked for."""
    yield wanted
    while wanted > SMALLEST:
        wanted = max(SMALLEST, wanted // 2)
        yield wanted


def _config(keep: TraceKeep, size: int) -> StreamConfig:
    return StreamConfig(
        name=TRACE_STREAM,
        subjects=[TRACE_SUBJECTS],
        max_age=keep.days * 86_400.0,
        max_bytes=size,
        compression=StoreCompression.S2,
        allow_direct=True,
    )


async def _set_up(js: JetStreamContext, config: StreamConfig) -> None:
    try:
        await js.add_stream(config)
    except nats.js.errors.APIError as error:
        if error.err_code != STREAM_DIFFERS:
            raise
        await js.update_stream(config)


async def read(
    js: JetStreamContext, subject: str, after: int, since: float, limit: int, deadline: float
) -> list[Traced]:
    """As ``Bus.traced``; nothing where no engine has made the stream."""
    config = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=READER_KEPT, mem_storage=True)
    if after:
        config.deliver_policy, config.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, after + 1
    elif since:
        config.deliver_policy = DeliverPolicy.BY_START_TIME
        config.opt_start_time = datetime.datetime.fromtimestamp(since, datetime.UTC)
    try:
        reader = await js.pull_subscribe(subject, stream=TRACE_STREAM, config=config)
    except nats.js.errors.NotFoundError:
        return []
    try:
        return await _all(reader, limit, deadline)
    finally:
        await reader.unsubscribe()
        await js.delete_consumer(TRACE_STREAM, config.name or "")


async def _all(reader: JetStreamContext.PullSubscription, limit: int, deadline: float) -> list[Traced]:
    found: list[Traced] = []
    left = min(limit, (await reader.consumer_info()).num_pending or 0)
    while left > 0:
        messages = await reader.fetch(min(left, BATCH), timeout=deadline)
        found += [Traced(m.metadata.sequence.stream, m.subject, decode(m.data)) for m in messages]
        left -= len(messages)
    return found
