"""What a report is narrowed by, out of the address. Days are the user's; unknown values are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Subquery, select
from sqlalchemy.orm import Session

from cti.store.models import Airing, Order, OrderLine, OrderStatus, Payment, Product, User
from webui.common.i18n import choose_timezone, to_utc
from webui.common.ids import row_id, valid_id
from webui.common.text import one_line

LONGEST = timedelta(days=20 * 366)


@dataclass(frozen=True)
class Filters:
    """``since`` and ``until`` are both in the report. ``seen``: the condition of the orders the user may see;
    ``agents``: whose calls; ``None``: everybody's."""

    since: date
    until: date
    zone: str
    group: str = ""
    status: str = ""
    payment: str = ""
    agent: str = ""
    department: int = 0
    product: str = ""
    medium: int = 0
    airing: int = 0
    queue: str = ""
    agents: frozenset[str] | None = None
    seen: ColumnElement[bool] | None = None

    @property
    def begin(self) -> datetime:
        return to_utc(datetime.combine(self.since, time()))

    @property
    def end(self) -> datetime:
        return to_utc(datetime.combine(self.until + timedelta(days=1), time()))

    @property
    def by_days(self) -> bool:
        """Whether all that is asked of orders stands in their sums by day: medium, status and payment."""
        return self.seen is None and not (self.agent or self.department or self.product or self.airing)

    def of_days(self, each: Subquery) -> list[ColumnElement[bool]]:
        """The conditions on ``cti.store.rollups.orders``."""
        asked = {"status": self.status, "payment": self.payment, "medium_id": self.medium}
        return [each.c[name] == value for name, value in asked.items() if value]

    def orders(self, session: Session) -> list[ColumnElement[bool]]:
        """The conditions on ``Order``."""
        found: list[Any] = [Order.created_at >= self.begin, Order.created_at < self.end]
        if self.status:
            found.append(Order.status == OrderStatus(self.status))
        if self.payment:
            found.append(Order.payment == Payment(self.payment))
        if self.agent:
            found.append(Order.agent_user_id == self.agent)
        if self.department:
            found.append(Order.agent_user_id.in_(select(User.id).where(User.department_id == self.department)))
        if self.medium:
            found.append(Order.medium_id == self.medium)
        if self.airing:
            found.append(Order.airing_id.in_(select(Airing.id).where(Airing.number == self.airing)))
        if self.product:
            of_code = select(OrderLine.order_id).join(Product).where(Product.code == self.product.upper())
            found.append(Order.id.in_(of_code))
        return found if self.seen is None else [*found, self.seen]


def read(
    args: Mapping[str, str],
    groups: Mapping[str, Any],
    seen: ColumnElement[bool] | None,
    agents: frozenset[str] | None = None,
) -> Filters:
    """This month where no days are given."""
    zone = choose_timezone()
    today = datetime.now(ZoneInfo(zone)).date()
    since = day(args.get("since", "")) or today.replace(day=1)
    until = day(args.get("until", "")) or max(today, since)
    until = min(max(since, until), since + LONGEST)
    group, status, payment = args.get("group", ""), args.get("status", ""), args.get("payment", "")
    return Filters(
        since=since,
        until=until,
        zone=zone,
        group=group if group in groups else next(iter(groups)),
        status=status if status in list(OrderStatus) else "",
        payment=payment if payment in list(Payment) else "",
        agent=valid_id(args.get("agent", "")),
        department=row_id(args.get("department")),
        product=one_line(args.get("product", ""), 32),
        medium=row_id(args.get("medium")),
        airing=row_id(args.get("airing")),
        queue=valid_id(args.get("queue", "")),
        agents=agents,
        seen=seen,
    )


def day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 < found.year < 2200 else None
