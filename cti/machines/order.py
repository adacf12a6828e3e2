"""The order's states after it was taken, and who may move it on.

Rules: goods stay reserved until they leave the house or the order is cancelled. What left the house comes back only by
an inspection, which is also what takes it off the bill. A parcel lost by the carrier is off the bill at once. ``WHO``
names the permission for each event; it holds whatever page or file the event comes from.
"""

from __future__ import annotations

from enum import StrEnum

from cti.domain.orders import OrderStatus as S
from cti.machines.table import Table, step


class OrderEvent(StrEnum):
    TAKE_BACK = "takeBack"  # by whoever took it, before anybody reviewed it
    REWRITE = "rewrite"  # another one is stored in its place
    MERGE = "merge"  # its goods go with another order of the customer
    HOLD = "hold"
    RESUME = "resume"
    CONFIRM = "confirm"
    REOPEN = "reopen"  # back to review
    VOID = "void"
    PICK = "pick"
    UNPICK = "unpick"
    PACK = "pack"
    SHIP = "ship"
    TRACK = "track"  # the carrier says where the parcel is
    SIGN = "sign"
    REFUSE = "refuse"
    LOSE = "lose"
    RETURN = "return"  # the customer wants to send something back
    CALL_OFF = "callOff"  # and does not after all
    RECEIVE = "receive"  # everything came back and was inspected
    RECEIVE_PART = "receivePart"  # a part of it did
    EXCHANGE = "exchange"  # it came back, and an order with the same goods follows


class OrderEffect(StrEnum):
    SEND = "send"  # a parcel with its waybill, and with what the carrier collects
    NOTE = "note"  # the parcel says what its carrier said last
    ARRIVE = "arrive"  # what became of the parcel
    AWAIT = "await"  # goods that are to come back are written down
    CALL_OFF = "callOff"  # and do not come after all
    RELEASE = "release"  # reserved goods are free again
    TAKE = "take"  # reserved goods leave the stock
    INSPECT = "inspect"  # what came back is written down, good or bad
    RESTOCK = "restock"  # good pieces go back into the stock, the others are written off
    EARN = "earn"  # points for what was bought
    GIVE_BACK = "giveBack"  # points that were spent are given back, earned ones taken back
    CREDIT = "credit"  # what came back, or never went, need not be paid
    REFUND = "refund"  # what was paid too much is asked to be paid back
    REPLACE = "replace"  # a new order with the same goods, paid by the old one


_E, _F = OrderEvent, OrderEffect
_CANCEL = (_F.RELEASE, _F.GIVE_BACK, _F.CREDIT, _F.REFUND)
_CAME_BACK = (_F.INSPECT, _F.RESTOCK, _F.CREDIT, _F.GIVE_BACK, _F.REFUND)

TABLE: Table[S, OrderEvent, OrderEffect] = {
    (S.NEW, _E.CONFIRM): (S.CONFIRMED, ()),
    (S.NEW, _E.HOLD): (S.HELD, ()),
    (S.NEW, _E.TAKE_BACK): (S.CANCELLED, _CANCEL),
    (S.NEW, _E.VOID): (S.CANCELLED, _CANCEL),
    (S.NEW, _E.REWRITE): (S.CANCELLED, _CANCEL),
    (S.NEW, _E.MERGE): (S.CANCELLED, (_F.CREDIT,)),
    (S.HELD, _E.RESUME): (S.NEW, ()),
    (S.HELD, _E.REWRITE): (S.CANCELLED, _CANCEL),
    (S.HELD, _E.VOID): (S.CANCELLED, _CANCEL),
    (S.CONFIRMED, _E.PICK): (S.PICKING, ()),
    (S.CONFIRMED, _E.REOPEN): (S.NEW, ()),
    (S.CONFIRMED, _E.HOLD): (S.HELD, ()),
    (S.CONFIRMED, _E.VOID): (S.CANCELLED, _CANCEL),
    (S.PICKING, _E.PACK): (S.PACKED, ()),
    (S.PICKING, _E.UNPICK): (S.CONFIRMED, ()),
    (S.PICKING, _E.VOID): (S.CANCELLED, _CANCEL),
    (S.PACKED, _E.SHIP): (S.SHIPPED, (_F.TAKE, _F.SEND)),
    (S.PACKED, _E.UNPICK): (S.CONFIRMED, ()),
    (S.PACKED, _E.VOID): (S.CANCELLED, _CANCEL),
    (S.SHIPPED, _E.TRACK): (S.SHIPPED, (_F.NOTE,)),
    (S.SHIPPED, _E.SIGN): (S.COMPLETED, (_F.ARRIVE, _F.EARN)),
    (S.SHIPPED, _E.REFUSE): (S.REFUSED, (_F.ARRIVE, _F.AWAIT)),
    (S.SHIPPED, _E.LOSE): (S.LOST, (_F.ARRIVE, _F.GIVE_BACK, _F.CREDIT, _F.REFUND)),
    (S.REFUSED, _E.TRACK): (S.REFUSED, (_F.NOTE,)),
    (S.REFUSED, _E.RECEIVE): (S.RETURNED, _CAME_BACK),
    (S.REFUSED, _E.LOSE): (S.LOST, (_F.ARRIVE, _F.CALL_OFF, _F.GIVE_BACK, _F.CREDIT, _F.REFUND)),
    (S.COMPLETED, _E.RETURN): (S.RETURNING, (_F.AWAIT,)),
    (S.RETURNING, _E.CALL_OFF): (S.COMPLETED, (_F.CALL_OFF,)),
    (S.RETURNING, _E.RECEIVE): (S.RETURNED, _CAME_BACK),
    (S.RETURNING, _E.RECEIVE_PART): (S.COMPLETED, _CAME_BACK),
    (S.RETURNING, _E.EXCHANGE): (S.EXCHANGED, (_F.INSPECT, _F.CREDIT, _F.REPLACE, _F.RESTOCK)),
}

WHO: dict[OrderEvent, str] = {
    _E.TAKE_BACK: "orders.write",
    _E.REWRITE: "orders.write",
    _E.MERGE: "orders.review",
    _E.HOLD: "orders.review",
    _E.RESUME: "orders.review",
    _E.CONFIRM: "orders.review",
    _E.REOPEN: "orders.review",
    _E.VOID: "orders.review",
    _E.PICK: "orders.fulfil",
    _E.UNPICK: "orders.fulfil",
    _E.PACK: "orders.fulfil",
    _E.SHIP: "orders.fulfil",
    _E.TRACK: "orders.fulfil",
    _E.SIGN: "orders.fulfil",
    _E.REFUSE: "orders.fulfil",
    _E.LOSE: "orders.fulfil",
    _E.RETURN: "orders.write",
    _E.CALL_OFF: "orders.write",
    _E.RECEIVE: "orders.fulfil",
    _E.RECEIVE_PART: "orders.fulfil",
    _E.EXCHANGE: "orders.fulfil",
}

REASONED = frozenset({_E.HOLD, _E.VOID, _E.TRACK, _E.REFUSE, _E.LOSE, _E.RETURN, _E.CALL_OFF})
"""Events that need a reason in words."""


def possible(state: S) -> tuple[OrderEvent, ...]:
    """Events that ``state`` takes, in the order of the table."""
    return tuple(event for (at, event) in TABLE if at is state)


def next_state(state: S, event: OrderEvent) -> tuple[S, tuple[OrderEffect, ...]]:
    """Raises ``IllegalTransition``."""
    return step(TABLE, state, event)
