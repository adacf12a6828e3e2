"""What is done with callback tickets. Every step is one conditional change of ``cti.store.callbacks``."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import BadRequest

from cti.settings import Settings
from cti.store import callbacks, custom
from cti.store.callbacks import Wanted
from cti.store.models import BusinessType, CallNote, Customer, Ticket, TicketState, utc_now
from webui.calls.access import may_describe
from webui.common import audit, db, fields, htmx, labels, phones
from webui.common.hub import EventHub
from webui.common.ids import row_id, valid_id
from webui.common.permissions import Permission, requires
from webui.common.text import many_lines
from webui.customers.queries import by_number
from webui.followup.access import sees_ticket, tickets_seen
from webui.tickets import live
from webui.tickets.forms import RESULTS, UNREACHABLE, TicketForm

blueprint = Blueprint("tickets", __name__, url_prefix="/tickets")


def install(app: Flask) -> None:
    labels.install(app)
    app.context_processor(lambda: {"ticket_form": lambda: TicketForm(formdata=None)})


def settings() -> Settings:
    found: Settings = current_app.extensions["callyard_settings"]
    return found


def hub() -> EventHub:
    found: EventHub = current_app.extensions["callyard_hub"]
    return found


# ---------------------------------------------------------------- made


@blueprint.post("")
@requires(Permission.FOLLOWUP_USE)
def make() -> ResponseReturnValue:
    """A ticket of the call that the agent is in, or of any number."""
    form = TicketForm()
    if not form.validate_on_submit():
        return render_template("tickets/_form.html", form=form, sent=fields.taken("ticket", request.form)), 422
    sent = fields.taken("ticket", request.form)
    if sent.errors:
        return render_template("tickets/_form.html", form=form, sent=sent), 422
    call_id, database = valid_id(form.call_id.data or ""), db.session()
    queue_id = queue_of(call_id)
    customer = database.get(Customer, row_id(form.customer_id.data))
    wanted = Wanted(
        number=form.dialled(),
        queue_id=queue_id,
        name=form.name.data or (customer.name if customer else ""),
        other=form.other.data or "",
        note=form.note.data or "",
        urgent=bool(form.urgent.data),
        call_id=call_id,
        customer_id=customer.id if customer else None,
        custom=custom.taken(None, sent.values),
    )
    ticket, new = callbacks.make(database, wanted, current_user.id, utc_now())
    audit.record("ticket.create", f"ticket/{ticket.id}", None, {"urgent": ticket.urgent, "new": new})
    database.commit()
    live.tell(hub(), urgent=wanted.urgent)
    text = _("The callback is noted.") if new else _("This customer is on the list already; the ticket was completed.")
    answer = make_response(render_template("tickets/_form.html", form=TicketForm(formdata=None)))
    return htmx.trigger(htmx.toast(answer, text), "cy:ticket-made", {})


@blueprint.get("/own-inputs")
@requires(Permission.FOLLOWUP_USE)
def own_inputs() -> ResponseReturnValue:
    """Of the dialog that lies on every page: asked for when it is opened, so that no page reads them."""
    return render_template("tickets/_own.html")


def queue_of(call_id: str) -> str:
    """The queue of the own call, as the engine says; empty leaves it to the call's row. 403 where it is not the own."""
    if not call_id:
        return ""
    call = (hub().agent(current_user.agent_id) or {}).get("call") or {}
    if call.get("call_id") == call_id:
        return str(call.get("queue_id") or "")
    if not may_describe(db.session(), call_id):
        abort(403)
    return ""


# ---------------------------------------------------------------- looked at


@blueprint.get("/<ticket_id>")
@requires(Permission.FOLLOWUP_USE)
def show(ticket_id: str) -> ResponseReturnValue:
    return render_template("tickets/show.html", ticket=load(ticket_id), now=utc_now())


@blueprint.post("/<ticket_id>/fields")
@requires(Permission.FOLLOWUP_USE)
def change_fields(ticket_id: str) -> ResponseReturnValue:
    """Own fields, by whom it concerns, whoever has it in hand."""
    ticket = load(ticket_id)
    sent = fields.change("ticket", ticket, request.form, "ticket.change", f"ticket/{ticket.id}")
    if sent.errors:
        return render_template("tickets/show.html", ticket=ticket, now=utc_now(), sent=sent), 422
    db.session().commit()
    return redirect(url_for("tickets.show", ticket_id=ticket.id), 303)


@blueprint.get("/held")
@requires(Permission.FOLLOWUP_USE)
def held() -> ResponseReturnValue:
    """What the user has in hand, for the desk and the list; empty without."""
    ticket = callbacks.held(db.session(), current_user.id, utc_now())
    return render_template("tickets/_held.html", ticket=ticket)


# ---------------------------------------------------------------- held


