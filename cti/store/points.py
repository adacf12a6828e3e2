"""Members and points: every change is a line of the ledger, and the balance is their sum.

A member's row is locked first, so that any number of processes at once never spend a point twice, and the balance never
goes below zero. Points are spent in the order in which they end. Takes a session, never commits. Must not know pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cti.domain.errors import BadRequest, CallyardError
from cti.domain.phones import normalise
from cti.store.models import (
    CustomerPhone,
    LineKind,
    Member,
    Order,
    PointEntry,
    PointKind,
    PointRule,
    RuleKind,
    utc_now,
)
from cti.store.numbers import next_number

EXPIRE_AT_ONCE = 500


class NotEnoughPoints(CallyardError):
    """The member has ``left`` points only, or the customer is no member. Nothing was changed."""

    code = "points.short"

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} left", left=left)
        self.left = left


# ------------------------------------------------------------ members


def member(session: Session, customer_id: int) -> Member | None:
    return session.get(Member, customer_id)


def is_member(session: Session, customer_id: int) -> bool:
    return session.scalar(select(Member.customer_id).where(Member.customer_id == customer_id)) is not None


def ensure_member(session: Session, customer_id: int, source: str = "purchase") -> None:
    """Make the customer a member unless he is one; two at once make one."""
    if is_member(session, customer_id):
        return
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    number = str(next_number(session.connection(), "member"))
    row = insert(Member).values(
        customer_id=customer_id, number=number, source=source, balance=0, owed=0, joined_at=utc_now()
    )
    session.execute(row.on_conflict_do_nothing())


def balance(session: Session, customer_id: int) -> int:
    """0 for somebody who is no member."""
    return session.scalar(select(Member.balance).where(Member.customer_id == customer_id)) or 0


def of_number(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to "points of a phone number": what IVR and text messages say. ``BadRequest``.

    Of several customers with one number the members are told, each with number, balance and what ends next; with
    ``since`` and ``until`` (seconds since 1970) also what changed in that period.
    """
    number = request.get("number")
    if not isinstance(number, str) or not number:
        raise BadRequest("number is needed")
    edges = _edges(request)
    found = select(Member).join(CustomerPhone, CustomerPhone.customer_id == Member.customer_id)
    rows = session.scalars(found.where(CustomerPhone.number == normalise(number)).order_by(Member.customer_id).limit(9))
    members = []
    for row in rows.unique():
        ends_at, ending = ends_next(session, row.customer_id)
        members.append(
            {
                "member": row.number,
                "name": row.customer.name,
                "balance": row.balance,
                "ends_at": ends_at.timestamp() if ends_at else None,
                "ending": ending,
            }
            | ({"period": asdict(periods(session, row.customer_id, edges)[0])} if edges else {})
        )
    return {"members": members}


def _edges(request: dict[str, Any]) -> list[datetime]:
    """Begin and end of the period that is asked for; none: empty. ``BadRequest``."""
    given = [request.get("since"), request.get("until")]
    if given == [None, None]:
        return []
    try:
        edges = [datetime.fromtimestamp(float(at or "nan"), UTC) for at in given]
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadRequest("since and until are seconds since 1970") from None
    if edges[0] > edges[1]:
        raise BadRequest("since is after until")
    return edges


def ends_next(session: Session, customer_id: int) -> tuple[datetime | None, int]:
    """When points of the member end next, and how many."""
    kept = (PointEntry.customer_id == customer_id, PointEntry.remaining > 0)
    at = session.scalar(select(func.min(PointEntry.expires_at)).where(*kept))
    if at is None:
        return None, 0
    count = session.scalar(select(func.sum(PointEntry.remaining)).where(*kept, PointEntry.expires_at == at))
    return at, int(count or 0)


# ------------------------------------------------------------ what orders do


def redeem(session: Session, order: Order, user_id: str | None = None) -> None:
    """Take ``order.points_used`` from the customer. ``NotEnoughPoints``. The order must have been flushed."""
    if order.points_used:
        _spend(session, order.customer_id, order.points_used, PointKind.REDEEM, order_id=order.id, user_id=user_id)


def order_completed(session: Session, order: Order) -> int:
    """Points for what was bought, by the rules of the day it was ordered; how many. A second time there are none."""
    ensure_member(session, order.customer_id)
    hold(session, order.customer_id)
    if _sum(session, order.id, PointKind.EARN) > 0:
        return 0
    earned = 0
    for rule in rules_at(session, order.created_at, (RuleKind.SPEND, RuleKind.PRODUCT)):
        count = earned_by(rule, order)
        if count > 0:
            _add(session, order.customer_id, count, PointKind.EARN, rule=rule, order_id=order.id)
            earned += count
    return earned


def order_cancelled(session: Session, order: Order) -> None:
    """All points that were spent on the order come back."""
    _settle(session, order, Decimal(1), order.total)


