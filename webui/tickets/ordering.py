"""An order out of a callback ticket: what the form begins with, and the ticket that it settles."""

from __future__ import annotations

from typing import Any

from flask_login import current_user

from cti.store import callbacks, media
from cti.store.models import Customer, Order, Ticket, TicketState, utc_now
from webui.common import audit, db
from webui.followup.access import sees_ticket
from webui.orders.entry_form import number_of, show_number
from webui.orders.entry_media import value


def begin(form: Any, customer: Customer | None, ticket_id: str) -> None:
    """Fill an empty order form: number and name, what was noted, airing and product. Nothing without a ticket: the one
    that is meant, else the one in the user's hand if it is of the same customer."""
    database = db.session()
    ticket = database.get(Ticket, ticket_id) if ticket_id else in_hand(form, customer)
    if ticket is None or not sees_ticket(database, ticket):
        return
    form.ticket_id.data, form.remarks.data = ticket.id, ticket.note
    if customer is None:
        show_number(form, ticket.number)
        form.name.data = ticket.name
    airing = media.airing_of(database, ticket.dnis, ticket.first_at)
    if airing is None:
        return
    form.medium.data = value(airing)
    if len(airing.products) == 1 and airing.products[0].active:
        form.lines.entries[0].form.product.data = str(airing.products[0].id)
        form.lines.entries[0].form.text.data = f"{airing.products[0].code} {airing.products[0].name}"


def in_hand(form: Any, customer: Customer | None) -> Ticket | None:
    ticket = callbacks.held(db.session(), current_user.id, utc_now())
    if ticket is None or (customer is not None and ticket.customer_id == customer.id):
        return ticket
    numbers = {phone.number for phone in customer.phones} if customer is not None else {number_of(form)}
    return ticket if ticket.number in numbers else None


def done(order: Order, ticket_id: str, call_id: str) -> None:
    """The ticket is settled by the order, in its transaction, unless somebody else holds it or has settled it."""
    database = db.session()
    ticket = database.get(Ticket, ticket_id) if ticket_id else None
    if ticket is None or not sees_ticket(database, ticket):
        return
    state, now = TicketState.ORDERED, utc_now()
    try:
        callbacks.settle(database, ticket_id, current_user.id, state, now, call_id=call_id, order_id=order.id)
    except (callbacks.TicketTaken, callbacks.TicketClosed):
        return
    told = {"state": state, "order": order.number}
    audit.record("ticket.state", f"ticket/{ticket_id}", {"state": TicketState.OPEN}, told)
