"""Pages of long lists by key, never by offset: the millionth row costs what the first does. Must not know any table."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import Session

PAGE_SIZE = 50

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """``older`` is the cursor of the next page, or empty at the end."""

    rows: Sequence[Row]
    older: str = ""


def page(
    session: Session,
    query: Select[*tuple[Any, ...]],
    keys: tuple[Any, Any],
    cursor: str,
    key_of: Callable[[Any], tuple[datetime, Any]],
    size: int = PAGE_SIZE,
) -> Page[Any]:
    """The newest ``size`` rows before ``cursor``, ordered by ``keys`` (time, unique id), newest first."""
    time, unique = keys
    after = decode(cursor)
    if after is not None:
        moment, last = after
        query = query.where(time <= moment, or_(time < moment, and_(time == moment, unique < last)))
    rows = session.execute(query.order_by(time.desc(), unique.desc()).limit(size + 1)).all()
    values = [row[0] if len(row) == 1 else row for row in rows]
    more = len(values) > size
    values = values[:size]
    return Page(values, encode(*key_of(values[-1])) if more and values else "")


def encode(moment: datetime, unique: int | str) -> str:
    raw = json.dumps([round(moment.timestamp() * 1_000_000), unique]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, Any] | None:
    """The key in a cursor; anything else that came in the address is the first page."""
    try:
        micros, unique = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(micros, int) or not isinstance(unique, int | str) or isinstance(unique, bool):
            return None
        return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000), unique
    except (ValueError, TypeError, binascii.Error, OverflowError, OSError):
        return None
