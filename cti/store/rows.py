"""How many rows a statement changed: who was first, where two want the same."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Insert, Update
from sqlalchemy.orm import Session


def changed(session: Session, statement: Insert | Update | Delete) -> int:
    """Carry it out; the number of rows."""
    return cast(CursorResult[Any], session.execute(statement)).rowcount
