"""The signed-in user as pages see it: a plain value, loaded once a request, never a database row.

A database that does not answer does not take the phone bar from who is at work: see ``GOES_ON``.

``login_marker`` ties a session to the password and epoch it was opened with: a new password or a grown epoch ends
every older session.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Flask, current_app
from flask import session as cookie
from flask_login import LoginManager, UserMixin
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cti.store.models import Agent, Role, RoleRights, User
from webui.common import db
from webui.common.permissions import Permission
from webui.common.problems import is_api
from webui.common.rights import Kind, Rights, Scope, rights_of

MARKER = "mark"
KNOWN = "callyard_known_users"
GOES_ON = 3600.0
"""Seconds after the last look into the database within which a user goes on working while it does not answer."""


@dataclass(frozen=True)
class CurrentUser(UserMixin):  # type: ignore[misc]
    """Who asks. ``agent_id`` and ``agent_number`` are empty for a user without a phone."""

    id: str
    username: str
    name: str
    role: Role
    locale: str
    timezone: str
    must_change_password: bool
    agent_id: str = ""
    agent_number: str = ""
    department_id: int | None = None
    permissions: frozenset[Permission] = frozenset()
    scopes: Mapping[Kind, Scope] = field(default_factory=dict)

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def has_desktop(self) -> bool:
        return bool(self.agent_id) and self.can(Permission.DESKTOP_USE)


def login_marker(user: User) -> str:
    return hashlib.sha256(f"{user.session_epoch}:{user.password_hash}".encode()).hexdigest()[:24]


def describe(user: User, agent: Agent | None, role: RoleRights | None) -> CurrentUser:
    """``role`` is the row of the user's role, if there is one."""
    rights: Rights = rights_of(user, role)
    return CurrentUser(
        id=user.id,
        username=user.username,
        name=user.name,
        role=Role(user.role),
        locale=user.locale,
        timezone=user.timezone,
        must_change_password=user.must_change_password,
        agent_id=str(agent.id) if agent else "",
        agent_number=agent.number if agent else "",
        department_id=user.department_id,
        permissions=rights.permissions,
        scopes=rights.scopes,
    )


def load(user_id: str) -> CurrentUser | None:
    """The user of a session, or None when disabled, gone, the password has changed since, or for the API."""
    if is_api():
        return None
    known: dict[str, tuple[CurrentUser, str, float]] = current_app.extensions[KNOWN]
    found = (
        select(User, Agent, RoleRights)
        .outerjoin(Agent, Agent.user_id == User.id)
        .outerjoin(RoleRights, RoleRights.role == User.role)
        .where(User.id == user_id)
    )
    try:
        row = db.session().execute(found).first()
    except SQLAlchemyError:
        db.release()
        user, marker, seen_at = known.get(user_id, (None, "", 0.0))
        if user is None or marker != present_marker() or time.monotonic() - seen_at > GOES_ON:
            raise
        return user
    known.pop(user_id, None)
    if row is None or not row[0].active or cookie.get(MARKER) != login_marker(row[0]):
        return None
    user = describe(row[0], row[1], row[2])
    known[user_id] = (user, present_marker(), time.monotonic())
    return user


def install(app: Flask) -> None:
    """Set flask-login up; the guard of permissions decides who needs a login."""
    app.extensions[KNOWN] = {}
    logins = LoginManager()
    logins.session_protection = None  # the marker and the cookie flags do it; user agents change with browser updates
    logins.user_loader(load)
    logins.init_app(app)


def present_marker() -> str:
    return str(cookie.get(MARKER, ""))


def still_valid(app: Flask, user: CurrentUser, marker: str) -> bool:
    """Whether a stream of ``user`` with ``marker`` may go on: active, the same password, epoch, rights and phone.

    Who cannot be looked up now goes on until the next look."""
    with app.app_context():
        try:
            found = db.session().get(User, user.id)
        except SQLAlchemyError:
            return True
        if found is None or not found.active or login_marker(found) != marker:
            return False
        present = describe(found, found.agent, db.session().get(RoleRights, found.role))
        return (present.permissions, present.agent_id) == (user.permissions, user.agent_id)
