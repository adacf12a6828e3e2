"""What the agent's page reads from the database: the own phone, busy reasons, queues to transfer to."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Agent, BusyReason, PhoneKind, Queue

USUAL_REASONS = {
    "break": _("Break"),
    "lunch": _("Lunch"),
    "meeting": _("Meeting"),
    "training": _("Training"),
    "paperwork": _("Paperwork"),
}


@dataclass(frozen=True)
class Reason:
    """``minutes``: how long a day, 0 for no limit."""

    code: str
    name: str
    minutes: int = 0


def own_agent(session: Session, agent_id: str) -> Agent:
    return session.get_one(Agent, agent_id)


def choose_phone(session: Session, agent_id: str, kind: PhoneKind) -> Agent:
    """Use this kind of phone from now on. The caller commits."""
    agent = own_agent(session, agent_id)
    agent.phone = kind
    return agent


def busy_reasons(session: Session, locale: str) -> list[Reason]:
    """The reasons an agent may pick, in order, named in ``locale``; the usual ones while none are set up."""
    rows = session.scalars(select(BusyReason).where(BusyReason.active).order_by(BusyReason.order, BusyReason.code))
    return [_reason(row, locale) for row in rows] or usual_reasons()


def _reason(row: BusyReason, locale: str) -> Reason:
    return Reason(row.code, row.names.get(locale) or row.names.get("en") or row.code, row.minutes_a_day)


def usual_reasons() -> list[Reason]:
    return [Reason(code, str(name)) for code, name in USUAL_REASONS.items()]


def pop_url(session: Session, queue_id: str) -> str:
    """The queue's page of another system, as the administrator wrote it."""
    return session.scalar(select(Queue.pop_url).where(Queue.id == queue_id)) or ""


def queues(session: Session) -> list[Queue]:
    return list(session.scalars(select(Queue).where(Queue.active).order_by(Queue.number)))
