"""Rows of other systems that nobody needs any more go: answers to repeated requests, webhook deliveries that are over.

What is still to be sent stays, however old. Must not know the bus nor pages.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, tuple_
from sqlalchemy.orm import Session

from cti.store import parameters
from cti.store.models import ApiRequest, HookDelivery, HookState

PORTION = 2_000


def clear(session: Session, now: datetime, portion: int = PORTION) -> int:
    """Remove what is older than the parameters say; how many. Commits each portion, so that nobody waits long."""

    def before(key: str) -> datetime:
        return now - timedelta(days=parameters.whole(session, key))

    over = (HookDelivery.state != HookState.WAITING, HookDelivery.done_at < before("api.delivery_days"))
    gone = _remove(session, HookDelivery, over, portion)
    return gone + _remove(session, ApiRequest, (ApiRequest.created_at < before("api.request_days"),), portion)


def _remove(session: Session, model: Any, old: tuple[ColumnElement[bool], ...], portion: int) -> int:
    key, removed = tuple_(*model.__table__.primary_key), 0
    while found := session.execute(select(*model.__table__.primary_key).where(*old).limit(portion)).all():
        rows = [tuple(row) for row in found]
        session.execute(delete(model).where(key.in_(rows), *old).execution_options(synchronize_session=False))
        session.commit()
        removed += len(rows)
    return removed
