"""What the live page needs besides the engine's documents: service-level targets, words for busy reasons."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Queue
from webui.desktop.queries import busy_reasons
from webui.desktop.texts import bar_texts

DEFAULT_TARGET = 20.0


def targets(session: Session) -> dict[str, float]:
    """Queue ids to seconds within which a call should be answered."""
    rows = session.execute(select(Queue.id, Queue.service_level_seconds))
    return {queue_id: float(seconds or DEFAULT_TARGET) for queue_id, seconds in rows}


def busy_choices(session: Session, locale: str) -> list[list[str]]:
    """Code and name of each reason that an agent may be set busy for."""
    return [[reason.code, reason.name] for reason in busy_reasons(session, locale)]


def reason_limits(session: Session, locale: str) -> dict[str, int]:
    """Minutes a day of those busy reasons that have a limit."""
    return {reason.code: reason.minutes for reason in busy_reasons(session, locale) if reason.minutes}


def reasons(session: Session, locale: str) -> dict[str, str]:
    """Busy-reason codes, the system's own among them, to what people read in ``locale``."""
    own = {key.removeprefix("reason."): text for key, text in bar_texts().items() if key.startswith("reason.")}
    return own | {reason.code: reason.name for reason in busy_reasons(session, locale)}
