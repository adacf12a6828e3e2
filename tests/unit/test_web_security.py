"""Attacks on the site that were tried: revoked listeners, refused access, floods of logins, hostile names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cti.store.models import AuditEntry, Role
from tests.fakes.site import Site
from tests.pages import browser
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
