"""Attacks on the site that were tried: revoked listeners, refused access, floods of logins, hostile names."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cti.store.models import AuditEntry, Customer, Role
from tests.fakes.site import Site
from tests.pages import browser, make_call
from webui.auth import passwords
from webui.common import hub
from webui.events import blueprint as events


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def entries(site: Site, action: str) -> list[AuditEntry]:
    with site.sessions() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.AGENT}, {"session_epoch": 9}])
def test_a_stream_ends_on_a_busy_floor_too_when_its_user_may_not_listen(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    monkeypatch.setattr(events, "RECHECK", 0.0)
    client = browser(site, "supervisor")
    answer = client.get("/events", buffered=False)
    stream = iter(answer.response)
    next(stream)
    site.set_user("supervisor", **change)
    told: hub.EventHub = site.app.extensions["callyard_hub"]
    end = time.monotonic() + 10
    for _ in stream:  # the floor never falls silent
        told.tell("queue", {"queue_id": "orders", "waiting": []})
        assert time.monotonic() < end, "the stream goes on"


def test_what_a_user_was_refused_is_in_the_audit(site: Site) -> None:
    client = browser(site, "agent1")
    make_call(site, "theirs", agent="1002")
    assert client.get("/calls/theirs").status_code == 403
    assert client.get("/admin/users").status_code == 403
    refused = [(entry.username, entry.object) for entry in entries(site, "access.refused")]
    assert refused == [("agent1", "GET /calls/theirs"), ("agent1", "GET /admin/users")]


def test_a_refused_request_leaves_nothing_but_its_entry(site: Site) -> None:
    """The customer is made, then the link to somebody else's call is refused: no customer."""
    client = browser(site, "agent1")
    make_call(site, "theirs", agent="1002")
    form = {"name": "Demo Refused", "phones-0-number": "19911112222", "phones-0-label": "mobile", "call_id": "theirs"}
    assert client.post("/customers/new", data=form).status_code == 403
    with site.sessions() as session:
        assert session.scalars(select(Customer).where(Customer.name == "Demo Refused")).all() == []
    assert len(entries(site, "access.refused")) == 1


def test_a_flood_of_logins_does_not_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()
    full = threading.Event()

    class Hasher:
        def verify(self, _stored: str, _password: str) -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
                if running > passwords.AT_ONCE:
                    full.set()
            full.wait(0.05)
            with lock:
                running -= 1
            return True

    monkeypatch.setattr(passwords, "PasswordHasher", Hasher)
    threads = [threading.Thread(target=passwords.verify, args=("x", "y")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == passwords.AT_ONCE


def test_a_user_name_with_control_characters_is_cleaned_before_it_is_stored(site: Site) -> None:
    answer = site.client().post("/login", data={"username": "no\x00bo\x1b[2Jdy", "password": "wrong"})
    assert answer.status_code == 422
    (entry,) = entries(site, "login.failed")
    assert entry.username == "nobo[2Jdy"


def test_a_stolen_session_cannot_try_passwords_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webui.auth.blueprint.FAILURES_PER_ADDRESS", "2/minute")
    site = Site(tmp_path)
    try:
        client = site.client("agent1")
        form = {"present": "guess", "fresh": "another-good-one", "again": "another-good-one"}
        assert [client.post("/password", data=form).status_code for _ in range(3)] == [422, 422, 429]
    finally:
        site.close()


def test_test_calls_are_limited_for_each_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webui.testcall.blueprint.CALLS_PER_USER", "2/minute")
    site = Site(tmp_path)
    try:
        form = {"dialed": "8000", "caller": "unknown", "digits": ""}
        one, other = site.client("agent1"), site.client("agent2")
        assert [one.post("/testcall", data=form).status_code for _ in range(3)] == [200, 200, 429]
        assert other.post("/testcall", data=form).status_code == 200
        assert one.get("/testcall").status_code == 200
    finally:
        site.close()


def test_another_customer_for_a_described_call_is_audited(site: Site) -> None:
    client = browser(site, "agent1")
    make_call(site, "mine")
    with site.sessions() as session:
        one, other = session.scalars(select(Customer.id).order_by(Customer.id).limit(2))
    for customer in (one, one, other):
        assert client.post("/customers/pop", data={"call_id": "mine", "customer_id": customer}).status_code == 200
    changes = [(e.object, e.before, e.after) for e in entries(site, "call.note")]
    assert changes == [("call/mine", {"customer_id": one}, {"customer_id": other})]


@pytest.mark.parametrize("huge", ["9" * 5000, "٣", "-1"])
def test_absurd_customer_ids_are_refused_in_words(site: Site, huge: str) -> None:
    client = browser(site, "agent1")
    assert client.post("/orders/new", data={"customer_id": huge}).status_code in (400, 404, 422)
    assert client.get("/customers", query_string={"q": huge}).status_code == 200
