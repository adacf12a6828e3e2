"""Tasks, bulletins and birthdays of one user. Takes a session; must not know requests."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, extract, or_, select
from sqlalchemy.orm import Session, joinedload

from cti.store.models import Bulletin, BulletinRead, CallNote, Customer, Order, Task

KEPT = timedelta(days=14)
"""So long a task that is done, and a bulletin without an end, is shown."""

MINE = timedelta(days=365)
"""A customer is a user's own for so long after a note or an order."""

MOST = 200


def open_tasks(session: Session, user_id: str) -> Sequence[Task]:
    """What is to be done, the next due first, those without a time last."""
    query = select(Task).where(Task.user_id == user_id, Task.done_at.is_(None)).options(joinedload(Task.customer))
    return session.scalars(query.order_by(Task.due_at.is_(None), Task.due_at, Task.id).limit(MOST)).all()


def done_tasks(session: Session, user_id: str, now: datetime) -> Sequence[Task]:
    query = select(Task).where(Task.user_id == user_id, Task.done_at > now - KEPT).options(joinedload(Task.customer))
    return session.scalars(query.order_by(Task.done_at.desc()).limit(50)).all()


def due_tasks(session: Session, user_id: str, now: datetime) -> list[Task]:
    return [task for task in open_tasks(session, user_id) if task.due_at is not None and task.due_at <= now]


def task(session: Session, user_id: str, task_id: int) -> Task | None:
    """The user's own task; nobody else's."""
    return session.scalars(select(Task).where(Task.id == task_id, Task.user_id == user_id)).first()


def users_due(session: Session, since: datetime, until: datetime) -> list[str]:
    """Whose reminders came due after ``since``, up to ``until``."""
    query = select(Task.user_id).where(Task.due_at > since, Task.due_at <= until, Task.done_at.is_(None)).distinct()
    return list(session.scalars(query))


def bulletins(session: Session, now: datetime) -> Sequence[Bulletin]:
    """Those that count now, newest first."""
    counts = or_(Bulletin.until > now, and_(Bulletin.until.is_(None), Bulletin.created_at > now - KEPT))
    query = select(Bulletin).where(counts).options(joinedload(Bulletin.user))
    return session.scalars(query.order_by(Bulletin.created_at.desc(), Bulletin.id.desc()).limit(50)).all()


def read_by(session: Session, user_id: str) -> set[int]:
    return set(session.scalars(select(BulletinRead.bulletin_id).where(BulletinRead.user_id == user_id)))


def unread(session: Session, user_id: str, now: datetime) -> list[Bulletin]:
    """Those that have to be read first."""
    read = read_by(session, user_id)
    found = [one for one in bulletins(session, now) if one.id not in read and one.user_id != user_id]
    return sorted(found, key=lambda one: not one.must_read)


def birthdays(session: Session, user_id: str, today: date) -> Sequence[Customer]:
    """Customers whose birthday it is, of those the user wrote a note about or took an order from."""
    since = datetime.combine(today, datetime.min.time()).astimezone() - MINE
    noted = select(CallNote.customer_id).where(CallNote.user_id == user_id, CallNote.updated_at > since)
    ordered = select(Order.customer_id).where(Order.agent_user_id == user_id, Order.created_at > since)
    own = or_(Customer.id.in_(noted), Customer.id.in_(ordered))
    return session.scalars(select(Customer).where(own, _born_on(today)).order_by(Customer.name).limit(20)).all()


def _born_on(today: date) -> ColumnElement[bool]:
    """Who was born on the 29th of February has the birthday a day earlier in other years."""
    days = [today.day]
    if (today.month, today.day) == (2, 28) and not calendar.isleap(today.year):
        days.append(29)
    return and_(extract("month", Customer.birthday) == today.month, extract("day", Customer.birthday).in_(days))
