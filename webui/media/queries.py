"""What airings brought. Takes a session; must not know requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, select
from sqlalchemy.orm import Session

from cti.domain.orders import OrderStatus
from cti.store import media
from cti.store.models import Airing, Order

VOID = (OrderStatus.CANCELLED, OrderStatus.REFUSED, OrderStatus.LOST, OrderStatus.RETURNED)
"""Orders that bring no money in the end."""


@dataclass(frozen=True)
class Brought:
    """``amount`` is that of all ``orders``, ``net`` without those that came to nothing."""

    calls: int = 0
    orders: int = 0
    amount: Decimal = Decimal(0)
    void: int = 0
    net: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def __add__(self, other: Brought) -> Brought:
        mine, its = vars(self), vars(other)
        return Brought(**{name: value + its[name] for name, value in mine.items()})

    @property
    def conversion(self) -> float | None:
        """Orders of a hundred calls."""
        return self.orders * 100 / self.calls if self.calls else None

    @property
    def back(self) -> Decimal | None:
        """Net amount for each unit of money that was paid."""
        return (self.net / self.cost).quantize(Decimal("0.01")) if self.cost else None


def order_sums() -> tuple[Any, ...]:
    """Columns: orders, amount, orders that came to nothing, net amount."""
    void = Order.status.in_(VOID)
    nothing = func.coalesce(func.sum(case((void, 1), else_=0)), 0)
    net = func.sum(case((void, None), else_=Order.total), type_=Order.total.type)
    return func.count(Order.id), func.sum(Order.total, type_=Order.total.type), nothing, net


def sums_of(each: Subquery) -> tuple[Any, ...]:
    """The same columns out of sums by status: of ``orders`` and ``total``."""
    void, money = each.c.status.in_(VOID), each.c.total.type
    count = func.coalesce(func.sum(each.c.orders), 0)
    nothing = func.coalesce(func.sum(case((void, each.c.orders), else_=0)), 0)
    net = func.sum(case((void, None), else_=each.c.total), type_=money)
    return count, func.sum(each.c.total, type_=money), nothing, net


def brought(
    session: Session,
    airings: Select[*tuple[Any, ...]],
    costs: dict[int, Decimal],
    seen: ColumnElement[bool] | None = None,
) -> dict[int, Brought]:
    """By the id of each airing that ``airings`` selects; ``costs`` are theirs."""
    calls = media.calls_of(session, airings)
    sums = select(Order.airing_id, *order_sums()).where(Order.airing_id.in_(airings)).group_by(Order.airing_id)
    orders = {row[0]: row[1:] for row in session.execute(sums if seen is None else sums.where(seen))}
    found = {}
    for airing_id, cost in costs.items():
        count, amount, void, net = orders.get(airing_id, (0, None, 0, None))
        found[airing_id] = Brought(calls.get(airing_id, 0), count, amount or Decimal(0), void, net or Decimal(0), cost)
    return found


def starting(since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    """Ids of airings that begin in the time."""
    return select(Airing.id).where(Airing.starts_at >= since, Airing.starts_at < until)
