"""The lists of warehouse and finance, and of members: parcels, returns, money in and back, invoices; as their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from cti.domain.orders import ParcelState, RefundState, ReturnState
from cti.store.models import (
    CarrierDifference,
    Customer,
    Invoice,
    Member,
    Order,
    Parcel,
    Receipt,
    Refund,
    Return,
    Settlement,
    User,
    Voicemail,
)
from webui.common import db, scope
from webui.common.ids import row_id
from webui.common.permissions import Permission
from webui.common.rights import Kind
from webui.common.text import one_line
from webui.finance import queries as finance
from webui.followup import queries as followup
from webui.followup.access import queue_ids
from webui.points import queries as points
from webui.transfers.lists import plain, words_of
from webui.transfers.registry import Cell, Column, ListSpec, declare


def of_order(name: str, row: Any) -> Any:
    order = row.order
    return (
        getattr(order.customer, name.removeprefix("customer."))
        if name.startswith("customer.")
        else getattr(order, name)
    )


def order_and_customer() -> list[Column]:
    return [
        Column("order", _("Order"), partial(of_order, "number")),
        Column("customer", _("Customer"), partial(of_order, "customer.name")),
    ]


def parcel_columns() -> Sequence[Column]:
    return [
        Column("carrier", _("Carrier"), lambda row: row.carrier.name),
        plain("waybill", _("Waybill")),
        *order_and_customer(),
        plain("state", _("State"), codes="parcel_state"),
        plain("cod_amount", _("Cash on delivery"), Cell.MONEY),
        plain("sent_at", _("Sent"), Cell.TIME),
        plain("finished_at", lazy_pgettext("moment", "Ended"), Cell.TIME),
        plain("note", _("Note")),
    ]


def parcel_query(args: Mapping[str, str]) -> Select[Any]:
    state, carrier, waybill = args.get("state", ""), row_id(args.get("carrier")), one_line(args.get("q", ""), 64)
    query = select(Parcel).where(Parcel.state == state) if state in set(ParcelState) else select(Parcel)
    query = query.where(Parcel.carrier_id == carrier) if carrier else query
    return query.where(Parcel.waybill == waybill) if waybill else query


def return_columns() -> Sequence[Column]:
    return [
        plain("number", _("No."), Cell.WHOLE),
        *order_and_customer(),
        plain("kind", _("Kind"), codes="return_kind"),
        plain("state", _("State"), codes="return_state"),
        plain("reason", _("Reason")),
        plain("amount", _("Amount"), Cell.MONEY),
        plain("asked_at", _("Time"), Cell.TIME),
        plain("inspected_at", _("Inspected"), Cell.TIME),
    ]


def return_query(args: Mapping[str, str]) -> Select[Any]:
    state = args.get("state", "")
    return select(Return).where(Return.state == state) if state in set(ReturnState) else select(Return)


def refund_columns() -> Sequence[Column]:
    return [
        plain("number", _("No."), Cell.WHOLE),
        *order_and_customer(),
        plain("amount", _("Amount"), Cell.MONEY),
        plain("reason", _("Reason")),
        plain("state", _("State"), codes="refund_state"),
        plain("asked_at", _("Time"), Cell.TIME),
        Column("asked_by", _("Asked by"), words_of(User, "asked_by")),
        Column("decided_by", _("Decided by"), words_of(User, "decided_by")),
        plain("paid_at", _("Paid"), Cell.TIME),
        plain("reference", _("Reference")),
    ]


def refund_query(args: Mapping[str, str]) -> Select[Any]:
    state = args.get("state", "")
    return select(Refund).where(Refund.state == state) if state in set(RefundState) else select(Refund)


def receipt_columns() -> Sequence[Column]:
    orders = {}

    def number(row: Receipt) -> str:
        if row.order_id not in orders:
            orders[row.order_id] = db.session().get_one(Order, row.order_id).number
        return str(orders[row.order_id])

    return [
        plain("at", _("Time"), Cell.TIME),
        Column("order", _("Order"), number),
        plain("kind", _("Kind"), codes="receipt_kind"),
        plain("amount", _("Amount"), Cell.MONEY),
        plain("reference", _("Reference")),
        Column("user", lazy_pgettext("of a step", "Who"), words_of(User, "user_id")),
    ]


def receipt_query(_args: Mapping[str, str]) -> Select[Any]:
    return select(Receipt)


def invoice_columns() -> Sequence[Column]:
    return [
        plain("number", _("No."), Cell.WHOLE),
        Column("order", _("Order"), partial(of_order, "number")),
        plain("title", _("Invoice title")),
        plain("tax_number", _("Tax number")),
        plain("amount", _("Amount"), Cell.MONEY),
        plain("state", _("State"), codes="invoice_state"),
        plain("issued_at", _("Time"), Cell.TIME),
        plain("void_reason", _("Reason")),
    ]


def invoice_query(args: Mapping[str, str]) -> Select[Any]:
    text = one_line(args.get("q", ""), 64)
    return select(Invoice).where(finance.invoice_of(text)) if text else select(Invoice)


def settlement_columns() -> Sequence[Column]:
    return [
        plain("number", _("No."), Cell.WHOLE),
        Column("carrier", _("Carrier"), lambda row: row.carrier.name),
        plain("since", lazy_pgettext("moment", "From"), Cell.DATE),
        plain("until", lazy_pgettext("moment", "until"), Cell.DATE),
        plain("state", _("State"), codes="settlement_state"),
        plain("expected", _("Our books"), Cell.MONEY),
        plain("reported", _("The carrier"), Cell.MONEY),
        plain("fee", _("Fee"), Cell.MONEY),
        plain("closed_at", lazy_pgettext("moment", "Closed"), Cell.TIME),
    ]


def settlement_query(_args: Mapping[str, str]) -> Select[Any]:
    return select(Settlement)


def difference_columns() -> Sequence[Column]:
    return [
        plain("number", _("No."), Cell.WHOLE),
        plain("opened_at", _("Time"), Cell.TIME),
        Column("carrier", _("Carrier"), lambda row: row.carrier.name),
        plain("waybill", _("Waybill")),
        Column("order", _("Order"), lambda row: row.order.number if row.order else ""),
        plain("kind", _("Kind"), codes="difference_kind"),
        plain("amount", _("Amount"), Cell.MONEY),
        plain("state", _("State"), codes="difference_state"),
    ]


def difference_query(args: Mapping[str, str]) -> Select[Any]:
    return finance.differences_in(
        finance.states_of_differences(args.get("state", "waiting")), row_id(args.get("carrier")) or 0
    )


def member_columns() -> Sequence[Column]:
    return [
        plain("number", _("Member number")),
        Column("customer", _("Customer number"), lambda row: row.customer.number, Cell.WHOLE),
        Column("name", _("Customer"), lambda row: row.customer.name),
        plain("balance", _("Points"), Cell.WHOLE),
        plain("joined_at", _("Member since"), Cell.TIME),
    ]


def member_query(args: Mapping[str, str]) -> Select[Any]:
    seen = scope.seen(Customer.owner_user_id, Kind.CUSTOMERS)
    return points.members_like(one_line(args.get("q", ""), 64), seen)


def message_columns() -> Sequence[Column]:
    return [
        plain("left_at", _("Time"), Cell.TIME),
        Column("number", _("Number"), lambda row: row.call.number if row.call else "", Cell.PHONE),
        Column(
            "seconds", _("Seconds"), lambda row: round(row.recording.duration) if row.recording else None, Cell.WHOLE
        ),
        plain("state", _("State"), codes="message_state"),
        Column("user", lazy_pgettext("of a step", "Who"), words_of(User, "user_id")),
    ]


def message_query(args: Mapping[str, str]) -> Select[Any]:
    return followup.messages_of(queue_ids(db.session()), args.get("state", ""))


def install() -> None:
    with_order = (joinedload(Parcel.order).joinedload(Order.customer),)
    fulfil, finance_read = Permission.ORDERS_FULFIL, Permission.FINANCE_READ
    back = (joinedload(Return.order).joinedload(Order.customer),)
    refunded = (joinedload(Refund.order).joinedload(Order.customer),)
    heard = (joinedload(Voicemail.call), joinedload(Voicemail.recording))
    read, use = Permission.CUSTOMERS_READ, Permission.FOLLOWUP_USE
    for name, title, permission, columns, query, key, home, options in (
        ("parcels", _("Parcels"), fulfil, parcel_columns, parcel_query, Parcel.id, "fulfilment.parcels", with_order),
        ("returns", _("Returns"), fulfil, return_columns, return_query, Return.id, "fulfilment.returns", back),
        ("refunds", _("Refunds"), finance_read, refund_columns, refund_query, Refund.id, "finance.refunds", refunded),
        ("payments", _("Payments"), finance_read, receipt_columns, receipt_query, Receipt.id, "finance.payments", ()),
        (
            "invoices",
            _("Invoices"),
            finance_read,
            invoice_columns,
            invoice_query,
            Invoice.id,
            "finance.invoices",
            (joinedload(Invoice.order),),
        ),
        (
            "settlements",
            _("Settlements"),
            finance_read,
            settlement_columns,
            settlement_query,
            Settlement.id,
            "finance.index",
            (),
        ),
        (
            "differences",
            _("Differences"),
            finance_read,
            difference_columns,
            difference_query,
            CarrierDifference.id,
            "finance.differences",
            (joinedload(CarrierDifference.order),),
        ),
        ("members", _("Members"), read, member_columns, member_query, Member.customer_id, "points.index", ()),
        (
            "messages",
            _("Messages"),
            use,
            message_columns,
            message_query,
            Voicemail.recording_id,
            "followup.messages",
            heard,
        ),
    ):
        declare(ListSpec(name, title, permission, columns, query, key, home=home, options=options))
