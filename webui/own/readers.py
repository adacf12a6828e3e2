"""Who has read a bulletin, and who has still to. Takes a session; must not know requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Bulletin, BulletinRead, RoleRights, User
from webui.common.permissions import Permission
from webui.common.rights import rights_of


@dataclass(frozen=True)
class Reader:
    user: User
    read_at: datetime | None


def audience(session: Session) -> list[User]:
    """Everybody who has the bell, by name."""
    roles = {row.role: row for row in session.scalars(select(RoleRights))}
    users = session.scalars(select(User).where(User.active).order_by(User.name, User.username))
    return [user for user in users if Permission.DESKTOP_USE in rights_of(user, roles.get(user.role)).permissions]


def readers(session: Session, bulletin: Bulletin) -> list[Reader]:
    """Those who have not read it first; not who wrote it."""
    query = select(BulletinRead.user_id, BulletinRead.read_at).where(BulletinRead.bulletin_id == bulletin.id)
    read = {row.user_id: row.read_at for row in session.execute(query)}
    found = [Reader(user, read.get(user.id)) for user in audience(session) if user.id != bulletin.user_id]
    return sorted(found, key=lambda one: one.read_at is not None)


def counts(session: Session, bulletins: list[Bulletin]) -> dict[int, tuple[int, int]]:
    """By bulletin: how many of how many have read it."""
    people = {user.id for user in audience(session)}
    query = select(BulletinRead.bulletin_id, BulletinRead.user_id)
    read = session.execute(query.where(BulletinRead.bulletin_id.in_([one.id for one in bulletins]))).all()
    return {
        one.id: (
            sum(row.bulletin_id == one.id and row.user_id in people - {one.user_id} for row in read),
            len(people - {one.user_id}),
        )
        for one in bulletins
    }
