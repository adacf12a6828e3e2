"""Connections of PostgreSQL that rested are asked whether they live; those in use a moment ago are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

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
