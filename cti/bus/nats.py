"""``NatsBus``: the bus over a NATS server with JetStream. Must not know what payloads mean.

One connection object a connection: after a loss a new one is made and every registration put on it again, so that
there is one way of coming up and no half-alive subscription.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.client import JetStreamContext
from nats.js.kv import KeyValue

from cti.bus import jetstream, tracelog
from cti.bus.base import (
    LEASE_BUCKET,
    LOG_STREAM,
    LOG_SUBJECTS,
    BusDown,
    Document,
    EventHandler,
    KeyHandler,
    RequestHandler,
    Traced,
    TraceKeep,
    Undo,
    decode,
    encode,
    error_reply,
)
from cti.bus.core import CoreBus
from cti.bus.outbox import LIMIT, Entry
from cti.domain.errors import EngineUnavailable

CONNECT_TIMEOUT = 2
BACKOFF_FIRST, BACKOFF_MOST = 0.05, 2.0  # seconds
STORE_DEADLINE = 5.0

log = structlog.get_logger(__name__)

_T = TypeVar("_T")
_FAILURES = (nats.errors.Error, OSError, TimeoutError)


@dataclass(slots=True, eq=False)
class _Registration:
    """Something to put on every new connection; ``remove`` takes it off the present one."""

    put_on: Callable[[_Registration], Coroutine[Any, Any, None]]
    remove: Callable[[], Coroutine[Any, Any, None]] | None = None
    client: Client | None = None  # the connection it is on


class NatsBus(CoreBus):
    gather_durable = 0.02
    gather_puts = 0.05

    def __init__(
        self,
        url: str,
        token: str,
        *,
        name: str = "callyard",
        outbox_limit: int = LIMIT,
        trace: TraceKeep | None = None,
    ) -> None:
        """``trace``: whoever writes the operation log has it made, and sees to how much of it is kept."""
        super().__init__(outbox_limit)
        self._trace = trace
        self._url, self._token, self._name = url, token, name
        self._client: Client | None = None
        self._lost = asyncio.Event()  # the present connection's end
        self._log: JetStreamContext | None = None  # its publisher: one, because each subscribes for its answers
        self._registrations: list[_Registration] = []
        self._leases: dict[str, int] = {}
        self._buckets: dict[str, KeyValue] = {}

    # ------------------------------------------------------------ connection

    async def start(self) -> None:
        self._start_pumps()
        self._spawn(self._keep_connected())

    async def stop(self, flush: float = 2.0) -> None:
        if self.connected:
            await self.flush_durable(flush)
            await self._flush_puts(flush)
        await self._stop_tasks()
        client, self._client = self._client, None
        self._disconnected_now()
        if client is not None:
            await _quietly(client.close())

    async def _keep_connected(self) -> None:
        delay, told = BACKOFF_FIRST, False
        while True:
            client, closed = Client(), asyncio.Event()
            try:
                await self._connect(client, closed)
            except asyncio.CancelledError:
                await _quietly(client.close())  # stopped in the middle of it
                raise
            except (*_FAILURES, BusDown) as error:
                self._client = None
                if not told:
                    log.warning("bus.unreachable", url=self._url, error=str(error) or type(error).__name__)
                    told = True
                await _quietly(client.close())
                await asyncio.sleep(delay)
                delay = min(delay * 2, BACKOFF_MOST)
                continue
            log.info("bus.connected", url=self._url)
            delay, told = BACKOFF_FIRST, False
            self._connected_now()
            await closed.wait()
            self._client = None
            self._disconnected_now()
            log.warning("bus.lost", url=self._url)

    async def _connect(self, client: Client, closed: asyncio.Event) -> None:
        async def on_closed() -> None:
            closed.set()

        async def on_error(error: Exception) -> None:
            log.debug("bus.client_error", error=str(error))

        async with asyncio.timeout(CONNECT_TIMEOUT * 4):
            await client.connect(
                self._url,
                token=self._token or None,
                name=self._name,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_TIMEOUT,
                ping_interval=5,
                max_outstanding_pings=2,
                closed_cb=on_closed,
                error_cb=on_error,
            )
            await jetstream.ensure_log(client.jetstream(timeout=STORE_DEADLINE))
            if self._trace is not None:
                await tracelog.ensure(client.jetstream(timeout=STORE_DEADLINE), self._trace)
            self._client, self._lost, self._log = client, closed, None
            self._buckets = {}
            for registration in list(self._registrations):
                await self._put_on(registration, client)
            await _settle(client)

    async def _live(self, deadline: float) -> Client:
        """The connected client. Raises ``BusDown``."""
        if not await self.wait_connected(deadline) or self._client is None:
            raise BusDown("no connection to the bus", url=self._url)
        return self._client

    async def _register(self, put_on: Callable[[_Registration], Coroutine[Any, Any, None]]) -> Undo:
        registration = _Registration(put_on)
        self._registrations.append(registration)
        client = self._client
        if client is not None:
            try:
                await self._put_on(registration, client)
                await _settle(client)
            except _FAILURES as error:
                log.warning("bus.not_registered", error=str(error) or type(error).__name__)
                await _quietly(client.close())  # the next connection gets it

        def undo() -> None:
            if registration in self._registrations:
                self._registrations.remove(registration)
                if registration.remove is not None and registration.client is self._client:
                    self._spawn(_quietly(registration.remove()))

        return undo

    async def _put_on(self, registration: _Registration, client: Client) -> None:
        if registration.client is not client and registration in self._registrations:
            registration.client = client
            await registration.put_on(registration)

    # ------------------------------------------------------------ requests and events

    async def request(self, subject: str, payload: Document, deadline: float = 3.0) -> Document:
        try:
            async with asyncio.timeout(deadline):
                client = await self._live(deadline)
                reply = await client.request(subject, encode(payload), timeout=deadline)
            return decode(reply.data)
        except (*_FAILURES, BusDown, ValueError) as error:
            raise EngineUnavailable(f"no answer to {subject}: {error or type(error).__name__}") from error

    async def serve(self, subject: str, handler: RequestHandler) -> Undo:
        async def answer(message: Msg) -> None:
            try:
                reply = await handler(decode(message.data))
                data = encode(reply)
            except Exception as error:
                if not hasattr(error, "code"):
                    log.exception("bus.request_failed", subject=message.subject)
                data = encode(error_reply(error))
            if message.reply:
                await _quietly(message.respond(data))

        async def on_request(message: Msg) -> None:
            self._spawn(answer(message))

        return await self._register(self._subscription(subject, on_request, queue="callyard"))

    async def subscribe(self, subject: str, handler: EventHandler) -> Undo:
        async def on_event(message: Msg) -> None:
            try:
                handler(message.subject, decode(message.data))
            except Exception:
                log.exception("bus.event_failed", subject=message.subject)

        return await self._register(self._subscription(subject, on_event))

    def _subscription(
        self, subject: str, callback: Callable[[Msg], Coroutine[Any, Any, None]], queue: str = ""
    ) -> Callable[[_Registration], Coroutine[Any, Any, None]]:
        async def put_on(registration: _Registration) -> None:
            assert self._client is not None
            subscription: Subscription = await self._client.subscribe(subject, queue=queue, cb=callback)
            registration.remove = subscription.unsubscribe

        return put_on

    async def _send_event(self, subject: str, data: bytes) -> None:
        client = self._client
        if client is None or not self.connected:
            raise BusDown("no connection to the bus", url=self._url)
        try:
            await client.publish(subject, data)
        except _FAILURES as error:
            raise BusDown(str(error)) from error

    # ------------------------------------------------------------ the durable log

    async def _store(self, batch: list[Entry]) -> list[bool]:
        if self._client is None:
            return [False] * len(batch)
        if self._log is None:
            self._log = self._client.jetstream(timeout=STORE_DEADLINE)
        results = await jetstream.store(self._log, batch, STORE_DEADLINE, self._lost)
        self.stats.durable_stored += results.count(jetstream.STORED)
        self.stats.durable_dropped += results.count(jetstream.IMPOSSIBLE)
        return [result != jetstream.AGAIN for result in results]

    async def last(self, subject: str, deadline: float = 3.0) -> Document | None:
        async def read(js: JetStreamContext) -> Document | None:
            try:
                message = await js.get_last_msg(LOG_STREAM, subject)
            except nats.js.errors.NotFoundError:
                return None
            return decode(message.data or b"")

        return await self._ask(read, deadline)

    async def traced(
        self, subject: str, *, after: int = 0, since: float = 0.0, limit: int = 1000, deadline: float = 3.0
    ) -> list[Traced]:
        return await self._ask(lambda js: tracelog.read(js, subject, after, since, limit, deadline), deadline)

    def consumer(self, name: str, subject: str = LOG_SUBJECTS) -> jetstream.NatsConsumer:
        return jetstream.NatsConsumer(name, subject, self._live)

    # ------------------------------------------------------------ keys and leases

    async def _ask(self, work: Callable[[JetStreamContext], Coroutine[Any, Any, _T]], deadline: float) -> _T:
        try:
            async with asyncio.timeout(deadline):
                client = await self._live(deadline)
                return await work(client.jetstream(timeout=deadline))
        except _FAILURES as error:
            raise BusDown(str(error) or type(error).__name__) from error

    async def _bucket(self, js: JetStreamContext, name: str) -> KeyValue:
        if name not in self._buckets:
            self._buckets[name] = await jetstream.ensure_bucket(js, name)
        return self._buckets[name]

    async def _put(self, bucket: str, key: str, data: bytes) -> None:
        async def put(js: JetStreamContext) -> None:
            await (await self._bucket(js, bucket)).put(key, data)

        await self._ask(put, STORE_DEADLINE)

    async def kv_put(self, bucket: str, key: str, value: Document, deadline: float = 3.0) -> None:
        data = encode(value)

        async def put(js: JetStreamContext) -> None:
            await (await self._bucket(js, bucket)).put(key, data)

        await self._ask(put, deadline)

    async def kv_get(self, bucket: str, key: str, deadline: float = 3.0) -> Document | None:
        async def get(js: JetStreamContext) -> Document | None:
            try:
                entry = await (await self._bucket(js, bucket)).get(key)
            except nats.js.errors.KeyNotFoundError:
                return None
            return decode(entry.value or b"{}")

        return await self._ask(get, deadline)

    async def kv_all(self, bucket: str, deadline: float = 3.0) -> dict[str, Document]:
        async def read(js: JetStreamContext) -> dict[str, Document]:
            return await jetstream.read_all(await self._bucket(js, bucket))

        return await self._ask(read, deadline)

    async def kv_watch(self, bucket: str, handler: KeyHandler) -> Undo:
        async def put_on(registration: _Registration) -> None:
            assert self._client is not None
            js = self._client.jetstream(timeout=STORE_DEADLINE)
            watcher = await (await self._bucket(js, bucket)).watchall()
            self._spawn(jetstream.deliver(watcher, handler))
            registration.remove = watcher.stop

        return await self._register(put_on)

    async def hold_lease(self, name: str, owner: str, deadline: float = 3.0) -> bool:
        async def hold(js: JetStreamContext) -> bool:
            bucket = await self._bucket(js, LEASE_BUCKET)
            data = encode({"owner": owner})
            try:
                if name in self._leases:
                    self._leases[name] = await bucket.update(name, data, last=self._leases[name])
                else:
                    self._leases[name] = await bucket.create(name, data)
            except nats.js.errors.KeyWrongLastSequenceError:
                self._leases.pop(name, None)
                return False
            return True

        try:
            return await self._ask(hold, deadline)
        except BusDown:
            return False

    async def drop_lease(self, name: str, deadline: float = 3.0) -> None:
        revision = self._leases.pop(name, None)
        if revision is None:
            return

        async def drop(js: JetStreamContext) -> None:
            await (await self._bucket(js, LEASE_BUCKET)).delete(name, last=revision)

        try:
            await self._ask(drop, deadline)
        except BusDown:
            log.debug("bus.lease_not_dropped", lease=name)


async def _settle(client: Client) -> None:
    """Return when the server has seen everything sent so far.

    In nats-py 2.16 the ping of a flush overtakes what its writer has not written yet; the second one cannot.
    """
    await client.flush()
    await client.flush()


async def _quietly(work: Coroutine[Any, Any, Any]) -> None:
    """Do something whose failure the connection's loss already tells."""
    try:
        await work
    except _FAILURES as error:
        log.debug("bus.ignored", error=str(error) or type(error).__name__)
