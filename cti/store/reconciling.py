"""Do the books add up? Orders' totals against what is off the bill, paid, with carriers and still due, to the cent.

``due`` is what follows from the other figures; whether it may be so follows from the order's state: who has the goods
and shall keep them owes nothing any more, and nobody is owed money that nobody was asked to pay back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from cti.domain.orders import OrderStatus
from cti.store.models import Order, Payment
from cti.store.money import NOTHING, Account, accounts

CHUNK = 2_000
SETTLED = frozenset(
    {OrderStatus.COMPLETED, OrderStatus.RETURNING, OrderStatus.RETURNED, OrderStatus.EXCHANGED}
    | {OrderStatus.CANCELLED, OrderStatus.LOST}
)
"""States in which the customer owes nothing any more."""
OFF = frozenset({OrderStatus.CANCELLED, OrderStatus.LOST, OrderStatus.RETURNED})
"""States in which nothing of the total is left on the bill."""


@dataclass(frozen=True)
class Sums:
    """``total`` = ``credited`` + ``received`` - ``refunded`` + ``with_carriers`` - ``to_refund`` + ``due``."""

    orders: int = 0
    total: Decimal = NOTHING
    credited: Decimal = NOTHING
    received: Decimal = NOTHING
    refunded: Decimal = NOTHING
    to_refund: Decimal = NOTHING
    with_carriers: Decimal = NOTHING
    due: Decimal = NOTHING

    def plus(self, account: Account) -> Sums:
        money = {f.name: getattr(self, f.name) + getattr(account, f.name) for f in fields(self) if f.name != "orders"}
        return Sums(orders=self.orders + 1, **money)

    @property
    def adds_up(self) -> bool:
        kept = self.received - self.refunded + self.with_carriers - self.to_refund
        return self.total == self.credited + kept + self.due


@dataclass(frozen=True)
class Odd:
    """An order whose account cannot be right. ``why`` is a stable name."""

    order_id: int
    number: str
    status: OrderStatus
    why: str
    account: Account


@dataclass(frozen=True)
class Books:
    whole: Sums
    by_status: dict[OrderStatus, Sums]
    by_payment: dict[Payment, Sums]
    odd: list[Odd]


def books(session: Session, since: datetime, until: datetime, most_odd: int = 200) -> Books:
    """The accounts of all orders taken in the time, summed; and those that are not as they must be."""
    whole, by_status, by_payment, odd = Sums(), dict[OrderStatus, Sums](), dict[Payment, Sums](), list[Odd]()
    for order_id, number, status, payment, account in _accounts(session, since, until):
        whole = whole.plus(account)
        by_status[status] = by_status.get(status, Sums()).plus(account)
        by_payment[payment] = by_payment.get(payment, Sums()).plus(account)
        why = wrong(status, account)
        if why and len(odd) < most_odd:
            odd.append(Odd(order_id, number, status, why, account))
    return Books(whole, by_status, by_payment, odd)


def wrong(status: OrderStatus, account: Account) -> str:
    """Why this account cannot be right, or empty."""
    if account.due < 0:
        return "owed"  # paid too much, and nobody was asked to pay it back
    if status in SETTLED and account.due > 0:
        return "unpaid"
    if status in OFF and account.credited != account.total:
        return "billed"
    if account.with_carriers < 0 or account.credited > account.total:
        return "beyond"
    return ""


def _accounts(
    session: Session, since: datetime, until: datetime
) -> Iterator[tuple[int, str, OrderStatus, Payment, Account]]:
    columns = select(Order.id, Order.number, Order.status, Order.payment, Order.total)
    taken: Iterable[ColumnElement[bool]] = (Order.created_at >= since, Order.created_at < until)
    last = 0
    while True:
        rows = session.execute(columns.where(*taken, Order.id > last).order_by(Order.id).limit(CHUNK)).all()
        if not rows:
            return
        last = rows[-1].id
        found = accounts(session, {row.id: row.total for row in rows})
        for row in rows:
            yield row.id, row.number, row.status, row.payment, found[row.id]
