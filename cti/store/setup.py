"""Bringing a database up: migrations, the first administrator. Every failure is one line that says what to do."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

import migrations
from cti.domain.errors import CallyardError
from cti.store.database import database_url, make_engine
from cti.store.models import Role, User
from cti.store.passwords import hash_password, random_password


class DatabaseTrouble(CallyardError):
    """The database cannot be used as it is; the message says why and what to do."""

    code = "database.trouble"


def migrate(url: str) -> None:
    """Bring the database at ``url`` to this version's tables. Safe to repeat. Raises ``DatabaseTrouble``."""
    shown = database_url(url).render_as_string(hide_password=True)
    try:
        command.upgrade(_config(url), "head")
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseTrouble(f"{shown}: {_first_line(error)}. Check its address, that it runs, its disk.") from error
    except Exception as error:
        raise DatabaseTrouble(
            f"{shown}: the tables could not be brought up to date ({_first_line(error)}). Restore a backup, or point "
            "CALLYARD_DATABASE_URL at an empty database."
        ) from error


def pending(engine: Engine) -> bool:
    """Whether ``migrate`` has something to do. Raises ``DatabaseTrouble`` when the database does not answer."""
    try:
        with engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise DatabaseTrouble(_first_line(error)) from error
    return present != ScriptDirectory.from_config(_config("sqlite://")).get_current_head()


def ensure_admin(session: Session, username: str = "admin") -> str | None:
    """Make the first administrator if there is no active one, and commit.

    Gives the one-time password of a new one, to be shown once; ``None`` when there is one already.
    """
    held = select(User.id).where(User.role == Role.ADMIN, User.active.is_(True)).limit(1)
    if session.scalar(held) is not None:
        return None
    return reset_password(session, username, create_as=Role.ADMIN)


def reset_password(session: Session, username: str, create_as: Role | None = None) -> str:
    """A new one-time password for ``username``, unlocked and active again; commits.

    Raises ``LookupError`` when there is no such user and ``create_as`` does not say to make one.
    """
    user = session.scalar(select(User).where(User.username == username))
    if user is None:
        if create_as is None:
            raise LookupError(username)
        user = User(username=username, name=username, role=create_as)
        session.add(user)
    password = random_password()
    user.password_hash = hash_password(password)
    user.must_change_password = True
    user.active = True
    user.failed_logins, user.locked_until = 0, None
    user.session_epoch = (user.session_epoch or 0) + 1
    if create_as is not None:
        user.role = create_as
    session.commit()
    return password


def check(url: str) -> str:
    """One word for ``cti check-config``: ``ready`` or ``migrate``. Raises ``DatabaseTrouble``."""
    engine = make_engine(url)
    try:
        return "migrate" if pending(engine) else "ready"
    finally:
        engine.dispose()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def _first_line(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__
