"""The loop that takes durable events from the bus into the database. Nothing is acknowledged before it is committed.

The database may be down for as long as it likes: the batch in hand is tried again with back-off and the log keeps the
rest. A message that can never be stored is buried in ``dead_letters`` and the others go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session, sessionmaker

from cti.store.events import BadEvent, CallEvent, Event, RecordingEvent, parse
from cti.store.metrics import WorkerMetrics
from cti.store.ports import Message, Reader
from cti.store.writer import bury, write

BATCH = 500
FETCH_WAIT = 1.0  # seconds
RETRY_FIRST, RETRY_MOST = 0.2, 5.0

log = structlog.get_logger(__name__)

InThread = Callable[[Callable[[], None]], Awaitable[None]]


@dataclass(slots=True)
class Intake:
    """``on_complete`` is told, in the loop, the ids of recordings whose file is complete, ``on_calls`` those of calls
    that were answered or ended."""

    reader: Reader
    sessions: sessionmaker[Session]
    in_thread: InThread
    metrics: WorkerMetrics
    on_complete: Callable[[list[str]], None]
    on_calls: Callable[[list[str]], None]
    database_up: bool = field(default=True)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            messages = await self.reader.fetch(BATCH, FETCH_WAIT)
            if messages:
                await self._take(messages)

    async def _take(self, messages: Sequence[Message]) -> None:
        good, bad = _sort(messages)
        delay = RETRY_FIRST
        while True:
            began = time.monotonic()
            try:
                await self.in_thread(lambda: self._store(good, bad))
            except SQLAlchemyError as error:
                self._database_failed(error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_MOST)
                continue
            break
        self._database_works()
        self.metrics.batch.observe(time.monotonic() - began)
        self.metrics.events.inc(len(good))
        for message in messages:
            await message.ack()
        complete = [event.row["id"] for _, event in good if isinstance(event, RecordingEvent)]
        if complete:
            self.on_complete(complete)
        calls = [event.call for _, event in good if isinstance(event, CallEvent)]
        decided = [call["id"] for call in calls if call["answered_at"] is not None or call["ended_at"] is not None]
        if decided:
            self.on_calls(decided)

    def _store(self, good: list[tuple[Message, Event]], bad: list[tuple[Message, str]]) -> None:
        """In the writer's thread. Raises when the database does not take writes now; then all of it comes again."""
        with self.sessions() as session:
            for message, reason in bad:
                self._bury(session, message, reason)
            try:
                with session.begin_nested():
                    write(session, [event for _, event in good])
            except Exception as error:
                if not _is_poison(error):
                    raise
                self._store_singly(session, good)
            session.commit()
        self.metrics.dead.inc(len(bad))

    def _store_singly(self, session: Session, good: list[tuple[Message, Event]]) -> None:
        for message, event in good:
            try:
                with session.begin_nested():
                    write(session, [event])
            except Exception as error:
                if not _is_poison(error):
                    raise
                self._bury(session, message, repr(error))
                self.metrics.dead.inc()

    def _bury(self, session: Session, message: Message, reason: str) -> None:
        log.error("event.buried", subject=message.subject, sequence=message.sequence, error=reason[:300])
        bury(session, message.subject, message.sequence, message.data, reason)

    def _database_failed(self, error: SQLAlchemyError) -> None:
        if self.database_up:
            log.error("database.down", error=_short(error), message="Events wait on the bus until it is back.")
        self.database_up = False
        self.metrics.database_up.set(0)

    def _database_works(self) -> None:
        if not self.database_up:
            log.info("database.up")
        self.database_up = True
        self.metrics.database_up.set(1)


def _sort(messages: Sequence[Message]) -> tuple[list[tuple[Message, Event]], list[tuple[Message, str]]]:
    good: list[tuple[Message, Event]] = []
    bad: list[tuple[Message, str]] = []
    for message in messages:
        try:
            good.append((message, parse(message.subject, message.data)))
        except BadEvent as error:
            bad.append((message, str(error)))
    return good, bad


def _is_poison(error: Exception) -> bool:
    """Whether it is the values, not the database: what will fail just so the next time."""
    if isinstance(error, DataError | IntegrityError) or not isinstance(error, SQLAlchemyError):
        return True
    return type(error) is StatementError and not error.connection_invalidated


def _short(error: SQLAlchemyError) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
