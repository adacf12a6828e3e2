"""Call pages: the log, one call, the note that an agent writes, the own calls of today."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Call, CallLeg, CallNote, CallType
from webui.calls import queries, recordings
from webui.calls.access import may_describe, may_listen, may_see
from webui.calls.forms import NoteForm, read_filters
from webui.calls.timeline import draw
from webui.common import audit, db, labels, scope
from webui.common.htmx import is_fragment, toast
from webui.common.i18n import choose_timezone
from webui.common.ids import row_id, valid_id
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.customers.forms import changes
from webui.customers.queries import get as get_customer

blueprint = Blueprint("calls", __name__, url_prefix="/calls")
recordings.add_to(blueprint)


def install(app: Flask) -> None:
    labels.install(app)
    app.jinja_env.globals["outcome_of"] = queries.outcome_of


@blueprint.get("")
@requires(Permission.CALLS_READ_OWN)
def index() -> ResponseReturnValue:
    database, filters = db.session(), read_filters(request.args)
    own = scope.agent_ids(Kind.CALLS)
    found = queries.listing(database, filters, own, request.args.get("before", ""))
    return render_template(
        "calls/index.html",
        page=found,
        filters=filters,
        args=request.args,
        agents=queries.names(database, own) if own is None or len(own) > 1 else {},
        queues=queries.queues(database),
    )


@blueprint.get("/today")
@requires(Permission.CALLS_READ_OWN)
def today() -> ResponseReturnValue:
    """The own calls since midnight in the user's zone, for the agent's page."""
    zone = ZoneInfo(choose_timezone())
    midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    rows = queries.today(db.session(), current_user.agent_id, midnight) if current_user.agent_id else []
    return render_template("calls/today.html", rows=rows)


@blueprint.get("/<call_id>")
@requires(Permission.CALLS_READ_OWN)
def show(call_id: str) -> ResponseReturnValue:
    database, call = db.session(), load(call_id)
    note, legs = queries.note_of(database, call.id), seen_legs(call)
    return render_template(
        "calls/show.html",
        call=call,
        note=note,
        names=queries.names(database),
        queues=queries.queues(database),
        legs=legs,
        timeline=draw(call, legs, datetime.now(UTC)),
        transfers=(call.document or {}).get("transfers") or [],
        queues_before=queries.queues_before,
        orders=queries.orders_of(database, call.id),
        customers=queries.customers_of(database, call, note),
        may_listen=may_listen,
        audio=recordings.describe,
        formats=recordings.format_names(),
    )


@blueprint.get("/<call_id>/note")
@requires(Permission.CALLS_READ_OWN)
def note(call_id: str) -> ResponseReturnValue:
    found, customer_id = load_note(call_id), request.args.get("customer_id", "")
    form = NoteForm(formdata=None, customer_id=customer_id if customer_id.isdecimal() else "")
    if found is not None:
        form.call_type.data = found.call_type.value
        form.business_type.data = found.business_type or ""
        form.summary.data = found.summary
    return show_note(form, call_id, found)


@blueprint.post("/<call_id>/note")
@requires(Permission.CALLS_READ_OWN)
def save_note(call_id: str) -> ResponseReturnValue:
    """May come before the call's own row is in the database, and any number of times."""
    found, form = load_note(call_id), NoteForm()
    if not form.validate_on_submit():
        return show_note(form, call_id, found), 422
    if not link_customer(form):
        return show_note(form, call_id, found), 422
    database, before = db.session(), snapshot(found)
    saved = found or CallNote(call_id=call_id, user_id=current_user.id)
    saved.call_type = CallType(form.call_type.data)
    saved.business_type = form.business_type.data or None
    saved.summary = form.summary.data or ""
    if form.customer_id.data:
        saved.customer_id = int(form.customer_id.data)
    if found is None:
        database.add(saved)
    elif found.user_id != current_user.id or before != snapshot(saved):
        audit.record("call.note", f"call/{call_id}", *changes(before, snapshot(saved)))
    database.commit()
    if not is_fragment():
        return redirect(url_for("calls.show", call_id=call_id), 303)
    response: Response = make_response(show_note(form, call_id, saved, saved_now=True))
    response.headers["HX-Trigger"] = '{"cy:saved": true}'
    return toast(response, _("The note is saved."))


def seen_legs(call: Call) -> list[CallLeg]:
    """The legs this user may know of; who is listened to is not told."""
    everything = current_user.can(Permission.CALLS_READ_ALL)
    return [leg for leg in call.legs if everything or leg.kind != "supervisor" or leg.agent_id == current_user.agent_id]


def load(call_id: str) -> Call:
    """The call, if the user may see it; somebody else's is refused, an unknown one is not found."""
    call = queries.get(db.session(), call_id) if valid_id(call_id) else None
    if call is None:
        abort(404)
    if not may_see(db.session(), call):
        abort(403)
    return call


def load_note(call_id: str) -> CallNote | None:
    if not valid_id(call_id):
        abort(404)
    if not may_describe(db.session(), call_id):
        abort(403)
    return queries.note_of(db.session(), call_id)


def link_customer(form: NoteForm) -> bool:
    """Whether the customer in the form, if any, is one."""
    text = form.customer_id.data or ""
    if not text:
        return True
    known = row_id(text) > 0 and get_customer(db.session(), row_id(text)) is not None
    if not known:
        form.form_errors.append(_("This customer does not exist."))
    return known


def snapshot(note: CallNote | None) -> dict[str, object]:
    if note is None:
        return {}
    return {
        "call_type": str(note.call_type),
        "business_type": str(note.business_type or ""),
        "summary": note.summary,
        "customer_id": note.customer_id,
    }


def show_note(form: NoteForm, call_id: str, found: CallNote | None, *, saved_now: bool = False) -> str:
    template = "calls/note.html" if is_fragment() else "calls/note_page.html"
    return render_template(template, form=form, call_id=call_id, note=found, saved_now=saved_now)
