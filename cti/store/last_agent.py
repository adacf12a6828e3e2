"""Who served a customer last: the worker's answer to the engine, which does not wait for it long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.errors import BadRequest
from cti.domain.phones import normalise
from cti.store.models import Call

MOST_DAYS = 3650


def last_agent(session: Session, request: dict[str, Any], now: float) -> str:
    """The agent who talked with ``number`` last in ``queue_id``, at most ``days`` ago; empty: nobody. ``BadRequest``
    for what is no question."""
    number, queue_id, days = request.get("number"), request.get("queue_id"), request.get("days")
    if not isinstance(number, str) or not isinstance(queue_id, str) or not isinstance(days, int):
        raise BadRequest("number, queue_id and days are needed")
    since = datetime.fromtimestamp(now, UTC) - timedelta(days=max(0, min(days, MOST_DAYS)))
    asked = (
        select(Call.agent_id)
        .where(Call.number == normalise(number), Call.created_at >= since)
        .where(Call.queue_id == queue_id, Call.agent_id != "")
        .order_by(Call.created_at.desc())
        .limit(1)
    )
    return session.scalars(asked).first() or ""
