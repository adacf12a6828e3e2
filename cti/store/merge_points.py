"""Points of two members who are one: the ledger moves them, by a line on each side. Undo gives back what is left.

The loser stays a member with its number and its ledger; only the balance goes. Used by ``cti.store.merging``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import points
from cti.store.models import PointEntry


class PointsKeeper:
    name = "points"

    def merge(self, session: Session, winner: int, loser: int, user_id: str | None) -> Any:
        return self._carry(session, loser, winner, points.balance(session, loser), user_id)

    def part(self, session: Session, winner: int, loser: int, memo: Any, user_id: str | None) -> None:
        """No more than the winner still has: what was spent since stays spent."""
        self._carry(session, winner, loser, min(int(memo), points.balance(session, winner)), user_id)

    def _carry(self, session: Session, giver: int, taker: int, count: int, user_id: str | None) -> int:
        """``count`` points, those first that end first; each ends when it would have ended."""
        if count <= 0:
            return 0
        lots = self._lots(session, giver, count)
        points.ensure_member(session, taker, "merge")
        points.adjust(session, giver, -count, user_id=user_id, text=f"→ {taker}")
        for some, ends in lots:
            points.adjust(session, taker, some, user_id=user_id, text=f"← {giver}", expires_at=ends)
        return count

    def _lots(self, session: Session, giver: int, count: int) -> list[tuple[int, datetime | None]]:
        there = (
            select(PointEntry.remaining, PointEntry.expires_at)
            .where(PointEntry.customer_id == giver, PointEntry.remaining > 0)
            .order_by(PointEntry.expires_at.is_(None), PointEntry.expires_at, PointEntry.id)
        )
        lots = []
        for remaining, ends in session.execute(there):
            part = min(remaining, count)
            count -= part
            if part:
                lots.append((part, ends))
        return lots
