"""The account of an order: what is off the bill, what came in, what is paid back; refunds by two people.

An order's total never changes. ``Account`` tells where it stands: total = credited + received - refunded + with the
carriers + written off - to be refunded + due, to the cent. Nothing here commits; callers hold the order's lock.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from cti.domain.errors import MoneyRefused
from cti.domain.orders import (
    CreditKind,
    DifferenceKind,
    DifferenceState,
    InvoiceState,
    ParcelState,
    ReceiptKind,
    RefundState,
)
from cti.store.actors import Actor, audit
from cti.store.models import CarrierDifference, Credit, Invoice, Order, Parcel, Receipt, Refund, utc_now
from cti.store.numbers import next_number

NOTHING = Decimal("0.00")
FEW = 500
LOST = (
    CarrierDifference.kind == DifferenceKind.SHORT,
    CarrierDifference.state == DifferenceState.WRITTEN_OFF,
)
OPEN_REFUNDS = (RefundState.REQUESTED, RefundState.APPROVED)


@dataclass(frozen=True)
class Account:
    """``with_carriers``: collected from the customer and not handed over yet; ``written_off``: nor ever will be.

    ``due`` below 0: paid too much.
    """

    total: Decimal = NOTHING
    credited: Decimal = NOTHING
    received: Decimal = NOTHING
    refunded: Decimal = NOTHING
    to_refund: Decimal = NOTHING
    with_carriers: Decimal = NOTHING
    written_off: Decimal = NOTHING

    @property
    def due(self) -> Decimal:
        collected = self.with_carriers + self.written_off
        paid = self.received + collected - self.refunded - self.to_refund
        return self.total - self.credited - paid

    @property
    def kept(self) -> Decimal:
        return self.received - self.refunded


def account(session: Session, order: Order) -> Account:
    return accounts(session, {order.id: order.total})[order.id]


def accounts(session: Session, totals: dict[int, Decimal]) -> dict[int, Account]:
    """Accounts of the orders whose totals are given by id."""
    found = {key: Account(total=total) for key, total in totals.items()}
    paid = Refund.state == RefundState.PAID
    for name, column, owner, conditions in (
        ("credited", Credit.amount, Credit.order_id, ()),
        ("received", Receipt.amount, Receipt.order_id, ()),
        ("refunded", Refund.amount, Refund.order_id, (paid,)),
        ("to_refund", Refund.amount, Refund.order_id, (Refund.state.in_(OPEN_REFUNDS),)),
        ("written_off", CarrierDifference.amount, CarrierDifference.order_id, LOST),
        ("with_carriers", Parcel.cod_amount, Parcel.order_id, (Parcel.state == ParcelState.SIGNED,)),
    ):
        for key, amount in _sums(session, column, owner, conditions, totals).items():
            found[key] = replace(found[key], **{name: amount})
    handed = (Receipt.kind == ReceiptKind.CARRIER,)
    for key, amount in _sums(session, Receipt.amount, Receipt.order_id, handed, totals).items():
        found[key] = replace(found[key], with_carriers=found[key].with_carriers - amount)
    for key, one in found.items():
        if one.written_off:
            found[key] = replace(one, with_carriers=one.with_carriers - one.written_off)
    return found


def _sums(
    session: Session, amount: Any, owner: Any, conditions: Collection[ColumnElement[bool]], ids: Collection[int]
) -> dict[int, Decimal]:
    """By order; many orders are read as a range of ids, which may bring others along that are left out."""
    few = len(ids) <= FEW
    wanted = owner.in_(sorted(ids)) if few else owner.between(min(ids), max(ids))
    query = select(owner, func.sum(amount, type_=amount.type)).where(wanted, *conditions).group_by(owner)
    return {row[0]: row[1] for row in session.execute(query) if row[0] in ids}


def credit(session: Session, order: Order, kind: CreditKind, amount: Decimal, return_id: int | None = None) -> None:
    """Take ``amount`` off the bill; nothing at all when it is 0."""
    if amount > account(session, order).total - account(session, order).credited:
        raise MoneyRefused("more than the bill", why="too_much")
    if amount:
        session.add(Credit(order_id=order.id, kind=kind, amount=amount, return_id=return_id))
        session.flush()


def receive(session: Session, order: Order, amount: Decimal, reference: str, actor: Actor) -> Receipt:
    """The customer's money came in, all or a part of what is due."""
    actor.must("finance.receive")
    if not NOTHING < amount <= account(session, order).due:
        raise MoneyRefused("not what is due", why="not_due")
    receipt = Receipt(
        order_id=order.id, kind=ReceiptKind.PAYMENT, amount=amount, reference=reference, user_id=actor.user_id
    )
    session.add(receipt)
    session.flush()
    after = {"amount": str(amount), "reference": reference}
    audit(session, actor, "money.receive", f"order/{order.id}", None, after)
    return receipt


