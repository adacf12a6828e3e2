"""The site while its database does not answer: what still works, and what people are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cti.store.database import make_engine, make_session_factory
from cti.store.models import User
from tests.fakes.site import Site
from webui.common import db, identity

HTML = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


@contextmanager
def no_database(site: Site, folder: Path) -> Iterator[None]:
    """Every connection fails, as with a server that is not there."""
    folder.joinpath("no-file.db").mkdir(exist_ok=True)
    gone = make_engine(f"sqlite:///{folder}/no-file.db")
    working, site.app.extensions[db.KEY] = site.app.extensions[db.KEY], make_session_factory(gone)
    yield
    site.app.extensions[db.KEY] = working
    gone.dispose()


def command(client: FlaskClient, op: str) -> tuple[int, str]:
    answer = client.post("/desktop/command", json={"op": op})
    return answer.status_code, answer.json.get("error", "")


def test_a_page_says_that_the_database_does_not_answer_and_comes_back(site: Site, tmp_path: Path) -> None:
    client = site.client("agent1")
    assert client.get("/orders", headers=HTML).status_code == 200
    with no_database(site, tmp_path):
        page = client.get("/orders", headers=HTML)
        assert page.status_code == 503
        assert "database does not answer" in page.text
        assert 'href="/customers"' in page.text, "the menu is still there"
    assert client.get("/orders", headers=HTML).status_code == 200


def test_a_stranger_is_told_too(site: Site, tmp_path: Path) -> None:
    client = site.client("agent1")
    known = site.app.extensions[identity.KNOWN]
    known.clear()
    with no_database(site, tmp_path):
        for path in ("/orders", "/desktop", "/"):
            page = client.get(path, headers=HTML)
            assert (page.status_code, "database does not answer" in page.text) == (503, True), path


def test_a_fragment_becomes_a_message_on_the_page(site: Site, tmp_path: Path) -> None:
    client = site.client("agent1")
    client.get("/orders")
    with no_database(site, tmp_path):
        piece = client.get("/calls/today", headers={**HTML, "HX-Request": "true"})
        assert (piece.status_code, piece.headers["HX-Retarget"]) == (503, "#toasts")
        assert "database does not answer" in piece.text
        assert "<html" not in piece.text


def test_an_agent_goes_on_with_calls(site: Site, tmp_path: Path) -> None:
    client = site.client("agent1")
    assert command(client, "login") == (200, "")
    with no_database(site, tmp_path):
        assert command(client, "state") == (200, "")
        assert command(client, "logout") == (200, "")
        assert command(client, "login") == (503, "database.unavailable"), "which phone is written in the database"
    assert command(client, "login") == (200, "")


def test_only_who_was_there_lately_with_the_same_password_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = site.client("agent1"), site.client("agent1")
    command(client, "state")
    with other.session_transaction() as cookie:
        cookie[identity.MARKER] = "an older one"
    with no_database(site, tmp_path):
        assert command(other, "state") == (503, "database.unavailable")
        assert command(client, "state") == (200, "")
        monkeypatch.setattr(identity, "GOES_ON", 0.0)
        assert command(client, "state") == (503, "database.unavailable")


def test_who_was_disabled_does_not_go_on(site: Site, tmp_path: Path) -> None:
    client = site.client("agent1")
    assert command(client, "state") == (200, "")
    site.set_user("agent1", active=False)
    assert command(client, "state")[0] == 401
    with no_database(site, tmp_path):
        assert command(client, "state") == (503, "database.unavailable")


def test_a_stream_goes_on(site: Site, tmp_path: Path) -> None:
    with site.sessions() as session:
        row = session.scalars(select(User).where(User.username == "agent1")).one()
        user, marker = identity.describe(row, row.agent, None), identity.login_marker(row)
    with no_database(site, tmp_path):
        assert identity.still_valid(site.app, user, marker)
    assert identity.still_valid(site.app, user, marker)
    assert not identity.still_valid(site.app, user, "another")
