"""What the live page needs besides the engine's documents: service-level targets, words for busy reasons."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import BusyReason, Queue

DEFAULT_TARGET = 20.0


def targets(session: Session) -> dict[str, float]:
    """Queue ids to seconds within which a call should be answered."""
    rows = session.execute(select(Queue.id, Queue.service_level_seconds))
    return {queue_id: float(seconds or DEFAULT_TARGET) for queue_id, seconds in rows}


def reasons(session: Session, locale: str) -> dict[str, str]:
    """Busy-reason codes to what people read in ``locale``."""
    return {r.code: r.names.get(locale) or r.names.get("en") or r.code for r in session.scalars(select(BusyReason))}
