"""Money that a carrier handed over differently than it should have: found at a closing, decided here, event by event.

``advance`` is the only way on. It holds the carrier's row, so that one person at a time counts what is owed for a
parcel, writes history and audit, and never commits. What is decided never changes what customers owe.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cti.domain.errors import MoneyRefused
from cti.domain.orders import DifferenceKind, DifferenceState, ParcelState, ReceiptKind
from cti.machines.difference import WHO, DifferenceEffect, DifferenceEvent, next_state
from cti.store.actors import Actor, audit
from cti.store.models import Carrier, CarrierDifference, DifferenceStep, Order, Parcel, Receipt
from cti.store.numbers import next_number

NOTHING = Decimal("0.00")
LONGEST_REASON = 255
CHUNK = 500
HELD = (DifferenceState.OPEN, DifferenceState.CLAIMED, DifferenceState.ASKED, DifferenceState.WRITTEN_OFF)
"""States in which a short payment stands on no statement."""


@dataclass(frozen=True)
class Facts:
    """What some events need to know: how much was paid, the bank's reference, the parcel that money belongs to."""

    amount: Decimal | None = None
    reference: str = ""
    waybill: str = ""


def lock_carrier(session: Session, carrier_id: int) -> None:
    """Held until the end of the transaction. Raises ``MoneyRefused`` when there is none."""
    held = update(Carrier).where(Carrier.id == carrier_id).values(name=Carrier.name)
    if session.execute(held.returning(Carrier.id), execution_options={"synchronize_session": False}).first() is None:
        raise MoneyRefused("no carrier", why="carrier")


def owed(session: Session, parcels: Iterable[Parcel]) -> dict[int, Decimal]:
    """By parcel: collected, not handed over, and not in the hands of somebody who decides a difference."""
    left = {parcel.id: parcel.cod_amount for parcel in parcels}
    for ids in batched(left, CHUNK):
        for key, amount in [*_handed_over(session, ids), *_withheld(session, ids)]:
            left[key] -= amount
    return left


def batched(ids: Iterable[int], size: int) -> list[list[int]]:
    every = list(ids)
    return [every[at : at + size] for at in range(0, len(every), size)]


def found(session: Session, difference: CarrierDifference, reason: str, actor: Actor) -> CarrierDifference:
    """A new difference, with its number. The caller holds the carrier."""
    difference.number = next_number(session.connection(), "difference")
    session.add(difference)
    session.flush()
    after = {"number": difference.number, "kind": difference.kind, "amount": str(difference.amount), "reason": reason}
    audit(session, actor, "difference.create", f"difference/{difference.id}", None, after)
    return difference


def damage(session: Session, waybill: str, amount: Decimal, reason: str, actor: Actor) -> CarrierDifference:
    """Ask the carrier of a parcel to pay for goods that it broke or lost, at most what the order was worth."""
    actor.must(WHO[DifferenceEvent.CLAIM])
    parcel = session.scalars(select(Parcel).where(Parcel.waybill == waybill)).first()
    if parcel is None:
        raise MoneyRefused("no such parcel", why="no_parcel")
    if not reason.strip():
        raise MoneyRefused("no reason", why="reason")
    lock_carrier(session, parcel.carrier_id)
    asked = select(func.coalesce(func.sum(CarrierDifference.amount), 0)).where(
        CarrierDifference.parcel_id == parcel.id, CarrierDifference.kind == DifferenceKind.DAMAGED
    )
    worth = session.get_one(Order, parcel.order_id).goods_total
    if not NOTHING < amount <= worth - (session.scalar(asked) or NOTHING):
        raise MoneyRefused("more than it was worth", why="too_much")
    new = CarrierDifference(
        carrier_id=parcel.carrier_id,
        parcel_id=parcel.id,
        order_id=parcel.order_id,
        waybill=parcel.waybill,
        kind=DifferenceKind.DAMAGED,
        state=DifferenceState.OPEN,
        amount=amount,
    )
    return advance(session, found(session, new, reason, actor).id, DifferenceEvent.CLAIM, actor, reason)


def advance(
    session: Session,
    difference_id: int,
    event: DifferenceEvent,
    actor: Actor,
    reason: str,
    facts: Facts | None = None,
    seen: DifferenceState | None = None,
) -> CarrierDifference:
    """The difference, moved on by ``event``. ``seen``: the state that the user's page showed.

    Raises ``NotPermitted``, ``IllegalTransition``, ``MoneyRefused``; then the caller rolls back.
    """
    actor.must(WHO[event])
    if not reason.strip():
        raise MoneyRefused("no reason", why="reason")
    difference = _lock(session, difference_id)
    if seen is not None and difference.state is not seen:
        raise MoneyRefused("moved on", why="state")
    before, facts = difference.state, facts or Facts()
    difference.state, effects = next_state(difference.kind, before, event)
    told: dict[str, Any] = {"reference": facts.reference} if facts.reference else {}
    for effect in effects:
        if effect is DifferenceEffect.SECOND:
            _second(difference, actor)
        elif effect is DifferenceEffect.RECEIVE:
            told |= _receive(session, difference, facts, actor)
        else:
            told |= _place(session, difference, facts, actor)
    difference.asked_by = actor.user_id if event is DifferenceEvent.ASK else difference.asked_by
    _record(session, difference, event, before, actor, reason, told)
    session.flush()
    return difference


def _lock(session: Session, difference_id: int) -> CarrierDifference:
    carrier_id = session.scalar(select(CarrierDifference.carrier_id).where(CarrierDifference.id == difference_id))
    if carrier_id is None:
        raise MoneyRefused("no such difference", why="no_difference")
    lock_carrier(session, carrier_id)
    return session.get_one(CarrierDifference, difference_id, populate_existing=True)


