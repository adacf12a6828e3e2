"""Who served a customer last, asked of the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cti.domain.errors import BadRequest
from cti.store.last_agent import last_agent
from cti.store.models import Call
from tests.stores import Store

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NUMBER = "+8613800138000"


def asked(store: Store, number: str = "13800138000", queue: str = "orders", days: Any = 30) -> str:
    with store.sessions() as session:
        request = {"op": "last_agent", "number": number, "queue_id": queue, "days": days}
        return last_agent(session, request, NOW.timestamp())


def served(store: Store, ident: str, days_ago: float, agent: str, queue: str = "orders", number: str = NUMBER) -> None:
    when = NOW - timedelta(days=days_ago)
    row = {"id": ident, "version": 1, "direction": "inbound", "number": number, "queue_id": queue, "agent_id": agent}
    with store.sessions() as session:
        session.add(Call(**row, created_at=when, document={}))
        session.commit()


def test_the_last_one_who_talked_in_this_queue_within_the_days(store: Store) -> None:
    served(store, "c1", 20, "a1")
    served(store, "c2", 10, "a2")
    served(store, "c3", 5, "")  # nobody answered
    served(store, "c4", 1, "a4", queue="service")
    served(store, "c5", 1, "a5", number="+8613800138001")
    assert asked(store) == "a2"
    assert asked(store, days=7) == ""
    assert asked(store, queue="service") == "a4"
    assert asked(store, "+86 138 0013 8000") == "a2"
    assert asked(store, "13900000000") == ""


@pytest.mark.parametrize("days", ["30", None, 1.5])
def test_what_is_no_question_is_refused(store: Store, days: Any) -> None:
    with pytest.raises(BadRequest):
        asked(store, days=days)
