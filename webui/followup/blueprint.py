"""Pages of messages and of lost calls: who left one or gave up, call back, done."""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, Flask, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import BadRequest

from cti.store import callbacks
from cti.store.models import MessageState, Ticket, TicketState, Voicemail, utc_now
from webui.calls.recordings import describe
from webui.common import audit, db, labels
from webui.common.htmx import is_fragment
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.finder.fields import own_conditions
from webui.followup import queries
from webui.followup.access import may_see, queue_ids, sees_ticket, tickets_seen
from webui.tickets import live

blueprint = Blueprint("followup", __name__, url_prefix="/followup")

State = TypeVar("State", MessageState, TicketState)
CLOSABLE = (TicketState.OPEN, TicketState.DONE)


def install(app: Flask) -> None:
    labels.install(app)


@blueprint.get("")
@requires(Permission.FOLLOWUP_USE)
def index() -> ResponseReturnValue:
    """Lost calls to call back."""
    database, state = db.session(), wanted(TicketState, TicketState.OPEN)
    seen = tickets_seen(database)
    own = own_conditions("ticket", Ticket.custom, request.args)
    found = queries.tickets(database, [*seen, *own], state, request.args.get("before", ""))
    template = "followup/_list.html" if is_fragment() else "followup/tickets.html"
    counts = queries.counts(database, queue_ids(database), seen)
    return render_template(template, page=found, state=state, counts=counts, args=request.args, now=utc_now())


@blueprint.get("/messages")
@requires(Permission.FOLLOWUP_USE)
def messages() -> ResponseReturnValue:
    database, state = db.session(), wanted(MessageState, MessageState.NEW)
    queues = queue_ids(database)
    found = queries.messages(database, queues, state, request.args.get("before", ""))
    counts = queries.counts(database, queues, tickets_seen(database))
    return render_template("followup/messages.html", page=found, state=state, counts=counts, args=request.args)


@blueprint.get("/messages/<recording_id>")
@requires(Permission.FOLLOWUP_USE)
def player(recording_id: str) -> ResponseReturnValue:
    """What plays one message, put below its row; the sound is asked for, and audited, at the first play."""
    recording = load_message(recording_id).recording
    if recording is None:
        abort(404)
    return render_template("followup/_player.html", recording=recording, state=describe(recording))


@blueprint.post("/messages/<recording_id>")
@requires(Permission.FOLLOWUP_USE)
def set_message(recording_id: str) -> ResponseReturnValue:
    voicemail, state = load_message(recording_id), chosen(MessageState)
    if voicemail.state is not state:
        audit.record("message.state", f"message/{recording_id}", {"state": voicemail.state}, {"state": state})
        voicemail.state, voicemail.user_id, voicemail.changed_at = state, current_user.id, utc_now()
        db.session().commit()
    return redirect(url_for("followup.messages", state=request.form.get("back", "")), 303)


@blueprint.post("/tickets/<ticket_id>")
@requires(Permission.FOLLOWUP_USE)
def set_ticket(ticket_id: str) -> ResponseReturnValue:
    ticket, state, database = load_ticket(ticket_id), chosen(TicketState), db.session()
    before = ticket.state
    if state not in CLOSABLE or before is TicketState.REACHED:
        raise BadRequest
    if before is not state:
        if state is TicketState.OPEN:
            callbacks.reopen(database, ticket.id, current_user.id, utc_now())
        else:
            callbacks.settle(database, ticket.id, current_user.id, state, utc_now())
        audit.record("ticket.state", f"ticket/{ticket_id}", {"state": before}, {"state": state})
        database.commit()
        live.tell(current_app.extensions["callyard_hub"])
    return redirect(url_for("followup.index", state=request.form.get("back", "")), 303)


def load_message(recording_id: str) -> Voicemail:
    voicemail = db.session().get(Voicemail, recording_id) if valid_id(recording_id) else None
    if voicemail is None:
        abort(404)
    if not may_see(db.session(), voicemail.queue_id):
        abort(403)
    return voicemail


def load_ticket(ticket_id: str) -> Ticket:
    ticket = db.session().get(Ticket, ticket_id) if valid_id(ticket_id) else None
    if ticket is None:
        abort(404)
    if not sees_ticket(db.session(), ticket):
        abort(403)
    return ticket


def wanted(kind: type[MessageState] | type[TicketState], otherwise: str) -> str:
    """The state that the address asks for; ``all`` is empty."""
    text = request.args.get("state", "")
    return "" if text == "all" else text if text in list(kind) else str(otherwise)


def chosen(kind: type[State]) -> State:
    try:
        state = kind(request.form.get("state", ""))
    except ValueError:
        raise BadRequest from None
    if state is MessageState.EMPTY:
        raise BadRequest
    return state
