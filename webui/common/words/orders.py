"""What states and events of orders, parcels, returns and money are called, and why something was refused, in words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _

LABELS: dict[str, dict[str, Any]] = {
    "order_status": {
        "new": _("To review"),
        "held": _("Put aside"),
        "confirmed": _("Confirmed"),
        "picking": _("Being picked"),
        "packed": _("Packed"),
        "shipped": _("Shipped"),
        "completed": _("Signed for"),
        "refused": _("Refused by customer"),
        "lost": _("Lost by carrier"),
        "returning": _("Coming back"),
        "returned": _("Returned"),
        "exchanged": _("Exchanged"),
        "cancelled": _("Cancelled"),
    },
    "order_event": {
        "takeBack": _("Cancel order"),
        "rewrite": _("Write anew"),
        "merge": _("Merge"),
        "hold": _("Put aside"),
        "resume": _("Take up again"),
        "confirm": _("Confirm"),
        "reopen": _("Back to review"),
        "void": _("Void"),
        "pick": _("Pick"),
        "unpick": _("Back to picking"),
        "pack": _("Pack"),
        "ship": _("Ship"),
        "track": _("Parcel tracked"),
        "sign": _("Signed for"),
        "refuse": _("Refused"),
        "lose": _("Lost"),
        "return": _("Take goods back"),
        "callOff": _("Nothing comes back"),
        "receive": _("Inspect what came back"),
        "receivePart": _("Inspect a part"),
        "exchange": _("Exchange"),
        "split": _("Split"),
        "address": _("Address changed"),
    },
    "order_flag": {
        "address": _("Address incomplete"),
        "phone": _("Phone number missing"),
        "double": _("Ordered twice?"),
        "price": _("Below list price"),
    },
    "parcel_state": {
        "sent": _("Under way"),
        "signed": _("Signed for"),
        "refused": _("Refused by customer"),
        "lost": _("Lost by carrier"),
    },
    "return_kind": {"return": _("Return"), "exchange": _("Exchange"), "refusal": _("Parcel not taken")},
    "return_state": {"awaited": _("Awaited"), "inspected": _("Inspected"), "called_off": _("Called off")},
    "refund_state": {
        "requested": _("To approve"),
        "approved": _("To pay"),
        "paid": _("Paid"),
        "rejected": _("Rejected"),
    },
    "receipt_kind": {"payment": _("Payment"), "carrier": _("From carrier"), "exchange": _("By exchange")},
    "credit_kind": {
        "cancelled": _("Cancelled"),
        "returned": _("Returned"),
        "lost": _("Lost by carrier"),
        "exchanged": _("Exchanged"),
    },
    "settlement_state": {"open": _("Being checked"), "closed": lazy_pgettext("settlement", "Closed")},
    "difference_kind": {
        "short": _("Paid short"),
        "over": _("Paid too much"),
        "unknown": _("Unknown waybill"),
        "damaged": _("Damaged or lost"),
    },
    "difference_state": {
        "open": _("To decide"),
        "carried": lazy_pgettext("difference", "Carried over"),
        "claimed": _("Claimed"),
        "asked": _("Write-off to approve"),
        "writtenOff": _("Written off"),
        "settled": lazy_pgettext("difference", "Settled"),
    },
    "difference_event": {
        "carry": _("Carry over"),
        "claim": _("Claim from the carrier"),
        "ask": _("Ask to write off"),
        "approve": _("Approve the write-off"),
        "decline": _("Do not write off"),
        "paid": _("The carrier paid"),
        "assign": _("Belongs to a parcel"),
        "giveBack": _("Given back to the carrier"),
    },
    "line_decision": {
        "carry": _("Carry over"),
        "claim": _("Claim from the carrier"),
        "ask": _("Ask to write off"),
    },
    "invoice_state": {"issued": _("Valid"), "void": _("Void")},
    "books_wrong": {
        "owed": _("Paid too much, no refund asked for"),
        "unpaid": _("Delivered, but something is still due"),
        "billed": _("Nothing delivered, but still on the bill"),
        "beyond": _("More than the order is worth"),
    },
    "told_wrong": {
        "result": _("Result not understood"),
        "date": _("Date not understood or not possible"),
        "twice": _("Waybill twice in this file"),
        "unknown": _("No such waybill of this carrier"),
        "done": _("Entered before"),
        "amount": _("Not an amount"),
    },
}

AUDIT: dict[str, Any] = {
    "order.address": _("Address of an order changed"),
    "pick.create": _("Pick list made"),
    "carrier.create": _("Carrier created"),
    "carrier.change": _("Carrier changed"),
    "carrier.import": _("Carrier's file taken in"),
    "money.receive": _("Payment entered"),
    "refund.ask": _("Refund asked for"),
    "refund.decide": _("Refund decided"),
    "refund.pay": _("Refund paid"),
    "invoice.issue": _("Invoice issued"),
    "invoice.void": _("Invoice voided"),
    "settlement.create": _("Settlement begun"),
    "settlement.close": _("Settlement closed"),
    "settlement.drop": _("Settlement thrown away"),
    "difference.create": _("Difference with a carrier found"),
    "difference.step": _("Difference with a carrier decided"),
    "tariff.create": _("Tariff created"),
    "tariff.change": _("Tariff changed"),
    "tariff.delete": _("Tariff removed"),
}

WHY: dict[str, Any] = {
    "reason": _("Say why: a reason is needed."),
    "gone": _("This order is not there."),
    "waybill": _("Enter the waybill number."),
    "waybill_used": _("This waybill number is used for another parcel. Check it."),
    "carrier": _("Choose a carrier that is in use."),
    "paid": _("The customer has paid for this order. Void it and take a new one; what was paid is then refunded."),
    "unpaid": _("This order is to be paid before it is shipped. Enter the payment first."),
    "parcel": _("There is no parcel of this order."),
    "pieces": _("Check the numbers of pieces: they do not fit what the customer has."),
    "not_open": _("Only orders under review can be split or merged."),
    "under_way": _("The order is in the warehouse's hands. Take it back first."),
    "different": _("Only orders of one customer, address and way to pay are merged."),
    "points": _("Points or discount would be worth more than what stays. Change the order instead."),
    "too_much": _("That is more than the order is worth."),
    "not_due": _("That is not what is due. Look at the order's account."),
    "same_person": _("Whoever asked for a refund cannot approve it. Ask a colleague."),
    "state": _("Somebody was faster: this was done already."),
    "invoiced": _("There is a valid invoice for this order. Void it first."),
    "nothing": _("There is nothing to do here: no amount, or no title."),
    "period": _("Check the period: the last day is not before the first, and at most a year later."),
    "open": _("There is an open settlement with this carrier. Close it first."),
    "closed": _("This settlement is closed and cannot be changed."),
    "unexplained": _("Write a word to each line that differs, then close."),
    "amount": _("This is not an amount."),
    "no_parcel": _("There is no such parcel of this carrier. Check the waybill."),
    "no_difference": _("This difference is not there."),
    "not_owed": _("That is not what is owed. Check the amount and the waybill."),
    "same_writer": _("Whoever asked for the write-off cannot approve it. Ask a colleague."),
}


def refusal(code: str, params: dict[str, Any]) -> str:
    """What to tell the person, and what to do about it."""
    if code == "order.changed":
        return gettext("Order %(number)s was moved on by somebody else. Look at it again.", **params)
    return str(WHY.get(str(params.get("why")), gettext("That is not possible at this moment.")))
