"""Engines and sessions from a database address; SQLite set up for several processes. Must not know any table.

``postgresql://`` means psycopg 3. SQLite runs in WAL mode with foreign keys on; a writer takes its lock at its first
write (``BEGIN IMMEDIATE``), so that a second one waits instead of failing.
"""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Dialect, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_MS = 10_000
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
    return engine


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
