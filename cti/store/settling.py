"""Cash on delivery: what a carrier collected against what it hands over, statement by statement.

A statement lists every signed parcel that is not handed over in full. What the carrier reports less is carried over to
the next statement, claimed or written off, as each line says; what it reports more is kept apart: ``differences.py``.
A closed statement never changes: whatever tries to change one is refused here, not in pages. Nothing commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, event, select, update
from sqlalchemy.orm import Mapper, Session

from cti.domain.errors import MoneyRefused
from cti.domain.orders import DifferenceKind, DifferenceState, LineDecision, ParcelState, ReceiptKind, SettlementState
from cti.machines.difference import DifferenceEvent
from cti.store import differences
from cti.store.actors import Actor, audit
from cti.store.differences import lock_carrier, owed
from cti.store.models import CarrierDifference, Parcel, Receipt, Settlement, SettlementLine, utc_now
from cti.store.numbers import next_number

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Reported:
    """One row of a carrier's statement: what it collected, and what it keeps for itself."""

    waybill: str
    amount: Decimal
    fee: Decimal = NOTHING


def open_statement(
    session: Session, carrier_id: int, since: date, until: date, end: datetime, actor: Actor
) -> Settlement:
    """A statement of everything open that was signed before ``end``, the first moment after ``until``."""
    actor.must("finance.settle")
    if since > until or until - since > timedelta(days=366):
        raise MoneyRefused("not a period", why="period")
    lock_carrier(session, carrier_id)  # one statement at a time
    still_open = select(Settlement.id).where(
        Settlement.carrier_id == carrier_id, Settlement.state == SettlementState.OPEN
    )
    if session.scalar(still_open) is not None:
        raise MoneyRefused("there is an open one", why="open")
    made = Settlement(carrier_id=carrier_id, since=since, until=until, created_by=actor.user_id)
    for parcel, amount in _open_parcels(session, carrier_id, end):
        made.lines.append(SettlementLine(parcel_id=parcel.id, waybill=parcel.waybill, expected=amount))
    _sum(made)
    session.add(made)
    session.flush()
    after = {"carrier": carrier_id, "since": since.isoformat(), "until": until.isoformat(), "lines": len(made.lines)}
    audit(session, actor, "settlement.create", f"settlement/{made.id}", None, after)
    return made


def _open_parcels(session: Session, carrier_id: int, end: datetime) -> list[tuple[Parcel, Decimal]]:
    """Signed before ``end`` and not handed over in full, each with what is missing."""
    signed = (Parcel.carrier_id == carrier_id, Parcel.state == ParcelState.SIGNED, Parcel.cod_amount > Decimal(0))
    query = select(Parcel).where(*signed, Parcel.finished_at < end).order_by(Parcel.finished_at, Parcel.id)
    parcels = session.scalars(query).all()
    left = owed(session, parcels)
    return [(parcel, left[parcel.id]) for parcel in parcels if left[parcel.id]]


def lock(session: Session, settlement_id: int) -> Settlement:
    """The statement, held until the end of the transaction; ``MoneyRefused`` when it is closed."""
    held = (
        update(Settlement)
        .where(Settlement.id == settlement_id, Settlement.state == SettlementState.OPEN)
        .values(state=SettlementState.OPEN)
    )
    if session.execute(held.returning(Settlement.id)).first() is None:
        raise MoneyRefused("closed", why="closed")
    return session.get_one(Settlement, settlement_id, populate_existing=True)


def report(session: Session, settlement_id: int, rows: Iterable[Reported], actor: Actor) -> Settlement:
    """Put down what the carrier says. A waybill that is not on the statement becomes a line of its own: with what is
    owed for it if it is a signed parcel of this carrier, else where we expect nothing."""
    actor.must("finance.settle")
    settlement = lock(session, settlement_id)
    lines = {line.waybill: line for line in settlement.lines}
    for row in rows:
        if row.amount < 0 or row.fee < 0:
            raise MoneyRefused("below 0", why="amount")
        line = lines.get(row.waybill)
        if line is None:
            line = lines[row.waybill] = _more(session, settlement, row.waybill)
        line.reported, line.fee = row.amount, row.fee
    _sum(settlement)
    session.flush()
    return settlement


def _more(session: Session, settlement: Settlement, waybill: str) -> SettlementLine:
    signed = (Parcel.carrier_id == settlement.carrier_id, Parcel.state == ParcelState.SIGNED)
    parcel = session.scalars(select(Parcel).where(Parcel.waybill == waybill, *signed)).first()
    line = SettlementLine(waybill=waybill, expected=NOTHING, fee=NOTHING)
    if parcel is not None:
        line.parcel_id, line.expected = parcel.id, owed(session, [parcel])[parcel.id]
    settlement.lines.append(line)
    return line


