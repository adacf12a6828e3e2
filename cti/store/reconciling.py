"""Do the books add up? Orders' totals against what is off the bill, paid, with carriers and still due, to the cent;
what carriers collected against where it is.

``due`` is what follows from the other figures; whether it may be so follows from the order's state: who has the goods
and shall keep them owes nothing any more, and nobody is owed money that nobody was asked to pay back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from cti.domain.orders import DifferenceKind, DifferenceState, OrderStatus, ParcelState, ReceiptKind
from cti.store.database import for_large_reads
from cti.store.models import Carrier, CarrierDifference, Order, Parcel, Payment, Receipt, Settlement
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
    """``total`` = ``credited`` + ``received`` - ``refunded`` + ``with_carriers`` + ``written_off`` - ``to_refund``
    + ``due``."""

    orders: int = 0
    total: Decimal = NOTHING
    credited: Decimal = NOTHING
    received: Decimal = NOTHING
    refunded: Decimal = NOTHING
    to_refund: Decimal = NOTHING
    with_carriers: Decimal = NOTHING
    written_off: Decimal = NOTHING
    due: Decimal = NOTHING

    def plus(self, other: Sums) -> Sums:
        return Sums(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def adds_up(self) -> bool:
        kept = self.received - self.refunded + self.with_carriers + self.written_off - self.to_refund
        return self.total == self.credited + kept + self.due


MONEY = tuple(one.name for one in fields(Sums) if one.name != "orders")


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
    cells, odd = dict[tuple[OrderStatus, Payment], _Cell](), list[Odd]()
    for order_id, number, status, payment, account in _accounts(session, since, until):
        cells.setdefault((status, payment), _Cell()).add(account)
        why = wrong(status, account)
        if why and len(odd) < most_odd:
            odd.append(Odd(order_id, number, status, why, account))
    whole, by_status, by_payment = Sums(), dict[OrderStatus, Sums](), dict[Payment, Sums]()
    for (status, payment), cell in cells.items():
        whole = whole.plus(cell.sums)
        by_status[status] = by_status.get(status, Sums()).plus(cell.sums)
        by_payment[payment] = by_payment.get(payment, Sums()).plus(cell.sums)
    return Books(whole, by_status, by_payment, odd)


class _Cell:
    """What orders of one state and one payment add up to, while they are read: many of them, most sums nothing."""

    __slots__ = ("_money", "_orders")

    def __init__(self) -> None:
        self._orders, self._money = 0, dict.fromkeys(MONEY, NOTHING)

    def add(self, account: Account) -> None:
        self._orders += 1
        for name in MONEY:
            if value := getattr(account, name):
                self._money[name] += value

    @property
    def sums(self) -> Sums:
        return Sums(orders=self._orders, **self._money)


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
    ids = select(Order.id).where(*taken).offset(0).subquery()  # read by time: the first by id alone is far behind
    first = session.scalar(select(func.min(ids.c.id)))
    if first is None:
        return
    last = first - 1
    while True:
        rows = session.execute(columns.where(*taken, Order.id > last).order_by(Order.id).limit(CHUNK)).all()
        if not rows:
            return
        last = rows[-1].id
        found = accounts(session, {row.id: row.total for row in rows})
        for row in rows:
            yield row.id, row.number, row.status, row.payment, found[row.id]


# ---------------------------------------------------------------- carriers


@dataclass(frozen=True)
class CarrierSums:
    """What one carrier collected, and where it is: handed over, written off, claimed, with somebody who decides, or to
    stand on a statement. Beyond that: ``surplus`` that it gave us and nobody decided on, ``damage`` that is claimed."""

    carrier_id: int
    name: str
    collected: Decimal = NOTHING
    handed_over: Decimal = NOTHING
    written_off: Decimal = NOTHING
    claimed: Decimal = NOTHING
    undecided: Decimal = NOTHING
    surplus: Decimal = NOTHING
    damage: Decimal = NOTHING

    @property
    def to_settle(self) -> Decimal:
        return self.collected - self.handed_over - self.written_off - self.claimed - self.undecided


def by_carrier(session: Session) -> list[CarrierSums]:
    """Every carrier that ever had to do with money, by name."""
    for_large_reads(session)
    found = {row.id: CarrierSums(row.id, row.name) for row in session.scalars(select(Carrier).order_by(Carrier.name))}
    for carrier_id, column, amount in _carriers_money(session):
        now = found[carrier_id]
        found[carrier_id] = replace(now, **{column: getattr(now, column) + amount})
    return [sums for sums in found.values() if sums != CarrierSums(sums.carrier_id, sums.name)]


def _carriers_money(session: Session) -> Iterator[tuple[int, str, Decimal]]:
    """Carrier, column of the sums, amount."""
    cod: Any = func.sum(Parcel.cod_amount, type_=Parcel.cod_amount.type)
    signed = select(Parcel.carrier_id, cod).where(Parcel.state == ParcelState.SIGNED)
    for carrier_id, amount in session.execute(signed.group_by(Parcel.carrier_id)):
        yield carrier_id, "collected", amount
    for carrier_id, amount in _handed_over(session):
        yield carrier_id, "handed_over", amount
    kept: Any = func.sum(CarrierDifference.amount, type_=CarrierDifference.amount.type)
    keys = (CarrierDifference.carrier_id, CarrierDifference.kind, CarrierDifference.state)
    for carrier_id, kind, state, amount in session.execute(select(*keys, kept).group_by(*keys)):
        column = COLUMNS[kind].get(state)
        if column is not None:
            yield carrier_id, column, amount


def _handed_over(session: Session) -> Iterator[tuple[int, Decimal]]:
    """Nearly all of it by statements, each of which is of one carrier; the rest by parcels."""
    came: Any = func.sum(Receipt.amount, type_=Receipt.amount.type)
    of_carriers = Receipt.kind == ReceiptKind.CARRIER
    by_statement = (
        select(Receipt.settlement_id, came.label("amount")).where(of_carriers).group_by(Receipt.settlement_id)
    )
    each = by_statement.subquery()
    for row in session.execute(select(Settlement.carrier_id, each.c.amount).join(each, each.c[0] == Settlement.id)):
        yield row[0], row[1]
    besides = select(Parcel.carrier_id, came).join(Receipt, Receipt.parcel_id == Parcel.id)
    for row in session.execute(besides.where(of_carriers, Receipt.settlement_id.is_(None)).group_by(Parcel.carrier_id)):
        yield row[0], row[1]


_SURPLUS = dict.fromkeys((DifferenceState.OPEN, DifferenceState.ASKED), "surplus")
_DAMAGE = dict.fromkeys((DifferenceState.OPEN, DifferenceState.ASKED, DifferenceState.CLAIMED), "damage")
COLUMNS: dict[DifferenceKind, dict[DifferenceState, str]] = {
    DifferenceKind.SHORT: {
        DifferenceState.OPEN: "undecided",
        DifferenceState.ASKED: "undecided",
        DifferenceState.CLAIMED: "claimed",
        DifferenceState.WRITTEN_OFF: "written_off",
    },
    DifferenceKind.OVER: _SURPLUS,
    DifferenceKind.UNKNOWN: _SURPLUS,
    DifferenceKind.DAMAGED: _DAMAGE,
}
"""Where the amount of a difference stands among a carrier's sums; what is settled stands in the receipts."""
