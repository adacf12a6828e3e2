"""Old answers and finished deliveries go after as many days as the parameters say; what is to be sent stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import clearing, parameters
from cti.store.models import ApiKey, ApiRequest, HookDelivery, HookState, Role, User, Webhook, utc_now
from tests.stores import Store

NOW = utc_now()


def ago(days: float) -> dict[str, object]:
    return {"created_at": NOW - timedelta(days=days)}


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    """Requests of 1, 8 and 9 days ago; deliveries that ended 1, 31 and 40 days ago, and one that still waits."""
    with store.sessions() as session:
        session.add(User(id="u1", username="u1", name="U", password_hash="x", role=Role.ADMIN))
        session.add(Webhook(id="w1", name="crm", url="http://192.0.2.1/", secret="s", kinds=""))
        session.flush()
        session.add(ApiKey(id="k1", name="k", prefix="p", digest="d", user_id="u1"))
        session.flush()
        session.add_all(
            ApiRequest(api_key_id="k1", token=f"t{days}", digest="d", answer={}, **ago(days)) for days in (1, 8, 9)
        )
        states = ((1, HookState.DONE), (31, HookState.DEAD), (40, HookState.DONE), (90, HookState.WAITING))
        for days, state in states:
            ended = None if state is HookState.WAITING else NOW - timedelta(days=days)
            row = HookDelivery(webhook_id="w1", kind="k", object=f"o/{days}", data={}, state=state, **ago(95))
            row.done_at = ended
            session.add(row)
        session.commit()
        yield session


def left(session: Session) -> tuple[list[str], list[str]]:
    requests = session.scalars(select(ApiRequest.token).order_by(ApiRequest.token)).all()
    return list(requests), list(session.scalars(select(HookDelivery.object).order_by(HookDelivery.object)))


def test_what_is_old_goes_in_portions_and_what_waits_stays(session: Session) -> None:
    assert clearing.clear(session, NOW, portion=1) == 4
    session.rollback()
    assert left(session) == (["t1"], ["o/1", "o/90"])
    assert clearing.clear(session, NOW) == 0


def test_the_days_are_parameters(session: Session) -> None:
    parameters.store(session, {"api.request_days": 90, "api.delivery_days": 35}, "admin")
    session.commit()
    assert clearing.clear(session, NOW) == 1
    assert left(session) == (["t1", "t8", "t9"], ["o/1", "o/31", "o/90"])