def _record(
    session: Session,
    difference: CarrierDifference,
    event: DifferenceEvent,
    before: DifferenceState,
    actor: Actor,
    reason: str,
    told: dict[str, Any],
) -> None:
    difference.steps.append(
        DifferenceStep(
            event=event,
            before=before,
            after=difference.state,
            user_id=actor.user_id,
            username=actor.username,
            reason=reason[:LONGEST_REASON],
            facts=told,
        )
    )
    after = {"state": difference.state, "event": event, "reason": reason[:LONGEST_REASON]} | told
    audit(session, actor, "difference.step", f"difference/{difference.id}", {"state": before}, after)


# ---------------------------------------------------------------- what follows


def _second(difference: CarrierDifference, actor: Actor) -> None:
    if difference.asked_by == actor.user_id:
        raise MoneyRefused("asked and approved by one person", why="same_writer")


def _receive(session: Session, difference: CarrierDifference, facts: Facts, actor: Actor) -> dict[str, Any]:
    """The claim was paid, or a part of it: then the rest is claimed on. Broken goods are no money of an order."""
    told = _split(session, difference, difference.amount if facts.amount is None else facts.amount, actor)
    if difference.kind is DifferenceKind.SHORT:
        parcel = session.get_one(Parcel, difference.parcel_id)
        difference.receipt_id = _book(session, parcel, difference.amount, facts.reference, actor)
    return told | {"amount": str(difference.amount)}


def _place(session: Session, difference: CarrierDifference, facts: Facts, actor: Actor) -> dict[str, Any]:
    """A surplus pays what the same carrier owes for a parcel: first what nobody decides on, then what is claimed."""
    parcel = session.scalars(
        select(Parcel).where(
            Parcel.waybill == facts.waybill,
            Parcel.carrier_id == difference.carrier_id,
            Parcel.state == ParcelState.SIGNED,
        )
    ).first()
    if parcel is None:
        raise MoneyRefused("no such parcel", why="no_parcel")
    free = owed(session, [parcel])[parcel.id]
    claimed = session.scalars(
        select(CarrierDifference)
        .where(
            CarrierDifference.parcel_id == parcel.id,
            CarrierDifference.kind == DifferenceKind.SHORT,
            CarrierDifference.state == DifferenceState.CLAIMED,
        )
        .order_by(CarrierDifference.id)
    ).all()
    most = free + sum((one.amount for one in claimed), NOTHING)
    if most <= 0:
        raise MoneyRefused("nothing is owed for it", why="not_owed")
    told = _split(session, difference, min(difference.amount, most), actor)
    if free > 0:
        difference.receipt_id = _book(session, parcel, min(free, difference.amount), difference.waybill, actor)
    rest = difference.amount - min(max(free, NOTHING), difference.amount)
    for one in claimed:
        if rest <= 0:
            break
        part = Facts(min(rest, one.amount), difference.waybill)
        rest -= min(rest, one.amount)
        advance(session, one.id, DifferenceEvent.PAID, actor, str(difference.number), part)
    return told | {"amount": str(difference.amount), "waybill": parcel.waybill}


def _book(session: Session, parcel: Parcel, amount: Decimal, reference: str, actor: Actor) -> int:
    receipt = Receipt(
        order_id=parcel.order_id,
        kind=ReceiptKind.CARRIER,
        amount=amount,
        reference=reference or parcel.waybill,
        parcel_id=parcel.id,
        user_id=actor.user_id,
    )
    session.add(receipt)
    session.flush()
    return receipt.id


def _split(session: Session, difference: CarrierDifference, amount: Decimal, actor: Actor) -> dict[str, Any]:
    """Leave ``amount`` here; the rest goes on as a difference of its own, in the state that this one had."""
    rest = difference.amount - amount
    if amount <= 0 or rest < 0:
        raise MoneyRefused("not what is owed", why="not_owed")
    if not rest:
        return {}
    surplus = difference.kind in (DifferenceKind.OVER, DifferenceKind.UNKNOWN)
    new = CarrierDifference(
        carrier_id=difference.carrier_id,
        settlement_id=difference.settlement_id,
        parcel_id=difference.parcel_id,
        order_id=difference.order_id,
        parent_id=difference.id,
        waybill=difference.waybill,
        kind=difference.kind,
        state=DifferenceState.OPEN if surplus else DifferenceState.CLAIMED,
        amount=rest,
    )
    whole, difference.amount = difference.amount, amount
    return {"of": str(whole), "rest": found(session, new, str(difference.number), actor).number}


# ---------------------------------------------------------------- sums


def _handed_over(session: Session, parcel_ids: Iterable[int]) -> list[tuple[int, Decimal]]:
    total: Any = func.sum(Receipt.amount, type_=Receipt.amount.type)
    query = select(Receipt.parcel_id, total).where(
        Receipt.parcel_id.in_(list(parcel_ids)), Receipt.kind == ReceiptKind.CARRIER
    )
    return [(row[0], row[1]) for row in session.execute(query.group_by(Receipt.parcel_id))]


def _withheld(session: Session, parcel_ids: Iterable[int]) -> list[tuple[int, Decimal]]:
    total: Any = func.sum(CarrierDifference.amount, type_=CarrierDifference.amount.type)
    query = select(CarrierDifference.parcel_id, total).where(
        CarrierDifference.parcel_id.in_(list(parcel_ids)),
        CarrierDifference.kind == DifferenceKind.SHORT,
        CarrierDifference.state.in_(HELD),
    )
    return [(row[0], row[1]) for row in session.execute(query.group_by(CarrierDifference.parcel_id))]