def agree(session: Session, settlement_id: int, actor: Actor) -> Settlement:
    """The carrier reports exactly what we expect wherever it has said nothing yet."""
    settlement = lock(session, settlement_id)
    silent = [Reported(line.waybill, line.expected, line.fee) for line in settlement.lines if line.reported is None]
    return report(session, settlement_id, silent, actor)


def explain(
    session: Session,
    settlement_id: int,
    notes: Mapping[int, str],
    actor: Actor,
    decisions: Mapping[int, LineDecision] | None = None,
) -> None:
    """Words to the differences, and what is to become of them, by line."""
    actor.must("finance.settle")
    for line in lock(session, settlement_id).lines:
        if line.id in notes:
            line.note = notes[line.id]
        if decisions and line.id in decisions:
            line.decision = decisions[line.id]
    session.flush()


def close(session: Session, settlement_id: int, actor: Actor) -> Settlement:
    """Book what was handed over, keep what differs, give the statement its number. Each difference needs its words."""
    actor.must("finance.settle")
    settlement = lock(session, settlement_id)
    lock_carrier(session, settlement.carrier_id)
    left = owed(session, [line.parcel for line in settlement.lines if line.parcel])
    for line in settlement.lines:  # a claim may have been paid since the statement was begun
        line.expected = left[line.parcel.id] if line.parcel else NOTHING
    if any(line.difference and not line.note.strip() for line in settlement.lines):
        raise MoneyRefused("a difference without a word", why="unexplained")
    if not settlement.lines:
        raise MoneyRefused("nothing to close", why="nothing")
    _sum(settlement)
    session.flush()  # the lines, before they are closed
    settlement.number = next_number(session.connection(), "settlement")
    for line in sorted(settlement.lines, key=lambda line: line.id):
        _book(session, settlement, line, actor)
    settlement.closed_at, settlement.closed_by = utc_now(), actor.user_id
    settlement.state = SettlementState.CLOSED
    after = {"number": settlement.number, "reported": str(settlement.reported), "fee": str(settlement.fee)}
    audit(session, actor, "settlement.close", f"settlement/{settlement.id}", None, after)
    session.flush()
    return settlement


def _book(session: Session, settlement: Settlement, line: SettlementLine, actor: Actor) -> None:
    """What was handed over for the parcel pays for its order; what differs is kept as the line says."""
    amount = min(line.reported or NOTHING, line.expected)
    if line.parcel is not None and amount > 0:
        session.add(
            Receipt(
                order_id=line.parcel.order_id,
                kind=ReceiptKind.CARRIER,
                amount=amount,
                reference=line.waybill,
                parcel_id=line.parcel.id,
                settlement_id=settlement.id,
                user_id=actor.user_id,
            )
        )
    if not line.difference:
        return
    short = line.difference < 0
    kind = DifferenceKind.SHORT if short else DifferenceKind.OVER if line.parcel else DifferenceKind.UNKNOWN
    new = CarrierDifference(
        carrier_id=settlement.carrier_id,
        settlement_id=settlement.id,
        parcel_id=line.parcel_id,
        order_id=line.parcel.order_id if line.parcel else None,
        waybill=line.waybill,
        kind=kind,
        state=DifferenceState.OPEN,
        amount=abs(line.difference),
    )
    differences.found(session, new, line.note, actor)
    if short:
        differences.advance(session, new.id, DifferenceEvent(line.decision), actor, line.note)


def drop(session: Session, settlement_id: int, actor: Actor) -> None:
    """Throw an open statement away; it has no number yet."""
    actor.must("finance.settle")
    settlement = lock(session, settlement_id)
    audit(session, actor, "settlement.drop", f"settlement/{settlement.id}", {"lines": len(settlement.lines)}, {})
    session.delete(settlement)
    session.flush()


def _sum(settlement: Settlement) -> None:
    settlement.expected = sum((line.expected or NOTHING for line in settlement.lines), NOTHING)
    settlement.reported = sum((line.reported or NOTHING for line in settlement.lines), NOTHING)
    settlement.fee = sum((line.fee or NOTHING for line in settlement.lines), NOTHING)


# ---------------------------------------------------------------- closed is closed


@event.listens_for(Settlement, "before_update")
@event.listens_for(Settlement, "before_delete")
def _keep(_mapper: Mapper[Any], connection: Connection, settlement: Settlement) -> None:
    if _is_closed(connection, settlement.id):
        raise MoneyRefused("closed", why="closed")


@event.listens_for(SettlementLine, "before_insert")
@event.listens_for(SettlementLine, "before_update")
@event.listens_for(SettlementLine, "before_delete")
def _keep_line(_mapper: Mapper[Any], connection: Connection, line: SettlementLine) -> None:
    if _is_closed(connection, line.settlement_id):
        raise MoneyRefused("closed", why="closed")


def _is_closed(connection: Connection, settlement_id: int) -> bool:
    table = Settlement.__table__
    state = connection.scalar(select(table.c.state).where(table.c.id == settlement_id))
    return state is not None and SettlementState(state) is SettlementState.CLOSED
