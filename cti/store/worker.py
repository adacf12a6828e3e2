"""The worker: durable events into the database, recordings into their place, the configuration onto the bus.

Of several workers one is active, under a lease on the bus; the others wait. Must not know which bus it is, nor
settings: ``cti.bootstrap`` gives plain values.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from cti.domain.errors import CallyardError
from cti.status import serve_status
from cti.store import callbacks, clearing, hooks, points, rollups, sending, tickets
from cti.store.closing import LostCalls
from cti.store.database import make_engine, make_session_factory
from cti.store.intake import Intake
from cti.store.last_agent import last_agent
from cti.store.metrics import WorkerMetrics
from cti.store.models import utc_now
from cti.store.ports import Document, WorkerBus
from cti.store.publishing import ApplySwitch, Publisher
from cti.store.recordings import Finaliser
from cti.store.retries import retry

CONSUMER = "worker"
LEASE = "worker"
LEASE_RENEW = 2.0  # seconds; the lease itself is longer, see cti.bus.base
SWEEP_EVERY = 60
HOOKS_EVERY = 2.0

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


async def run_worker(
    *,
    database_url: str,
    bus: WorkerBus,
    spool_dirs: Sequence[Path],
    recordings_dir: Path,
    metrics_port: int,
    metrics_host: str = "127.0.0.1",
    apply_switch: ApplySwitch | None = None,
    swap_tracks: bool = False,
    ticket_days: float = 3.0,
    webhook_private: bool = False,
) -> None:
    """Run until cancelled; starts and stops ``bus``. ``apply_switch`` gets fresh rows, in a thread, and may raise."""
    engine = make_engine(database_url)
    sessions = make_session_factory(engine)
    worker = Worker(
        bus=bus,
        sessions=sessions,
        finaliser=Finaliser(sessions, spool_dirs[0], recordings_dir, swap_tracks, more_spools=tuple(spool_dirs[1:])),
        apply_switch=apply_switch,
        ticket_days=ticket_days,
        webhook_private=webhook_private,
    )
    end_status = serve_status(metrics_host, metrics_port, worker.metrics.registry, worker.health)
    try:
        await worker.run()
    finally:
        end_status()
        engine.dispose()


def settle_calls(session: Session, call_ids: Collection[str]) -> int:
    """What follows from calls that were answered or ended: tickets, and webhooks that want to know."""
    hooks.calls_ended(session, call_ids)
    return tickets.settle(session, call_ids)


@dataclass(slots=True)
class Worker:
    bus: WorkerBus
    sessions: sessionmaker[Session]
    finaliser: Finaliser
    apply_switch: ApplySwitch | None = None
    ticket_days: float = 3.0
    webhook_private: bool = False
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}-{token_hex(4)}")
    _threads: dict[str, ThreadPoolExecutor] = field(default_factory=dict)
    _complete: set[str] = field(default_factory=set)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _decided: set[str] = field(default_factory=set)  # calls not looked at for tickets yet
    _wake_tickets: asyncio.Event = field(default_factory=asyncio.Event)
    _lost: LostCalls = field(default_factory=LostCalls)
    intake: Intake = field(init=False)
    publisher: Publisher = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(
            reader=self.bus.consumer(CONSUMER),
            sessions=self.sessions,
            in_thread=lambda work: self._in_thread("writer", work),
            metrics=self.metrics,
            on_complete=self._recordings_complete,
            on_calls=self._calls_decided,
        )
        self.publisher = Publisher(
            bus=self.bus,
            read=lambda query: self._in_thread("jobs", lambda: self._read(query)),
            apply_switch=self.apply_switch,
        )

    async def run(self) -> None:
        await self.bus.start()
        try:
            while True:
                await self._wait_for_lease()
                self.metrics.active.set(1)
                log.info("worker.active", owner=self.owner)
                await self._work_while_leased()
                self.metrics.active.set(0)
                log.warning("worker.lease_lost", owner=self.owner)
        finally:
            await self.bus.drop_lease(LEASE)
            await self.bus.stop()
            for pool in self._threads.values():
                pool.shutdown(wait=True, cancel_futures=True)

    def health(self) -> dict[str, bool]:
        bus, database = self.bus.connected, self.intake.database_up
        return {"ok": bus and database, "bus": bus, "database": database}

    # ------------------------------------------------------------ lease

    async def _wait_for_lease(self) -> None:
        while True:
            if await self.bus.hold_lease(LEASE, self.owner):
                return
            await asyncio.sleep(LEASE_RENEW / 2)

    async def _work_while_leased(self) -> None:
        undo = await self.bus.serve("cy.cmd.worker", self._command)
        scheduler = AsyncIOScheduler(timezone="UTC")
        for job in (self._sweep, self._close_lost, self._tidy_tickets, self._end_points, self._clear, self._sum_days):
            work = partial(_until_stopped, job)
            scheduler.add_job(work, "interval", seconds=SWEEP_EVERY, id=job.__name__, max_instances=1, coalesce=True)
        scheduler.start()
        tasks = [asyncio.create_task(work()) for work in self._work()]
        try:
            misses = 0
            while misses < 2:
                await asyncio.sleep(LEASE_RENEW)
                misses = 0 if await self.bus.hold_lease(LEASE, self.owner, LEASE_RENEW / 2) else misses + 1
                await self._measure()
                for task in tasks:
                    if task.done() and not task.cancelled() and task.exception() is not None:
                        await task
        finally:
            undo()
            scheduler.shutdown(wait=False)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _command(self, request: Document) -> Document:
        """``last_agent``, ``retry`` and ``points`` have a thread of their own: a caller waits for the answer."""
        if request.get("op") == "points":
            told = partial(points.of_number, request=request)
            return {"ok": True, **await self._in_thread("questions", lambda: self._read(told))}
        if request.get("op") == "retry":
            tried = partial(retry, request=request, now=time.time())
            return {"ok": True, "retry": await self._in_thread("questions", lambda: self._read(tried))}
        if request.get("op") != "last_agent":
            return await self.publisher.command(request)
        question = partial(last_agent, request=request, now=time.time())
        return {"ok": True, "agent_id": await self._in_thread("questions", lambda: self._read(question))}

    def _work(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        return (self.intake.run, self._finish_recordings, self._write_tickets, self._send_hooks, self._begin)

    async def _measure(self) -> None:
        try:
            self.metrics.waiting.set(await self.intake.reader.pending())
        except CallyardError:
            pass
        stats = self.finaliser.stats
        for result in ("ready", "missing", "adopted", "failed"):
            self.metrics.recordings.labels(result).set(getattr(stats, result))
        self.metrics.disk_full.set(stats.disk_full)

    # ------------------------------------------------------------ configuration

    async def _begin(self) -> None:
        """Publish the configuration as soon as database and bus allow, then look after old recordings."""
        delay, told = 0.2, False
        while True:
            try:
                await self.publisher.publish_config()
                break
            except (SQLAlchemyError, CallyardError) as error:
                if not told:
                    log.error("config.not_published", error=str(error).splitlines()[0])
                    told = True
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
        await self._sweep()

    # ------------------------------------------------------------ recordings

    def _recordings_complete(self, ids: list[str]) -> None:
        self._complete.update(ids)
        self._wake.set()

    async def _finish_recordings(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._complete:
                ids = [self._complete.pop() for _ in range(min(len(self._complete), 50))]
                await self._recording_job(partial(self.finaliser.finish, ids))
                await self._unsaid()

    async def _sweep(self) -> None:
        await self._recording_job(self.finaliser.sweep)
        await self._unsaid()

    async def _unsaid(self) -> None:
        """Who was asked for a message and said nothing may be lost after all."""
        if self.finaliser.unsaid:
            ids, self.finaliser.unsaid = self.finaliser.unsaid, set()
            await self._settle_tickets(partial(tickets.settle, call_ids=ids))

    async def _recording_job(self, job: Callable[[], object]) -> None:
        try:
            await self._in_thread("recordings", job)
        except SQLAlchemyError as error:
            log.warning("recording.later", error=str(error).splitlines()[0])

    # ------------------------------------------------------------ lost calls

    def _calls_decided(self, ids: list[str]) -> None:
        self._decided.update(ids)
        self._wake_tickets.set()

    async def _write_tickets(self) -> None:
        """Those of the last day once, then whatever comes in."""
        await self._settle_tickets(lambda session: tickets.settle(session, tickets.recent(session)))
        while True:
            await self._wake_tickets.wait()
            self._wake_tickets.clear()
            ids, self._decided = self._decided, set()
            await self._settle_tickets(partial(settle_calls, call_ids=ids))

    async def _settle_tickets(self, job: Callable[[Session], int]) -> None:
        delay = 0.2
        while True:
            try:
                await self._in_thread("jobs", lambda: self._read(job))
                return
            except SQLAlchemyError as error:
                log.warning("tickets.later", error=str(error).splitlines()[0])
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def _tidy_tickets(self) -> None:
        try:
            await self._in_thread("jobs", lambda: self._read(lambda s: callbacks.tidy(s, utc_now(), self.ticket_days)))
        except SQLAlchemyError as error:
            log.warning("tickets.later", error=str(error).splitlines()[0])

    # ------------------------------------------------------------ webhooks

    async def _send_hooks(self) -> None:
        job = partial(sending.work, private=self.webhook_private)
        while True:
            try:
                tried = await self._in_thread("hooks", lambda: self._read(job))
            except SQLAlchemyError as error:
                log.warning("hooks.later", error=str(error).splitlines()[0])
                tried = 0
            await asyncio.sleep(0 if tried else HOOKS_EVERY)

    async def _clear(self) -> None:
        try:
            await self._in_thread("hooks", lambda: self._read(lambda session: clearing.clear(session, utc_now())))
        except SQLAlchemyError as error:
            log.warning("clearing.later", error=str(error).splitlines()[0])

    # ------------------------------------------------------------ sums for reports

    async def _sum_days(self) -> None:
        try:
            while await self._in_thread("sums", lambda: self._read(lambda s: rollups.fold_due(s, utc_now().date()))):
                pass
        except SQLAlchemyError as error:
            log.warning("sums.later", error=str(error).splitlines()[0])

    # ------------------------------------------------------------ calls nobody saw the end of

    async def _end_points(self) -> None:
        try:
            await self._in_thread("jobs", lambda: self._read(lambda session: points.end_due(session, utc_now())))
        except SQLAlchemyError as error:
            log.warning("points.later", error=str(error).splitlines()[0])

    async def _close_lost(self) -> None:
        try:
            reply = await self.bus.request("cy.cmd.centre", {"op": "call_ids"})
            if not reply.get("complete"):
                self._lost.forget()
                return
            known = set(reply["call_ids"])
            events = await self._in_thread("jobs", lambda: self._read(lambda s: self._lost.look(s, known, time.time())))
        except (CallyardError, SQLAlchemyError):
            self._lost.forget()
            return
        for event in events:
            call = event["call"]
            log.warning("call.lost", call_id=call["call_id"])
            self.bus.publish_durable(f"cy.log.call.{call['call_id']}", f"{call['call_id']}-{call['version']}", event)

    # ------------------------------------------------------------ threads

    def _read(self, query: Callable[[Session], _T]) -> _T:
        with self.sessions() as session:
            return query(session)

    async def _in_thread(self, name: str, work: Callable[[], _T]) -> _T:
        """One thread a kind of work, so that a long conversion never holds up the writing of events."""
        pool = self._threads.setdefault(name, ThreadPoolExecutor(1, thread_name_prefix=name))
        return await asyncio.get_running_loop().run_in_executor(pool, work)


async def _until_stopped(job: Callable[[], Awaitable[None]]) -> None:
    """What is cut short by the worker's end is no error; the next worker does it."""
    try:
        await job()
    except asyncio.CancelledError:
        log.debug("job.cut_short", job=getattr(job, "__name__", ""))
