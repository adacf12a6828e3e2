"""Finding a user by name and counting wrong passwords; the count is taken before the password is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cti.store.models import User
from cti.store.passwords import hash_password
from webui.auth import passwords

TRIES = 5
LOCKED = timedelta(minutes=5)


def by_name(session: Session, username: str) -> User | None:
    return session.scalars(select(User).where(User.username == username)).first()


def count_try(session: Session, user: User, now: datetime) -> bool:
    """Count one more try and store it at once; False when the account is locked.

    Counting first means that many tries sent together cannot get past the limit.
    """
    if user.locked_until is not None and user.locked_until > now:
        return False
    if user.locked_until is not None:
        user.locked_until, user.failed_logins = None, 0
        session.flush()
    count = session.scalar(
        update(User)
        .where(User.id == user.id)
        .values(failed_logins=User.failed_logins + 1)
        .returning(User.failed_logins)
    )
    allowed = count is not None and count <= TRIES
    if count is not None and count >= TRIES:
        session.execute(update(User).where(User.id == user.id).values(locked_until=now + LOCKED))
    session.commit()
    session.refresh(user)
    return allowed


def signed_in(session: Session, user: User, password: str, now: datetime) -> None:
    """Clear the count; renew a hash made with old parameters. The caller commits."""
    user.failed_logins = 0
    user.locked_until = None
    user.last_login_at = now
    if passwords.outdated(user.password_hash):
        user.password_hash = hash_password(password)
    session.flush()


def set_password(session: Session, user: User, password: str) -> None:
    """A new password ends every session of this user. The caller commits."""
    user.password_hash = hash_password(password)
    user.must_change_password = False
    user.session_epoch += 1
    session.flush()
