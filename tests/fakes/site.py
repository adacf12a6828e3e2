"""The whole site for tests: database with demo data, engine on the simulator and, if wanted, a real HTTP server."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import BaseWSGIServer, make_server

from cti.settings import Settings
from cti.store import demo
from cti.store.config import build_config
from cti.store.database import database_url, make_engine, make_session_factory
from cti.store.models import Agent, Base, PhoneKind, User
from cti.store.passwords import hash_password
from tests.fakes.engine import FakeEngine
from webui import create_app

PASSWORD = "only-for-this-test"


class CompiledTemplates(BytecodeCache):
    """Every site has templates of its own; each is compiled once for all of them."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if kept := self._kept.get(bucket.key + bucket.checksum):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


@lru_cache(maxsize=1)
def known_hash() -> str:
    """One real hash for all: hashing is slow on purpose."""
    return hash_password(PASSWORD)


@lru_cache(maxsize=1)
def filled_file() -> Path:
    """An SQLite file with the demo data, an administrator beside it; made once and copied for each site."""
    folder = Path(tempfile.mkdtemp(prefix="callyard-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = make_engine(f"sqlite:///{folder / 'site.db'}")
    fill(database)
    database.dispose()  # the last connection puts the log into the file
    return folder / "site.db"


@lru_cache(maxsize=4)
def filled_template(server: URL) -> str:
    """The name of a PostgreSQL database as ``filled_file`` on that server."""
    with administering(server) as connection:
        connection.exec_driver_sql("CREATE DATABASE site_template")
    database = make_engine(server.set(database="site_template").render_as_string(hide_password=False))
    fill(database)
    database.dispose()
    return "site_template"


def copy_filled(url: URL) -> None:
    """Put a copy of the filled database in the place of the empty one."""
    server = url.set(database="postgres")
    template = filled_template(server)
    with administering(server) as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{url.database}"')
        connection.exec_driver_sql(f'CREATE DATABASE "{url.database}" TEMPLATE {template}')


@contextlib.contextmanager
def administering(server: URL) -> Iterator[Connection]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def fill(database: Engine) -> None:
    """Tables, the demo data, an administrator; everybody's password is ``PASSWORD`` and language English."""
    Base.metadata.create_all(database)
    known = known_hash()
    with make_session_factory(database)() as session, mock.patch.object(demo, "hash_password", return_value=known):
        demo.fill(session)
        for user in session.scalars(select(User)):
            user.locale, user.must_change_password = "en", False
        session.add(User(username="admin", name="Demo Admin", role="admin", password_hash=known, locale="en"))
        session.commit()


class Site:
    """``logins`` gives each demo user's password; everybody is set to English and desk phones unless changed."""

    def __init__(self, var: Path, phone: PhoneKind = PhoneKind.SIP, switch_name: str = "fake", **settings: Any) -> None:
        self.settings = Settings(var=var, **settings)
        url = database_url(self.settings.database)
        if url.get_backend_name() == "sqlite":
            shutil.copy(filled_file(), url.database or "")
        else:
            copy_filled(url)
        self.database = make_engine(self.settings.database)
        self.sessions: sessionmaker[Session] = make_session_factory(self.database)
        with self.sessions() as session:
            for agent in session.scalars(select(Agent)):
                agent.phone = phone
            session.commit()
            self.engine = FakeEngine(build_config(session, version=1), switch_name)
        self.app: Flask = create_app(self.settings, bus=self.engine.bus, sessions=self.sessions)
        self.app.jinja_env.bytecode_cache = COMPILED
        self.url = ""
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def client(self, username: str = "", csrf: bool = False) -> FlaskClient:
        """A browser without scripts, signed in as ``username``."""
        self.app.config["WTF_CSRF_ENABLED"] = csrf
        client = self.app.test_client()
        if username:
            answer = client.post("/login", data={"username": username, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return client

    def cookies(self, username: str) -> list[Any]:
        """Those of a browser in which ``username`` has signed in."""
        kept = self.client(username).get_cookie("callyard")
        self.app.config["WTF_CSRF_ENABLED"] = bool(self.url)
        assert kept is not None
        return [{"name": kept.key, "value": kept.value, "url": self.url, "httpOnly": True, "sameSite": "Lax"}]

    def listen(self) -> str:
        """Serve HTTP on a free port of loopback; the address."""
        self.app.config["WTF_CSRF_ENABLED"] = True
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self.url

    def set_user(self, username: str, **values: Any) -> None:
        with self.sessions() as session:
            user = session.scalars(select(User).where(User.username == username)).one()
            for name, value in values.items():
                setattr(user, name, value)
            session.commit()

    def user(self, username: str) -> User:
        with self.sessions() as session:
            return session.scalars(select(User).where(User.username == username)).one()

    def close(self) -> None:
        self.app.extensions["callyard_hub"].close()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(5)
            self._server.server_close()
        self.engine.close()
        self.database.dispose()
