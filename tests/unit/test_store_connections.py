"""Connections of PostgreSQL that rested are asked whether they live; those in use a moment ago are not. Who waits to
write to SQLite asks as often at the end as at the beginning."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from cti.store import database
from tests.postgres import Postgres


@pytest.fixture
def engine(postgres: Postgres) -> Iterator[Engine]:
    made = database.make_engine(postgres.new_database(), pool_size=1)
    yield made
    made.dispose()


def backend(engine: Engine) -> int:
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT pg_backend_pid()"))
        assert isinstance(found, int)
        return found


def test_a_connection_that_died_while_it_rested_is_replaced(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "ASKED_AFTER", 0.0)
    first = backend(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) == first, "one that lives is used again"
        connection.invalidate()
    other = database.make_engine(engine.url.render_as_string(hide_password=False))
    second = backend(engine)
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": second})
    other.dispose()
    assert backend(engine) not in (first, second)


def test_one_in_use_a_moment_ago_is_not_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(engine.dialect, "do_ping", asked.append)
    monkeypatch.setattr(database, "ASKED_AFTER", 3600.0)
    assert backend(engine) == backend(engine)
    assert asked == []
    monkeypatch.setattr(database, "ASKED_AFTER", 0.0)
    backend(engine)
    assert len(asked) == 1


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Engine]:
    made = database.make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE a (n INTEGER)"))
    yield made
    made.dispose()


ADD = text("INSERT INTO a VALUES (:n)")


def test_whoever_waits_to_write_asks_as_often_at_the_end(file: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    with file.connect() as writer, file.connect() as waiter:
        writer.execute(ADD, {"n": 1})

        def sleep(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 30:
                writer.commit()

        monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
        waiter.execute(ADD, {"n": 2})
        waiter.commit()
        assert waiter.exec_driver_sql("PRAGMA busy_timeout").scalar() == database.BUSY_TIMEOUT_MS
    assert naps == [database.ASKED_EVERY] * 30


def test_nobody_waits_to_write_for_ever(file: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with file.connect() as writer, file.connect() as waiter:
        writer.execute(ADD, {"n": 1})
        monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 0)
        with pytest.raises(OperationalError, match="locked"):
            waiter.execute(ADD, {"n": 2})
        writer.commit()
        waiter.execute(ADD, [{"n": 2}, {"n": 3}])
        waiter.commit()
        assert list(waiter.execute(text("SELECT n FROM a ORDER BY n")).scalars()) == [1, 2, 3]
