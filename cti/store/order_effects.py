"""What follows from an order's event: parcels, goods in the stock, points, the bill. One function an effect.

Must not know who may do what, nor how the order is locked: ``cti.store.orders`` calls these inside its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cti.domain.errors import OrderRefused
from cti.domain.orders import CreditKind, OrderStatus, ParcelState, ReturnKind, ReturnState
from cti.machines.order import OrderEffect, OrderEvent
from cti.store import money, points, stock
from cti.store.actors import Actor
from cti.store.models import (
    Carrier,
    LineKind,
    Order,
    OrderHandling,
    Parcel,
    Payment,
    Return,
    ReturnLine,
)
from cti.store.numbers import next_number, numbered_last
from cti.store.pieces import copy, parts, twin

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Sent:
    carrier_id: int
    waybill: str


@dataclass(frozen=True)
class Wanted:
    """Pieces that are to come back, by line; parts of a bundle come with it."""

    pieces: Mapping[int, int]
    kind: ReturnKind = ReturnKind.RETURN


@dataclass(frozen=True)
class Inspected:
    """Pieces that came back, by line of the order: fit to be sold again, and not."""

    good: Mapping[int, int]
    bad: Mapping[int, int]


@dataclass
class Doing:
    """One event while it is done. ``facts`` go into the history."""

    session: Session
    order: Order
    event: OrderEvent
    actor: Actor
    reason: str
    at: datetime
    sent: Sent | None = None
    wanted: Wanted | None = None
    inspected: Inspected | None = None
    back: Return | None = None
    facts: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- goods and points


def release(doing: Doing) -> None:
    stock.release(doing.session, doing.order.lines)


def take(doing: Doing) -> None:
    stock.take(doing.session, doing.order.lines)


def restock(doing: Doing) -> None:
    """Good pieces, and the parts of bundles among them; the others stay off the books."""
    if doing.back is None:
        return
    pieces: dict[int, int] = {}
    lines = {line.id: line for line in doing.order.lines}
    for came in doing.back.lines:
        line = lines[came.order_line_id]
        pieces[line.id] = came.good
        for part in parts(doing.order, line):
            pieces[part.id] = part.quantity * came.good // line.quantity
    stock.put_back(doing.session, doing.order.lines, pieces)


def earn(doing: Doing) -> None:
    """Points for what was bought; not a second time for what replaces it."""
    replaces = select(Return.id).where(Return.replacement_id == doing.order.id)
    if doing.session.scalar(replaces.limit(1)) is None:
        points.order_completed(doing.session, doing.order)


def give_back(doing: Doing) -> None:
    if doing.back is None:
        points.order_cancelled(doing.session, doing.order)
    else:
        points.order_returned(doing.session, doing.order, doing.back.amount)


# ---------------------------------------------------------------- parcels


def send(doing: Doing) -> None:
    """The parcel, with what its carrier collects. What is not cash on delivery is paid before it goes."""
    if doing.sent is None or not doing.sent.waybill:
        raise OrderRefused("no waybill", why="waybill")
    carrier = doing.session.get(Carrier, doing.sent.carrier_id)
    if carrier is None or not carrier.active:
        raise OrderRefused("no carrier", why="carrier")
    due = money.account(doing.session, doing.order).due
    collected = doing.order.payment is Payment.CASH_ON_DELIVERY
    if due > 0 and not collected:
        raise OrderRefused("not paid", why="unpaid")
    parcel = Parcel(
        order_id=doing.order.id,
        carrier_id=carrier.id,
        waybill=doing.sent.waybill,
        cod_amount=due if collected else Decimal(0),
        sent_at=doing.at,
    )
    try:
        with doing.session.begin_nested():
            doing.session.add(parcel)
    except IntegrityError:
        raise OrderRefused("the waybill is used", why="waybill_used") from None
    doing.facts |= {"carrier": carrier.code, "waybill": parcel.waybill}


def note(doing: Doing) -> None:
    the_parcel(doing).note = doing.reason


def arrive(doing: Doing) -> None:
    parcel = the_parcel(doing)
    ends = {OrderEvent.SIGN: ParcelState.SIGNED, OrderEvent.REFUSE: ParcelState.REFUSED}
    parcel.state = ends.get(doing.event, ParcelState.LOST)
    parcel.finished_at, parcel.note = doing.at, doing.reason
    doing.facts["waybill"] = parcel.waybill


def the_parcel(doing: Doing) -> Parcel:
    parcel = newest_parcel(doing.session, doing.order.id)
    if parcel is None:
        raise OrderRefused("no parcel", why="parcel")
    return parcel


def newest_parcel(session: Session, order_id: int) -> Parcel | None:
    return session.scalars(
        select(Parcel).where(Parcel.order_id == order_id).order_by(Parcel.id.desc()).limit(1)
    ).first()


# ---------------------------------------------------------------- what comes back


def expect(doing: Doing) -> None:
    """Write down what is to come back: what the customer says, or after a refusal everything."""
    left = outstanding(doing.session, doing.order)
    refused = doing.event is OrderEvent.REFUSE
    pieces = dict(left) if refused else {k: n for k, n in (doing.wanted.pieces if doing.wanted else {}).items() if n}
    if not pieces:
        raise OrderRefused("nothing comes back", why="pieces")
    if any(not 0 < n <= left.get(line_id, 0) for line_id, n in pieces.items()):
        raise OrderRefused("more than was sent", why="pieces")
    doing.back = Return(
        number=next_number(doing.session.connection(), "return"),
        order_id=doing.order.id,
        kind=ReturnKind.REFUSAL if refused else doing.wanted.kind if doing.wanted else ReturnKind.RETURN,
        reason=doing.reason,
        asked_at=doing.at,
        asked_by=doing.actor.user_id,
        lines=[ReturnLine(order_line_id=line_id, quantity=n) for line_id, n in sorted(pieces.items())],
    )
    doing.session.add(doing.back)
    doing.session.flush()
    doing.facts["return"] = doing.back.number


def call_off(doing: Doing) -> None:
    back = awaited(doing.session, doing.order.id)
    if back is not None:
        back.state = ReturnState.CALLED_OFF


def awaited(session: Session, order_id: int) -> Return | None:
    query = select(Return).where(Return.order_id == order_id, Return.state == ReturnState.AWAITED)
    return session.scalars(query.order_by(Return.id.desc()).limit(1)).first()


def outstanding(session: Session, order: Order) -> dict[int, int]:
    """Pieces that the customer has, by line; parts of bundles are not counted by themselves."""
    came = (
        select(ReturnLine.order_line_id, func.sum(ReturnLine.good + ReturnLine.bad))
        .join(Return)
        .where(Return.order_id == order.id, Return.state == ReturnState.INSPECTED)
        .group_by(ReturnLine.order_line_id)
    )
    back: dict[int, int] = {line_id: int(pieces) for line_id, pieces in session.execute(came)}
    left = {line.id: line.quantity - back.get(line.id, 0) for line in order.lines if line.kind is not LineKind.PART}
    return {line_id: pieces for line_id, pieces in left.items() if pieces}


def inspect(doing: Doing) -> None:
    """Good pieces into the stock. Whether everything came back must be what the event says."""
    back = doing.back = awaited(doing.session, doing.order.id)
    if back is None or doing.inspected is None:
        raise OrderRefused("nothing is awaited", why="pieces")
    found = doing.inspected
    if {*found.good, *found.bad} - {line.order_line_id for line in back.lines}:
        raise OrderRefused("something else came back", why="pieces")
    left = outstanding(doing.session, doing.order)
    for line in back.lines:
        good, bad = found.good.get(line.order_line_id, 0), found.bad.get(line.order_line_id, 0)
        if good < 0 or bad < 0 or good + bad > line.quantity:
            raise OrderRefused("more than was awaited", why="pieces")
        line.good, line.bad = good, bad
        left[line.order_line_id] -= good + bad
    came = sum(line.good + line.bad for line in back.lines)
    whole = not any(left.values())
    if not came or (doing.event is not OrderEvent.EXCHANGE and whole is not (doing.event is OrderEvent.RECEIVE)):
        raise OrderRefused("not what the event says", why="pieces")
    back.state, back.inspected_at, back.inspected_by = ReturnState.INSPECTED, doing.at, doing.actor.user_id
    doing.session.flush()
    doing.facts |= {"return": back.number, "pieces": came, "written_off": sum(line.bad for line in back.lines)}


# ---------------------------------------------------------------- the bill


def credit(doing: Doing) -> None:
    """What came back, was lost or never went is off the bill; shipping only when nothing stays with the customer."""
    now = money.account(doing.session, doing.order)
    left = now.total - now.credited
    kinds = {OrderStatus.CANCELLED: CreditKind.CANCELLED, OrderStatus.LOST: CreditKind.LOST}
    kind = kinds.get(doing.order.status, CreditKind.RETURNED)
    if doing.back is None:
        amount = left
    else:
        amount = off_the_bill(doing.session, doing.order) - now.credited
        kind = CreditKind.EXCHANGED if doing.event is OrderEvent.EXCHANGE else CreditKind.RETURNED
        doing.back.amount = amount
    money.credit(doing.session, doing.order, kind, amount, doing.back.id if doing.back else None)
    doing.facts["credited"] = str(amount)


def off_the_bill(session: Session, order: Order) -> Decimal:
    """How much of the total all that came back so far is worth; its share of discounts stays with it."""
    left = outstanding(session, order)
    if not left:
        return order.total
    sold = [line for line in order.lines if line.kind is not LineKind.PART]
    goods = sum((line.amount for line in sold), Decimal(0))
    came = sum((line.amount * (line.quantity - left.get(line.id, 0)) / line.quantity for line in sold), Decimal(0))
    if not goods:
        return Decimal(0)
    return ((order.total - order.shipping_fee) * came / goods).quantize(CENT, ROUND_HALF_UP)


def refund(doing: Doing) -> None:
    asked = money.ask_for_excess(
        doing.session, doing.order, doing.actor, doing.reason or str(doing.event), doing.back.id if doing.back else None
    )
    if asked is not None:
        doing.facts["refund"] = asked.number


def replace(doing: Doing) -> None:
    """A new order with the same goods; what was paid for those that came back pays for it."""
    assert doing.back is not None
    old, session = doing.order, doing.session
    new = twin(old, doing.actor.user_id or old.agent_user_id)
    copy(old, {line.order_line_id: line.good + line.bad for line in doing.back.lines}, new)
    new.goods_total, new.total = sum((line.amount for line in new.lines), Decimal(0)), doing.back.amount
    new.discount = max(new.goods_total - new.total, Decimal(0))
    new.shipping_fee = max(new.total - new.goods_total, Decimal(0))
    with numbered_last(session, new):
        session.add(new)
        session.flush()
        stock.reserve(session, new.lines)
    paid = -money.account(session, old).due
    if paid > 0:
        money.move(session, old, new, paid, doing.actor)
    doing.back.replacement_id = new.id
    handling(session, new).origin_id = old.id
    doing.facts["replacement"] = new.number


def handling(session: Session, order: Order) -> OrderHandling:
    """The order's notes of review and warehouse, made at the first need."""
    note = session.get(OrderHandling, order.id)
    if note is None:
        note = OrderHandling(order_id=order.id)
        session.add(note)
        session.flush()
    return note


EFFECTS: dict[OrderEffect, Callable[[Doing], None]] = {
    OrderEffect.RELEASE: release,
    OrderEffect.TAKE: take,
    OrderEffect.EARN: earn,
    OrderEffect.GIVE_BACK: give_back,
    OrderEffect.SEND: send,
    OrderEffect.NOTE: note,
    OrderEffect.ARRIVE: arrive,
    OrderEffect.AWAIT: expect,
    OrderEffect.CALL_OFF: call_off,
    OrderEffect.INSPECT: inspect,
    OrderEffect.RESTOCK: restock,
    OrderEffect.CREDIT: credit,
    OrderEffect.REFUND: refund,
    OrderEffect.REPLACE: replace,
}