def move(session: Session, source: Order, target: Order, amount: Decimal, actor: Actor) -> None:
    """What was paid for ``source`` pays for ``target``, which replaces it."""
    for order, sign in ((source, -1), (target, 1)):
        session.add(
            Receipt(
                order_id=order.id,
                kind=ReceiptKind.EXCHANGE,
                amount=sign * amount,
                reference=target.number if order is source else source.number,
                user_id=actor.user_id,
            )
        )
    session.flush()


def ask_for_excess(
    session: Session, order: Order, actor: Actor, reason: str, return_id: int | None = None
) -> Refund | None:
    """Ask to pay back what was paid too much, if anything was."""
    excess = -account(session, order).due
    if excess <= 0:
        return None
    refund = Refund(
        number=next_number(session.connection(), "refund"),
        order_id=order.id,
        return_id=return_id,
        amount=excess,
        reason=reason,
        asked_by=actor.user_id,
    )
    session.add(refund)
    session.flush()
    after = {"number": refund.number, "amount": str(excess)}
    audit(session, actor, "refund.ask", f"refund/{refund.id}", None, after)
    return refund


def decide(session: Session, refund_id: int, approve: bool, actor: Actor) -> Refund:
    """Approve or reject; never by the one who asked."""
    actor.must("refunds.approve")
    state = RefundState.APPROVED if approve else RefundState.REJECTED
    refund = _advance(session, refund_id, RefundState.REQUESTED, state)
    if refund.asked_by == actor.user_id:
        raise MoneyRefused("asked and approved by one person", why="same_person")
    refund.decided_at, refund.decided_by = utc_now(), actor.user_id
    audit(session, actor, "refund.decide", f"refund/{refund.id}", {"state": RefundState.REQUESTED}, {"state": state})
    session.flush()
    return refund


def pay_back(session: Session, refund_id: int, reference: str, actor: Actor, at: datetime | None = None) -> Refund:
    """An approved refund was paid."""
    actor.must("refunds.pay")
    refund = _advance(session, refund_id, RefundState.APPROVED, RefundState.PAID)
    refund.paid_at, refund.paid_by, refund.reference = at or utc_now(), actor.user_id, reference
    after = {"state": RefundState.PAID, "reference": reference}
    audit(session, actor, "refund.pay", f"refund/{refund.id}", {"state": RefundState.APPROVED}, after)
    session.flush()
    return refund


def _advance(session: Session, refund_id: int, before: RefundState, after: RefundState) -> Refund:
    """One statement moves it on, so that two people do not."""
    moved = update(Refund).where(Refund.id == refund_id, Refund.state == before).values(state=after)
    if session.execute(moved.returning(Refund.id)).first() is None:
        raise MoneyRefused(f"not {before}", why="state")
    return session.get_one(Refund, refund_id, populate_existing=True)


def issue_invoice(session: Session, order: Order, title: str, tax_number: str, actor: Actor) -> Invoice:
    """An invoice over what is to be paid in the end. Callers hold the order's lock: there is one at a time."""
    actor.must("invoices.write")
    valid = select(Invoice.id).where(Invoice.order_id == order.id, Invoice.state == InvoiceState.ISSUED)
    if session.scalar(valid) is not None:
        raise MoneyRefused("there is an invoice", why="invoiced")
    now = account(session, order)
    if now.total - now.credited <= 0 or not title:
        raise MoneyRefused("nothing to invoice", why="nothing")
    invoice = Invoice(
        number=next_number(session.connection(), "invoice"),
        order_id=order.id,
        title=title,
        tax_number=tax_number,
        amount=now.total - now.credited,
        issued_by=actor.user_id,
    )
    session.add(invoice)
    session.flush()
    after = {"number": invoice.number, "amount": str(invoice.amount), "title": title}
    audit(session, actor, "invoice.issue", f"invoice/{invoice.id}", None, after)
    return invoice


def void_invoice(session: Session, invoice_id: int, reason: str, actor: Actor) -> Invoice:
    """The number stays used."""
    actor.must("invoices.write")
    if not reason:
        raise MoneyRefused("no reason", why="reason")
    voided = (
        update(Invoice)
        .where(Invoice.id == invoice_id, Invoice.state == InvoiceState.ISSUED)
        .values(state=InvoiceState.VOID, void_at=utc_now(), void_by=actor.user_id, void_reason=reason)
    )
    if session.execute(voided.returning(Invoice.id)).first() is None:
        raise MoneyRefused("not valid", why="state")
    audit(session, actor, "invoice.void", f"invoice/{invoice_id}", None, {"reason": reason})
    return session.get_one(Invoice, invoice_id, populate_existing=True)
