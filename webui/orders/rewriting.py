"""An order that is written anew before it was confirmed: what is wrong in it is put right, or the customer has changed
their mind. The old one is cancelled and the new one stored by one commit, so that its goods and points are free for
the new one, which goes to the review again and stays of who took the old one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort

from cti.domain.errors import OrderRefused
from cti.machines.order import OrderEvent
from cti.store import money
from cti.store.models import LineKind, Order, OrderLine
from cti.store.order_effects import handling
from cti.store.orders import advance
from webui.common import db, scope
from webui.common.acting import actor
from webui.common.ids import row_id
from webui.common.rights import Kind
from webui.orders.entry_form import OWN_ADDRESS

ASKED = (LineKind.SALE, LineKind.REDEEMED)


def replaced(text: str | None) -> Order | None:
    """The order that the form is to take the place of; nothing where it names none."""
    if not text:
        return None
    order = db.session().get(Order, row_id(text))
    if order is None:
        abort(404)
    scope.must_see(order.agent_user_id, Kind.ORDERS)
    return order


def begin(form: Any, order: Order, *, priced: bool) -> None:
    """Fill an empty form with what stands in the order; prices only for who may set them."""
    form.instead.data = str(order.id)
    lines = [line for line in order.lines if line.kind in ASKED]
    while len(form.lines.entries) < len(lines):
        form.lines.append_entry()
    for entry, line in zip(form.lines.entries, lines, strict=False):
        fill(entry.form, line, priced=priced)
    form.address.data = OWN_ADDRESS
    for name in ("city", "line", "postcode", "recipient", "invoice_title", "invoice_tax_no", "remarks"):
        form[name].data = getattr(order, name)
    form.payment.data, form.delivery.data = order.payment.value, order.delivery.value
    form.medium.data = ".".join(str(key) for key in (order.medium_id, order.airing_id) if key)
    form.discount.data = f"{order.discount:.2f}" if order.discount else ""
    form.points.data = order.points_used - sum(line.points for line in lines) or None


def fill(row: Any, line: OrderLine, *, priced: bool) -> None:
    row.product.data, row.quantity.data = str(line.product_id), line.quantity
    row.text.data = f"{line.product.code} {line.product.name}"
    row.redeemed.data = line.kind is LineKind.REDEEMED
    row.price.data = f"{line.price:.2f}" if priced and line.kind is LineKind.SALE else ""


def clear(form: Any) -> None:
    """Cancel the order that the form replaces, in this transaction: what it holds counts as free from now on.

    Whoever only computes does not commit. Raises as ``advance``, and when the customer has paid for the order.
    """
    order = replaced(form.instead.data)
    if order is None:
        return
    database = db.session()
    if money.account(database, order).received != Decimal(0):
        raise OrderRefused("it is paid", why="paid")
    advance(database, order.id, OrderEvent.REWRITE, actor())


def inherit(order: Order, old: Order | None) -> None:
    """What the new order has of the old one, whoever writes it."""
    if old is not None:
        order.agent_user_id, order.call_id, order.phone = old.agent_user_id, old.call_id, old.phone


def follow(order: Order, old: Order | None) -> dict[str, str]:
    """Link the stored order to the old one; what the audit says of it."""
    if old is None:
        return {}
    handling(db.session(), order).origin_id = old.id
    return {"instead": old.number}