def order_returned(session: Session, order: Order, amount: Decimal) -> None:
    """Goods worth ``amount`` of the order's total (without shipping) came back: the same share of the points earned
    by the order is taken back, and of those spent on it given back. May be called for each part that comes back."""
    paid = order.total - order.shipping_fee
    earlier = session.scalar(select(func.sum(PointEntry.amount)).where(PointEntry.order_id == order.id)) or Decimal(0)
    share = min(Decimal(1), (earlier + amount) / paid) if paid > 0 else Decimal(1)
    _settle(session, order, share, amount)


def _settle(session: Session, order: Order, share: Decimal, amount: Decimal) -> None:
    """Bring what was taken and given back for an order to ``share`` of what was earned and spent."""
    if member(session, order.customer_id) is None:
        return
    hold(session, order.customer_id)
    earned, taken = _sum(session, order.id, PointKind.EARN), -_sum(session, order.id, PointKind.TAKE_BACK)
    used, given = -_sum(session, order.id, PointKind.REDEEM), _sum(session, order.id, PointKind.GIVE_BACK)
    back, off = int(used * share) - given, int(earned * share) - taken
    if back > 0:
        ends = session.scalar(
            select(PointEntry.expires_at).where(PointEntry.order_id == order.id, PointEntry.kind == PointKind.REDEEM)
        )
        _add(session, order.customer_id, back, PointKind.GIVE_BACK, order_id=order.id, expires_at=ends)
    if earned or used:
        _take_back(session, order.customer_id, max(off, 0), order.id, amount)


def _take_back(session: Session, customer_id: int, count: int, order_id: int, amount: Decimal) -> None:
    """As much as there is; what the member spent already is owed, and kept from what comes next."""
    there = balance(session, customer_id)
    part = min(count, there)
    _spend(session, customer_id, part, PointKind.TAKE_BACK, order_id=order_id, amount=amount)
    if count > part:
        more = update(Member).where(Member.customer_id == customer_id).values(owed=Member.owed + count - part)
        session.execute(more.execution_options(synchronize_session=False))


# ------------------------------------------------------------ rules


def rules_at(session: Session, moment: datetime, kinds: Iterable[RuleKind] = tuple(RuleKind)) -> Sequence[PointRule]:
    """Rules in force; all of them count, one beside the other."""
    query = select(PointRule).where(
        PointRule.active,
        PointRule.kind.in_(list(kinds)),
        PointRule.starts_at <= moment,
        or_(PointRule.ends_at.is_(None), PointRule.ends_at > moment),
    )
    return session.scalars(query.order_by(PointRule.id)).all()


