"""Calls that ended while no engine was there to see it: their ledgers are closed, with the cause ``lost``.

A call is lost when the database has it open, it is not new, and an engine whose switches are all reconciled does not
know it, twice in a row. The end goes through the durable log like every other event. Must not know the bus.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Call

Document = dict[str, Any]

OLD_ENOUGH = timedelta(seconds=60)
AT_ONCE = 500


class LostCalls:
    """``look`` is given what an engine knows, time after time; it gives the events that close what is lost."""

    def __init__(self) -> None:
        self._suspects: set[str] = set()

    def look(self, session: Session, known: set[str], now: float) -> list[Document]:
        """Events ``callCleared`` for the calls missing now and the last time."""
        before = datetime.fromtimestamp(now, UTC) - OLD_ENOUGH
        query = select(Call.document).where(Call.ended_at.is_(None), Call.created_at < before).limit(AT_ONCE)
        missing = {d["call_id"]: d for d in session.scalars(query) if d["call_id"] not in known}
        lost = [closed(document) for call_id, document in missing.items() if call_id in self._suspects]
        self._suspects = set(missing)
        return lost

    def forget(self) -> None:
        """No engine could be asked: nothing is suspected."""
        self._suspects.clear()


def closed(call: Document) -> Document:
    """The event that ends ``call`` at the last moment anything is known of it."""
    end = max(_times(call))
    legs = [
        leg if leg["ended_at"] is not None else {**leg, "ended_at": end, "state": "null", "cause": "lost"}
        for leg in call["legs"]
    ]
    recordings = [r if r["ended_at"] is not None else {**r, "ended_at": end} for r in call["recordings"]]
    ended = {
        **call,
        "version": call["version"] + 1,
        "state": "ended",
        "ended_at": end,
        "cause": "lost",
        "ended_by": "system",
        "legs": legs,
        "recordings": recordings,
    }
    return {"event": "callCleared", "at": end, "cause": "lost", "call": ended}


def _times(call: Document) -> Iterator[float]:
    for part in (call, *call["legs"], *call["recordings"]):
        yield from (value for name, value in part.items() if name.endswith("_at") and isinstance(value, int | float))
