"""Fixtures that run a test on both databases; ``tests/unit/conftest.py`` gives them to every unit test.

``store`` is a migrated, empty database: SQLite, then PostgreSQL. Where PostgreSQL cannot be had, its runs are reported
by name, and fail when the environment says ``CI``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from cti.store.database import database_url, make_engine, make_session_factory
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


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "callyard.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """The name of a PostgreSQL database with every table, to be copied."""
    url = postgres.new_database()
    migrate(url)
    return database_url(url).database or ""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'callyard.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'callyard.db'}"
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "callyard.db")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database(request.getfixturevalue("migrated_template"))
    engine = make_engine(url)
    yield Store(url, engine, make_session_factory(engine))
    engine.dispose()
