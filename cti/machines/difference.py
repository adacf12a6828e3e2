"""What becomes of money that a carrier handed over differently, and who may decide it.

A short payment is carried over to the next statement, claimed from the carrier, or written off by two people; a surplus
belongs to another parcel, is given back, or is kept by two people; broken goods are claimed. ``OF`` says which events a
kind takes, ``WHO`` names the permission for each; both hold whatever page the event comes from.
"""

from __future__ import annotations

from enum import StrEnum

from cti.domain.orders import DifferenceKind as K
from cti.domain.orders import DifferenceState as S
from cti.machines.table import Table, step


class DifferenceEvent(StrEnum):
    CARRY = "carry"  # it stands on the carrier's next statement
    CLAIM = "claim"  # the carrier is asked for it
    ASK = "ask"  # somebody wants it written off
    APPROVE = "approve"  # and somebody else agrees
    DECLINE = "decline"  # or does not
    PAID = "paid"  # the carrier paid what was claimed, all or a part
    ASSIGN = "assign"  # the money belongs to a parcel, whose waybill was wrong or which was paid short
    GIVE_BACK = "giveBack"  # the carrier got its money back


class DifferenceEffect(StrEnum):
    SECOND = "second"  # by another person than the one who asked
    RECEIVE = "receive"  # money of the parcel came in
    PLACE = "place"  # a surplus pays for another parcel


_E, _F = DifferenceEvent, DifferenceEffect

TABLE: Table[S, DifferenceEvent, DifferenceEffect] = {
    (S.OPEN, _E.CARRY): (S.CARRIED, ()),
    (S.OPEN, _E.CLAIM): (S.CLAIMED, ()),
    (S.OPEN, _E.ASK): (S.ASKED, ()),
    (S.OPEN, _E.ASSIGN): (S.SETTLED, (_F.PLACE,)),
    (S.OPEN, _E.GIVE_BACK): (S.SETTLED, ()),
    (S.CLAIMED, _E.PAID): (S.SETTLED, (_F.RECEIVE,)),
    (S.CLAIMED, _E.CARRY): (S.CARRIED, ()),
    (S.CLAIMED, _E.ASK): (S.ASKED, ()),
    (S.ASKED, _E.APPROVE): (S.WRITTEN_OFF, (_F.SECOND,)),
    (S.ASKED, _E.DECLINE): (S.OPEN, ()),
}

WHO: dict[DifferenceEvent, str] = {
    _E.CARRY: "finance.settle",
    _E.CLAIM: "finance.settle",
    _E.ASK: "finance.settle",
    _E.APPROVE: "finance.write_off",
    _E.DECLINE: "finance.write_off",
    _E.PAID: "finance.settle",
    _E.ASSIGN: "finance.settle",
    _E.GIVE_BACK: "finance.settle",
}

_WRITE_OFF = frozenset({_E.ASK, _E.APPROVE, _E.DECLINE})
_SURPLUS = _WRITE_OFF | {_E.ASSIGN, _E.GIVE_BACK}
OF: dict[K, frozenset[DifferenceEvent]] = {
    K.SHORT: _WRITE_OFF | {_E.CARRY, _E.CLAIM, _E.PAID},
    K.OVER: _SURPLUS,
    K.UNKNOWN: _SURPLUS,
    K.DAMAGED: _WRITE_OFF | {_E.CLAIM, _E.PAID},
}


def possible(kind: K, state: S) -> tuple[DifferenceEvent, ...]:
    """Events that a difference of this kind takes in ``state``, in the order of the table."""
    return tuple(event for (at, event) in TABLE if at is state and event in OF[kind])


def next_state(kind: K, state: S, event: DifferenceEvent) -> tuple[S, tuple[DifferenceEffect, ...]]:
    """Raises ``IllegalTransition``."""
    return step({pair: to for pair, to in TABLE.items() if pair[1] in OF[kind]}, state, event)
