"""What an order can be, and what happens to its parcel, goods and money, as plain values."""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    NEW = "new"  # taken, to be reviewed
    HELD = "held"
    CONFIRMED = "confirmed"  # reviewed, to be picked
    PICKING = "picking"
    PACKED = "packed"
    SHIPPED = "shipped"
    COMPLETED = "completed"  # signed for by the customer
    REFUSED = "refused"  # the customer did not take it, the parcel is on its way back
    LOST = "lost"  # by the carrier
    RETURNING = "returning"  # the customer sends goods back
    RETURNED = "returned"
    EXCHANGED = "exchanged"
    CANCELLED = "cancelled"


class ParcelState(StrEnum):
    SENT = "sent"
    SIGNED = "signed"
    REFUSED = "refused"
    LOST = "lost"


class ReturnKind(StrEnum):
    RETURN = "return"
    EXCHANGE = "exchange"
    REFUSAL = "refusal"  # a parcel that was not taken


class ReturnState(StrEnum):
    AWAITED = "awaited"
    INSPECTED = "inspected"
    CALLED_OFF = "called_off"


class ReceiptKind(StrEnum):
    """How money of an order came in."""

    PAYMENT = "payment"
    CARRIER = "carrier"  # cash on delivery, handed over by the carrier
    EXCHANGE = "exchange"  # moved from the order whose goods came back, negative there


class CreditKind(StrEnum):
    """Why a customer need not pay a part of an order's total."""

    CANCELLED = "cancelled"
    RETURNED = "returned"
    LOST = "lost"
    EXCHANGED = "exchanged"


class RefundState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    PAID = "paid"
    REJECTED = "rejected"


class SettlementState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class DifferenceKind(StrEnum):
    """What a carrier did otherwise than we expected."""

    SHORT = "short"  # it handed over less than it collected
    OVER = "over"  # more than it owed for a parcel of ours
    UNKNOWN = "unknown"  # money for a waybill that we do not know
    DAMAGED = "damaged"  # it broke or lost goods


class DifferenceState(StrEnum):
    OPEN = "open"  # to be decided
    CARRIED = "carried"  # stands on the next statement
    CLAIMED = "claimed"
    ASKED = "asked"  # to be written off, if somebody else agrees
    WRITTEN_OFF = "writtenOff"
    SETTLED = "settled"  # paid, assigned or given back


class LineDecision(StrEnum):
    """What is to become of a line's difference when its statement closes."""

    CARRY = "carry"
    CLAIM = "claim"
    WRITE_OFF = "ask"


class InvoiceState(StrEnum):
    ISSUED = "issued"
    VOID = "void"
