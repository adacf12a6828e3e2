"""Whether a caller tries again, asked of the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cti.domain.errors import BadRequest
from cti.store.models import Call
from cti.store.retries import retry
from tests.stores import Store

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NUMBER = "+8613800138000"


def asked(store: Store, number: Any = "13800138000", within: Any = 600, short: Any = 5.0) -> bool:
    with store.sessions() as session:
        request = {"op": "retry", "number": number, "within": within, "short": short}
        return retry(session, request, NOW.timestamp())


def ended(store: Store, ident: str, ago: float, **document: Any) -> None:
    """A call that came a minute before it ended, ``ago`` seconds before now."""
    end = NOW - timedelta(seconds=ago)
    begun = end - timedelta(minutes=1)
    told = {"direction": "inbound", "queued_at": begun.timestamp(), "ended_at": end.timestamp(), "ended_by": "customer"}
    row = {"id": ident, "version": 1, "direction": "inbound", "number": NUMBER, "created_at": begun, "ended_at": end}
    with store.sessions() as session:
        session.add(Call(**row, document=told | {"cause": "normal"} | document))
        session.commit()


def test_the_last_call_that_says_anything_counts_and_only_for_a_time(store: Store) -> None:
    assert not asked(store)
    ended(store, "c1", 500)
    assert asked(store)
    assert asked(store, "+86 138 0013 8000")
    assert not asked(store, "13900000000")
    assert not asked(store, within=400)
    ended(store, "c2", 400, queued_at=None)
    assert asked(store)
    ended(store, "c3", 300, answered_at=NOW.timestamp() - 310)
    assert not asked(store)
    ended(store, "c4", 200, answered_at=NOW.timestamp() - 210, cause="media_lost")
    assert asked(store)
    assert asked(store, within=float("inf"))


@pytest.mark.parametrize("wrong", [{"number": 1}, {"within": "600"}, {"short": None}])
def test_what_is_no_question_is_refused(store: Store, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        asked(store, **wrong)
