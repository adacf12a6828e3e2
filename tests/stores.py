"""Fixtures that run a test on both databases; ``tests/unit/conftest.py`` gives them to every unit test.

``store`` is a migrated, empty database: SQLite, then PostgreSQL. Where PostgreSQL cannot be had, its runs are reported
by name, and fail when the environment says ``CI``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from cti.store.database import make_engine, make_session_factory
from cti.store.setup import migrate
from tests.postgres import Postgres, find_programs

MISSING = "PostgreSQL is missing (initdb, pg_ctl): apt-get install postgresql"


@dataclass(slots=True)
class Store:
    url: str
    engine: Engine
    sessions: sessionmaker[Session]

    @property
    def is_postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"


def new_postgres() -> Postgres:
    """A cluster that is not started yet. Without the programs the test fails in CI and is skipped by name elsewhere."""
    programs = find_programs()
    if programs is not None:
        return Postgres(programs)
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = new_postgres()
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callyard.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def store(empty_url: str) -> Iterator[Store]:
    migrate(empty_url)
    engine = make_engine(empty_url)
    yield Store(empty_url, engine, make_session_factory(engine))
    engine.dispose()
