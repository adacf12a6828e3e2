"""Who uses the system: users, the agents among them, the audit of what they did. No passwords in clear, ever."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.domain.config.agents import OUTSIDE
from cti.store.models.base import Base, BigId, UtcDateTime, enum_type, fresh_id, id_type, utc_now


class Role(StrEnum):
    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"


class PhoneKind(StrEnum):
    WEB = "web"
    SIP = "sip"
    OUTSIDE = "outside"


class User(Base):
    """``password_hash`` is argon2. ``must_change_password`` stands until the one-time password was replaced.

    ``rights`` and ``scopes`` are what this user may differently from the role, as in ``RoleRights``.
    """

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(enum_type(Role), default=Role.AGENT)
    locale: Mapped[str] = mapped_column(String(16), default="zh_CN")
    timezone: Mapped[str] = mapped_column(String(64), default="Asia/Shanghai")
    active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    session_epoch: Mapped[int] = mapped_column(default=0)  # grown to end all sessions of this user
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"), index=True)
    rights: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    scopes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    agent: Mapped[Agent | None] = relationship(back_populates="user", uselist=False)


class Agent(Base):
    """A user who takes calls. ``number`` is the extension and the work number; ``device`` the phone in use.

    ``skills`` maps the name of a skill to its level, 1 to 9. ``outside_number``: where else the agent may be called.
    """

    __tablename__ = "agents"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), unique=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    sip_secret: Mapped[str] = mapped_column(String(64))
    web_secret: Mapped[str] = mapped_column(String(64))
    phone: Mapped[PhoneKind] = mapped_column(enum_type(PhoneKind), default=PhoneKind.WEB)
    skills: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    outside_number: Mapped[str] = mapped_column(String(32), default="")

    user: Mapped[User] = relationship(back_populates="agent", lazy="joined")

    @property
    def device(self) -> str:
        """``<number>``, ``<number>-web`` or ``<number>-out``, as in ``AgentConfig.devices``."""
        if self.phone is PhoneKind.OUTSIDE and self.outside_number:
            return f"{self.number}{OUTSIDE}"
        return self.number if self.phone is PhoneKind.SIP else f"{self.number}-web"


class AuditEntry(Base):
    """Who did what to which object, from which address. ``object`` is ``<kind>/<id>``, as ``customer/12``."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at", "id"), Index(None, "user_id", "at"), Index(None, "object", "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    user_id: Mapped[str | None] = mapped_column(id_type())
    username: Mapped[str] = mapped_column(String(64), default="")
    action: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(96), default="")
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    address: Mapped[str] = mapped_column(String(64), default="")
