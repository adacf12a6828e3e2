"""For which queues the signed-in user looks after messages and lost calls; one place for all pages."""

from __future__ import annotations

from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import QueueMember, Ticket, Voicemail
from webui.common.permissions import Permission


def queue_ids(session: Session) -> set[str] | None:
    """``None``: all queues. Agents see those they belong to."""
    if current_user.can(Permission.CALLS_READ_ALL):
        return None
    if not current_user.can(Permission.FOLLOWUP_USE) or not current_user.agent_id:
        return set()
    return set(session.scalars(select(QueueMember.queue_id).where(QueueMember.agent_id == current_user.agent_id)))


def may_see(session: Session, queue_id: str) -> bool:
    own = queue_ids(session)
    return own is None or queue_id in own


def sees_ticket(session: Session, ticket: Ticket) -> bool:
    """A ticket of no queue is everybody's."""
    return not ticket.queue_id or may_see(session, ticket.queue_id)


def may_hear(session: Session, recording_id: str) -> bool:
    """The recording is a message for a queue of the user's."""
    if not current_user.can(Permission.FOLLOWUP_USE):
        return False
    voicemail = session.get(Voicemail, recording_id)
    return voicemail is not None and may_see(session, voicemail.queue_id)
