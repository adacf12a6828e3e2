"""Whether a caller tries again after a call without success: the worker's answer to the engine after its restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.errors import BadRequest
from cti.domain.phones import normalise
from cti.domain.retries import without_success
from cti.store.models import Call

LONGEST = 86_400.0
"""Seconds: the longest that a queue looks back, and the longest that a call is taken to last."""

LATEST = 20


def retry(session: Session, request: dict[str, Any], now: float) -> bool:
    """Whether the last call of ``number`` that says anything ended without success at most ``within`` seconds ago.
    ``BadRequest`` for what is no question."""
    number, within, short = request.get("number"), request.get("within"), request.get("short")
    if not isinstance(number, str) or not isinstance(within, int | float) or not isinstance(short, int | float):
        raise BadRequest("number, within and short are needed")
    since = datetime.fromtimestamp(now, UTC) - timedelta(seconds=max(0.0, min(within, LONGEST)))
    began = since - timedelta(seconds=LONGEST)
    asked = (
        select(Call.document, Call.ended_at)
        .where(Call.number == normalise(number), Call.created_at >= began, Call.ended_at.is_not(None))
        .order_by(Call.created_at.desc())
        .limit(LATEST)
    )
    for document, ended_at in session.execute(asked):
        got_nowhere = without_success(document, short)
        if got_nowhere is not None:
            return got_nowhere and ended_at >= since
    return False
