"""Calls that ended while no engine ran are closed once it is sure that nobody has them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from cti.store.closing import LostCalls
from cti.store.database import make_engine, make_session_factory
from cti.store.models import Base, Call

NOW = 1_795_290_000.0


def call_row(call_id: str, created: float, ended: float | None = None) -> Call:
    leg = {"leg_id": "l", "kind": "customer", "created_at": created, "answered_at": created + 2, "ended_at": ended}
    recording = {"recording_id": "r", "started_at": created + 7, "ended_at": ended}
    document = {
        "call_id": call_id,
        "version": 5,
        "created_at": created,
        "ended_at": ended,
        "state": "connected",
        "legs": [leg],
        "recordings": [recording],
    }
    when = datetime.fromtimestamp(created, UTC)
    end = datetime.fromtimestamp(ended, UTC) if ended else None
    return Call(id=call_id, version=5, direction="inbound", created_at=when, ended_at=end, document=document)


@pytest.fixture
def session() -> Session:
    engine = make_engine("sqlite://")
    Base.metadata.create_all(engine)
    return make_session_factory(engine)()


def test_a_call_no_engine_knows_is_closed_at_its_last_known_moment(session: Session) -> None:
    session.add_all(
        [
            call_row("lost", NOW - 500),
            call_row("alive", NOW - 500),
            call_row("new", NOW - 10),
            call_row("over", NOW - 500, NOW - 400),
        ]
    )
    session.flush()
    lost = LostCalls()
    assert lost.look(session, {"alive"}, NOW) == []
    (event,) = lost.look(session, {"alive"}, NOW + 60)
    call = event["call"]
    assert (call["call_id"], call["version"], call["state"], call["cause"]) == ("lost", 6, "ended", "lost")
    assert call["ended_at"] == call["legs"][0]["ended_at"] == call["recordings"][0]["ended_at"] == NOW - 493


def test_without_an_engine_to_ask_nothing_is_closed(session: Session) -> None:
    session.add(call_row("lost", NOW - 500))
    session.flush()
    lost = LostCalls()
    lost.look(session, set(), NOW)
    lost.forget()
    assert lost.look(session, set(), NOW + 60) == []
