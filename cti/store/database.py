"""Engines and sessions from a database address; SQLite set up for several processes. Must not know any table.

``postgresql://`` means psycopg 3. SQLite runs in WAL mode with foreign keys on; a writer takes its lock at its first
write (``BEGIN IMMEDIATE``), so that a second one waits instead of failing. It asks every few milliseconds: SQLite
itself asks less often the longer one waits, so that whoever came first is served last.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Dialect, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_MS = 10_000
ASKED_EVERY = 0.002
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
"""What the driver opens a transaction for."""
SUMS_MEMORY = "32MB"
ASKED_AFTER = 1.0
"""Seconds that a connection of PostgreSQL rests until it is asked whether it lives, before it is used again."""


def database_url(address: str) -> URL:
    """Parse ``address``; ``postgresql://`` and ``postgres://`` become psycopg 3."""
    url = make_url(address.replace("postgres://", "postgresql://", 1) if address.startswith("postgres://") else address)
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def make_engine(address: str, *, pool_size: int = 8, connect_timeout: int = 5, statement_timeout: int = 30) -> Engine:
    """An engine for ``address``. Connects lazily; a pooled connection that died while it rested is replaced before use.

    Timeouts in seconds; a ``statement_timeout`` of 0 means none.
    """
    url = database_url(address)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size * 2,
        pool_timeout=10,
        connect_args={
            "connect_timeout": connect_timeout,
            "application_name": "callyard",
            "keepalives_idle": 10,
            "tcp_user_timeout": 15_000,
            "options": f"-c statement_timeout={statement_timeout * 1000} -c timezone=UTC",
        },
    )
    event.listen(engine, "checkin", _rests)
    event.listen(engine, "checkout", partial(_alive, engine.dialect))
    return engine


def make_session_factory(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False)


def for_large_reads(session: Session) -> None:
    """Until this transaction ends, sums of very many rows stay in memory and are not compiled first."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL work_mem = '{SUMS_MEMORY}'"))
        session.execute(text("SET LOCAL jit = off"))


def _rests(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _alive(dialect: Dialect, connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection that has rested whether it lives; one in use a moment ago need not spend the time."""
    if time.monotonic() - record.info.get("rests_since", math.inf) < ASKED_AFTER:
        return
    try:
        dialect.do_ping(connection)
    except Exception as error:
        raise InvalidatePoolError from error


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "isolation_level": "IMMEDIATE"})
    event.listen(engine, "connect", _pragmas)
    turn = threading.Lock()
    for execution in ("do_execute", "do_executemany"):
        event.listen(engine, execution, partial(_lock_to_write, turn))
    return engine


def _lock_to_write(turn: threading.Lock, cursor: Any, statement: str, _parameters: Any, _context: Any) -> None:
    """Begin a transaction that writes. Of the threads of a process one asks for the lock, the others wait for it."""
    connection = cursor.connection
    if connection.in_transaction or not statement.lstrip().upper().startswith(WRITES):
        return
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    first = turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000)
    connection.execute("PRAGMA busy_timeout=0").close()
    try:
        while not _began(connection, until):
            time.sleep(ASKED_EVERY)
    finally:
        if first:
            turn.release()
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").close()


def _began(connection: sqlite3.Connection, until: float) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE").close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
            raise
        return False
    return True


def _pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "synchronous=NORMAL",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