def earned_by(rule: PointRule, order: Order) -> int:
    """What one rule gives for an order; shipping and what was paid with points earn nothing."""
    if rule.kind is RuleKind.SPEND:
        paid = order.total - order.shipping_fee
        return int(paid // rule.spend) * rule.points if rule.spend > 0 and paid > 0 else 0
    sold = (line for line in order.lines if line.kind is LineKind.SALE and line.product_id == rule.product_id)
    return sum(line.quantity for line in sold) * rule.points if rule.kind is RuleKind.PRODUCT else 0


def grant(session: Session, customer_id: int, rule: PointRule, *, user_id: str | None = None, text: str = "") -> None:
    """Points for taking part in something."""
    ensure_member(session, customer_id, "activity")
    hold(session, customer_id)
    _add(session, customer_id, rule.points, PointKind.ACTIVITY, rule=rule, user_id=user_id, text=text)


def adjust(
    session: Session,
    customer_id: int,
    change: int,
    *,
    user_id: str | None = None,
    text: str = "",
    expires_at: datetime | None = None,
) -> None:
    """Put right by hand; points that come in may end. ``NotEnoughPoints``."""
    if change > 0:
        hold(session, customer_id)
        _add(session, customer_id, change, PointKind.ADJUST, expires_at=expires_at, user_id=user_id, text=text)
    elif change < 0:
        _spend(session, customer_id, -change, PointKind.ADJUST, user_id=user_id, text=text)


def expire(session: Session, now: datetime, most: int = EXPIRE_AT_ONCE) -> int:
    """Points whose time is over, of at most ``most`` lines of the ledger; how many lines there were."""
    over = select(PointEntry.id, PointEntry.customer_id).where(PointEntry.expires_at <= now, PointEntry.remaining > 0)
    rows = session.execute(over.order_by(PointEntry.expires_at, PointEntry.id).limit(most)).all()
    for entry_id, customer_id in sorted(rows, key=lambda row: (row[1], row[0])):
        hold(session, customer_id)
        entry = session.get_one(PointEntry, entry_id, populate_existing=True)
        count, entry.remaining = entry.remaining, 0
        if count:
            _write(session, customer_id, -count, PointKind.EXPIRE, order_id=entry.order_id, rule_id=entry.rule_id)
    return len(rows)


def end_due(session: Session, now: datetime) -> int:
    """``expire`` for the job that runs every minute: commits each portion."""
    ended = 0
    while count := expire(session, now):
        session.commit()
        ended += count
    return ended


# ------------------------------------------------------------ statement


@dataclass(frozen=True, slots=True)
class Statement:
    """``opening`` + the changes = ``closing``."""

    opening: int
    entries: Sequence[PointEntry]
    closing: int


def statement(session: Session, customer_id: int, since: datetime, until: datetime) -> Statement:
    """The ledger of a member from ``since`` until before ``until``."""
    mine = PointEntry.customer_id == customer_id
    opening = session.scalar(select(func.sum(PointEntry.change)).where(mine, PointEntry.at < since)) or 0
    within = select(PointEntry).where(mine, PointEntry.at >= since, PointEntry.at < until)
    entries = session.scalars(within.order_by(PointEntry.at, PointEntry.id)).all()
    return Statement(int(opening), entries, int(opening) + sum(entry.change for entry in entries))


@dataclass(frozen=True, slots=True)
class Period:
    """``opening`` + ``earned`` - ``spent`` = ``closing``; what ended or was taken back counts as spent."""

    opening: int
    earned: int
    spent: int
    closing: int


def periods(session: Session, customer_id: int, edges: Sequence[datetime]) -> list[Period]:
    """What changed between each of ``edges``, in order, and the next one."""
    whole = statement(session, customer_id, edges[0], edges[-1])
    found, balance_now = [], whole.opening
    for since, until in pairwise(edges):
        changes = [entry.change for entry in whole.entries if since <= entry.at < until]
        earned, spent = sum(c for c in changes if c > 0), -sum(c for c in changes if c < 0)
        found.append(Period(balance_now, earned, spent, balance_now + earned - spent))
        balance_now = found[-1].closing
    return found


# ------------------------------------------------------------ how it is done


def hold(session: Session, customer_id: int) -> int:
    """Nobody else changes this member until the transaction ends: a write, as SQLite has no other lock. The balance."""
    same = update(Member).where(Member.customer_id == customer_id).values(balance=Member.balance)
    held = same.returning(Member.balance).execution_options(synchronize_session=False)
    return session.scalar(held) or 0


def _add(
    session: Session,
    customer_id: int,
    count: int,
    kind: PointKind,
    *,
    rule: PointRule | None = None,
    expires_at: datetime | None = None,
    **facts: Any,
) -> None:
    """Points come in; what the member owes is kept at once."""
    if rule is not None:
        facts |= {"rule_id": rule.id, "text": facts.get("text") or rule.name}
        expires_at = utc_now() + timedelta(days=rule.valid_days) if rule.valid_days else None
    _write(session, customer_id, count, kind, remaining=count, expires_at=expires_at, **facts)
    owed = session.scalar(select(Member.owed).where(Member.customer_id == customer_id)) or 0
    kept = min(owed, count)
    if kept:
        less = update(Member).where(Member.customer_id == customer_id).values(owed=Member.owed - kept)
        session.execute(less.execution_options(synchronize_session=False))
        _spend(session, customer_id, kept, PointKind.TAKE_BACK)


def _spend(session: Session, customer_id: int, count: int, kind: PointKind, **facts: Any) -> None:
    """Points go out, those first that end first. ``NotEnoughPoints``."""
    there = hold(session, customer_id)
    if count > there:
        raise NotEnoughPoints(there)
    lots = (
        select(PointEntry)
        .where(PointEntry.customer_id == customer_id, PointEntry.remaining > 0)
        .order_by(PointEntry.expires_at.is_(None), PointEntry.expires_at, PointEntry.id)
        .execution_options(populate_existing=True)
    )
    missing, ends = count, None
    for lot in session.scalars(lots):
        if not missing:
            break
        part = min(lot.remaining, missing)
        lot.remaining -= part
        missing -= part
        ends = lot.expires_at
    _write(session, customer_id, -count, kind, expires_at=ends, **facts)


def _write(session: Session, customer_id: int, change: int, kind: PointKind, **facts: Any) -> None:
    """The line of the ledger and the balance, together; the balance never below zero."""
    session.flush()
    moved = (
        update(Member)
        .where(Member.customer_id == customer_id, Member.balance + change >= 0)
        .values(balance=Member.balance + change)
        .returning(Member.balance)
        .execution_options(synchronize_session=False)
    )
    now = session.scalar(moved)
    if now is None:
        raise NotEnoughPoints(balance(session, customer_id))
    known = session.identity_map.get(session.identity_key(Member, customer_id))
    if known is not None:
        session.expire(known)
    session.add(PointEntry(customer_id=customer_id, kind=kind, change=change, balance=now, **facts))
    session.flush()


def _sum(session: Session, order_id: int, kind: PointKind) -> int:
    query = select(func.sum(PointEntry.change)).where(PointEntry.order_id == order_id, PointEntry.kind == kind)
    return int(session.scalar(query) or 0)