@blueprint.post("/next")
@requires(Permission.FOLLOWUP_USE)
def take_next() -> ResponseReturnValue:
    """The first of the list that is free. Who meets a colleague there gets the one after."""
    database = db.session()
    if callbacks.held(database, current_user.id, utc_now()) is not None:
        return one_at_a_time()
    for _again in range(5):
        ticket_id = callbacks.next_id(database, current_user.id, tickets_seen(database), utc_now())
        if ticket_id is None:
            return htmx.toast(make_response("", 204), _("Nobody is to be called back now."), "warning")
        try:
            return hold(load(ticket_id))
        except callbacks.TicketTaken:
            database.rollback()
    raise callbacks.TicketTaken(holder="")


@blueprint.post("/<ticket_id>/take")
@requires(Permission.FOLLOWUP_USE)
def take(ticket_id: str) -> ResponseReturnValue:
    return hold(load(ticket_id))


def hold(ticket: Ticket) -> Response:
    """Take it in hand, and have the page dial unless ``call`` says no."""
    database, now = db.session(), utc_now()
    mine = callbacks.held(database, current_user.id, now)
    if mine is not None and mine.id != ticket.id:
        return one_at_a_time()
    number = ticket.number
    callbacks.take(database, ticket.id, current_user.id, now, settings().ticket_hold)
    database.commit()
    live.tell(hub())
    answer = htmx.trigger(make_response("", 204), "cy:held", {})
    if request.form.get("call") != "no":
        htmx.trigger(answer, "cy:dial", {"number": phones.conceal(number), "shown": phones.shown(number)})
    return answer


def one_at_a_time() -> Response:
    text = _("You still hold another ticket. Say what came of it, or give it back.")
    return htmx.toast(make_response("", 204), text, "warning")


@blueprint.post("/<ticket_id>/release")
@requires(Permission.FOLLOWUP_USE)
def release(ticket_id: str) -> ResponseReturnValue:
    ticket = load(ticket_id)
    callbacks.release(db.session(), ticket.id, current_user.id, utc_now())
    db.session().commit()
    return settled(_("The ticket is free again."))


# ---------------------------------------------------------------- what came of it


@blueprint.post("/<ticket_id>/result")
@requires(Permission.FOLLOWUP_USE)
def result(ticket_id: str) -> ResponseReturnValue:
    ticket, what, now = load(ticket_id), request.form.get("result", ""), utc_now()
    if what not in RESULTS:
        raise BadRequest
    note = many_lines(request.form.get("note", ""))[:1000]
    call_id, database = valid_id(request.form.get("call_id", "")), db.session()
    if call_id and not may_describe(database, call_id):
        abort(403)
    if what == UNREACHABLE:
        callbacks.unreachable(database, ticket.id, current_user.id, now, settings().ticket_retry, note=note)
        database.commit()
        return settled(_("Not reached: the ticket stays on the list and comes again later."))
    state = TicketState(what)
    words = "\n".join(filter(None, (ticket.note, note)))
    callbacks.settle(database, ticket.id, current_user.id, state, now, note=note, call_id=call_id)
    if state is TicketState.COMPLAINT and call_id:
        describe_call(call_id, words)
    audit.record("ticket.state", f"ticket/{ticket_id}", {"state": TicketState.OPEN}, {"state": state})
    database.commit()
    answer = settled(_("The ticket is settled."))
    if state is TicketState.COMPLAINT and call_id:
        htmx.trigger(answer, "cy:note", {"call_id": call_id})
    return answer


def describe_call(call_id: str, words: str) -> None:
    """The note of the call begins as a complaint with what the ticket says; what stands there already stays."""
    database = db.session()
    note = database.get(CallNote, call_id)
    if note is None:
        note = CallNote(call_id=call_id, user_id=current_user.id)
        database.add(note)
    note.business_type = note.business_type or BusinessType.COMPLAINT
    note.summary = note.summary or words


@blueprint.get("/<ticket_id>/order")
@requires(Permission.ORDERS_WRITE)
def order(ticket_id: str) -> ResponseReturnValue:
    """The order form for this ticket: of the customer that is meant, or of the only one with the number."""
    ticket = load(ticket_id)
    customer_id = row_id(request.args.get("customer_id")) or ticket.customer_id
    if not customer_id:
        found = by_number(db.session(), ticket.number)
        customer_id = found[0].id if len(found) == 1 else None
    values: dict[str, Any] = {"ticket_id": ticket.id, "call_id": valid_id(request.args.get("call_id", ""))}
    if customer_id:
        return redirect(url_for("orders.new", customer_id=customer_id, **values), 303)
    return redirect(url_for("orders.new", number=phones.conceal(ticket.number), **values), 303)


def settled(text: str) -> Response:
    live.tell(hub())
    if htmx.is_fragment():
        return htmx.trigger(htmx.toast(make_response("", 204), text), "cy:held", {})
    return make_response(redirect(url_for("followup.index"), 303))


def load(ticket_id: str) -> Ticket:
    ticket = db.session().get(Ticket, ticket_id) if valid_id(ticket_id) else None
    if ticket is None:
        abort(404)
    if not sees_ticket(db.session(), ticket):
        abort(403)
    return ticket
