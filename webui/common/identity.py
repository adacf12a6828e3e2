"""The signed-in user as pages see it: a plain value, loaded once a request, never a database row.

``login_marker`` ties a session to the password and epoch it was opened with: a new password or a grown epoch ends
every older session.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flask import Flask
from flask import session as cookie
from flask_login import LoginManager, UserMixin
from sqlalchemy import select

from cti.store.models import Agent, Role, User
from webui.common import db
from webui.common.permissions import ROLE_PERMISSIONS, Permission

MARKER = "mark"


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

    def can(self, permission: Permission) -> bool:
        return permission in ROLE_PERMISSIONS[self.role]

    @property
    def has_desktop(self) -> bool:
        return bool(self.agent_id) and self.can(Permission.DESKTOP_USE)


def login_marker(user: User) -> str:
    return hashlib.sha256(f"{user.session_epoch}:{user.password_hash}".encode()).hexdigest()[:24]


def describe(user: User, agent: Agent | None) -> CurrentUser:
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
    )


def load(user_id: str) -> CurrentUser | None:
    """The user of a session, or None when disabled, gone, or the password has changed since."""
    found = select(User, Agent).outerjoin(Agent, Agent.user_id == User.id).where(User.id == user_id)
    row = db.session().execute(found).first()
    if row is None or not row[0].active or cookie.get(MARKER) != login_marker(row[0]):
        return None
    return describe(row[0], row[1])


def manager() -> LoginManager:
    """flask-login set up; the guard of permissions decides who needs a login."""
    logins = LoginManager()
    logins.session_protection = None  # the marker and the cookie flags do it; user agents change with browser updates
    logins.user_loader(load)
    return logins


def present_marker() -> str:
    return str(cookie.get(MARKER, ""))


def still_valid(app: Flask, user: CurrentUser, marker: str) -> bool:
    """Whether a stream of ``user`` with ``marker`` may go on: active, the same password, epoch, role and phone."""
    with app.app_context():
        found = db.session().get(User, user.id)
        if found is None or not found.active or login_marker(found) != marker:
            return False
        present = describe(found, found.agent)
        return (present.role, present.agent_id) == (user.role, user.agent_id)
