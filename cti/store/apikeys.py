"""Keys to the API: random, shown once, kept as a digest. Must not know pages."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cti.store.models import ApiKey

BEGIN = "cyk_"
PREFIX = 12
TOLD = timedelta(minutes=1)  # how exactly the last use is kept


def make(
    session: Session, name: str, user_id: str, permissions: Iterable[str], expires_at: datetime | None, rate: int
) -> tuple[ApiKey, str]:
    """A new key and, this once, its text. The caller commits."""
    prefix = BEGIN + secrets.token_hex((PREFIX - len(BEGIN)) // 2)
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(name=name, prefix=prefix, digest=digest(text), user_id=user_id, permissions=sorted(permissions))
    key.expires_at, key.rate = expires_at, rate
    session.add(key)
    session.flush()
    return key, text


def find(session: Session, text: str, now: datetime) -> ApiKey | None:
    """The key with this text, if it may still be used and its user is active."""
    if not text.startswith(BEGIN) or len(text) > 128 or not text.isascii():
        return None
    key = session.scalars(select(ApiKey).where(ApiKey.prefix == text[:PREFIX])).first()
    if key is None or not hmac.compare_digest(key.digest, digest(text)):
        return None
    over = key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now)
    return None if over or not key.user.active else key


def touch(session: Session, key: ApiKey, now: datetime) -> None:
    """Keep when it was last used, once a minute. Commits."""
    if key.used_at is None or now - key.used_at >= TOLD:
        session.execute(update(ApiKey).where(ApiKey.id == key.id).values(used_at=now))
        session.commit()


def digest(text: str) -> str:
    """The key is as random as a digest: nothing slower is needed to keep it from being guessed."""
    return hashlib.sha256(text.encode()).hexdigest()
