"""Callback tickets in the API."""

from __future__ import annotations

from flask import abort
from flask_login import current_user
from sqlalchemy import select

from cti.domain.phones import normalise
from cti.store import callbacks, custom
from cti.store.models import Ticket, TicketOrigin, TicketState, utc_now
from webui.api import own, schemas, shown
from webui.api.access import once, record
from webui.api.base import Document, Refused, blueprint, listed, posts, problems
from webui.common import db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.followup.access import queue_ids, sees_ticket, tickets_seen


@blueprint.route("/tickets")
@blueprint.arguments(schemas.TicketQuery, location="query")
@blueprint.response(200, schemas.page_of(schemas.TicketOut))
@problems()
@requires(Permission.FOLLOWUP_USE)
def tickets(asked: Document) -> Document:
    """Callback tickets, the latest loss first."""
    query = select(Ticket).where(*tickets_seen(db.session()))
    if "state" in asked:
        query = query.where(Ticket.state == TicketState(asked["state"]))
    if "number" in asked:
        query = query.where(Ticket.number == normalise(asked["number"]))
    return listed(query, (Ticket.lost_at, Ticket.id), asked, shown.ticket)


@blueprint.route("/tickets/<string:ticket_id>")
@blueprint.response(200, schemas.TicketOut)
@problems(_404="no such ticket")
@requires(Permission.FOLLOWUP_USE)
def ticket(ticket_id: str) -> Document:
    """One ticket."""
    return shown.ticket(load_ticket(ticket_id))


def load_ticket(ticket_id: str) -> Ticket:
    row = db.session().get(Ticket, ticket_id) if valid_id(ticket_id) else None
    if row is None:
        abort(404)
    if not sees_ticket(db.session(), row):
        abort(403)
    return row


@blueprint.route("/tickets", methods=["POST"])
@posts
@blueprint.arguments(schemas.TicketIn)
@problems(_409="the same request is being done")
@blueprint.response(201, schemas.TicketOut)
@requires(Permission.FOLLOWUP_USE)
@once
def create_ticket(given: Document) -> tuple[Document, int]:
    """A customer to call back. Who is on the list already is not put there twice: that ticket learns and is shown."""
    database = db.session()
    seen = queue_ids(database)
    if given["queue_id"] and seen is not None and given["queue_id"] not in seen:
        raise Refused(422, "ticket.queue", "Not a queue of the user", "Nothing was saved.", {"queue_id": ["unknown"]})
    values = custom.taken(None, own.values("ticket", given.pop("custom"), new=True))
    wanted = callbacks.Wanted(**given, custom=values)
    row, new = callbacks.make(database, wanted, current_user.id, utc_now(), TicketOrigin.API)
    record("ticket.create", f"ticket/{row.id}", None, {"urgent": row.urgent, "new": new, "custom": values})
    database.flush()
    return shown.ticket(row), 201


@blueprint.route("/tickets/<string:ticket_id>", methods=["PATCH"])
@blueprint.arguments(schemas.TicketChange)
@blueprint.response(200, schemas.TicketOut)
@problems(_404="no such ticket")
@requires(Permission.FOLLOWUP_USE)
def change_ticket(given: Document, ticket_id: str) -> Document:
    """Own fields, whoever has it in hand; those not given stay."""
    row = load_ticket(ticket_id)
    own.change("ticket", row, given["custom"])
    return shown.ticket(row)
