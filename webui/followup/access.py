"""Which messages and callback tickets the signed-in user looks after, by queue and scope; one place for all pages."""

from __future__ import annotations

from flask_login import current_user
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from cti.store import callbacks
from cti.store.models import QueueMember, Ticket, Voicemail
from webui.common import scope
from webui.common.permissions import Permission
from webui.common.rights import Kind

PEOPLE = (Ticket.made_by, Ticket.held_by, Ticket.user_id)


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


def tickets_seen(session: Session) -> list[ColumnElement[bool]]:
    """The conditions of the tickets that the user sees: of the own queues or none, and within the scope.

    A ticket is of who made it, has it in hand or settled it; one that nobody touched is everybody's of its queue.
    """
    made = callbacks.of_queues(queue_ids(session))
    users = scope.user_ids(Kind.TICKETS)
    if users is None:
        return made
    theirs = [column.in_(sorted(users)) for column in PEOPLE]
    nobodys = and_(*(column.is_(None) for column in PEOPLE))
    return [*made, or_(nobodys, *theirs)]


def sees_ticket(session: Session, ticket: Ticket) -> bool:
    """As ``tickets_seen``, for one."""
    if ticket.queue_id and not may_see(session, ticket.queue_id):
        return False
    users = scope.user_ids(Kind.TICKETS)
    people = {getattr(ticket, column.key) for column in PEOPLE} - {None}
    return users is None or not people or bool(people & users)


def may_hear(session: Session, recording_id: str) -> bool:
    """The recording is a message for a queue of the user's."""
    if not current_user.can(Permission.FOLLOWUP_USE):
        return False
    voicemail = session.get(Voicemail, recording_id)
    return voicemail is not None and may_see(session, voicemail.queue_id)
