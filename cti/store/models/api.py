"""Other systems: keys to the API, requests that may be sent again, webhooks and what is to be delivered to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.store.models.base import Base, BigId, UtcDateTime, enum_type, fresh_id, id_type, utc_now
from cti.store.models.people import User


class ApiKey(Base):
    """Only ``digest`` of the key is kept; it begins with ``prefix``. Whoever has it is ``user``, with ``permissions``
    at most; ``rate`` requests a minute."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    name: Mapped[str] = mapped_column(String(128))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)
    rate: Mapped[int] = mapped_column(default=600)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # to the minute

    user: Mapped[User] = relationship(lazy="joined")


class ApiRequest(Base):
    """A POST that was done under its idempotency key, with its answer: sent again, it is answered, not done again."""

    __tablename__ = "api_requests"
    __table_args__ = (Index(None, "created_at"),)

    api_key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))  # of path and body
    status: Mapped[int] = mapped_column(default=0)
    answer: Mapped[Any] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Webhook(Base):
    """Where events go. ``kinds`` as `` order.created ticket.made `` with blanks around each; ``secret`` signs."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    name: Mapped[str] = mapped_column(String(128))
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(64))
    kinds: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class HookState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"  # tried often enough


class HookDelivery(Base):
    """One event for one webhook: written with what it tells of, sent by the worker. ``object`` is ``order/12``."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(None, "state", "next_at"),
        Index(None, "webhook_id", "id"),
        Index(None, "kind", "object"),
        Index(None, "done_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(96))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    state: Mapped[HookState] = mapped_column(enum_type(HookState), default=HookState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(255), default="")

    webhook: Mapped[Webhook] = relationship()
