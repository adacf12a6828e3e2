"""The timeline of a customer: pages of it, kinds to choose, a recording to hear. What one may open is decided here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from cti.store import timeline
from cti.store.models import Customer, Recording
from webui.calls.access import may_listen
from webui.calls.access import may_see as may_see_call
from webui.common import db, scope
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.customers.access import load
from webui.followup.access import sees_ticket

KINDS = {
    "order": (_("Orders"), "shopping-cart"),
    "call": (_("Calls"), "phone-call"),
    "ticket": (_("Callbacks"), "ticket"),
    "voicemail": (_("Messages"), "messages"),
    "complaint": (_("Complaints"), "flag"),
    "merge": (_("Merges"), "arrows-join"),
}


def attach(blueprint: Blueprint) -> None:
    blueprint.get("/<int:customer_id>/timeline")(part)
    blueprint.get("/recordings/<recording_id>")(recording)


@requires(Permission.CUSTOMERS_READ)
def part(customer_id: int) -> ResponseReturnValue:
    """A piece: the whole timeline for a choice of kinds, or with ``before`` only its next rows."""
    customer = load(customer_id)
    template = "customers/_timeline_rows.html" if request.args.get("before") else "customers/_timeline.html"
    return render_template(template, customer=customer, **context(customer))


@requires(Permission.CALLS_READ_OWN)
def recording(recording_id: str) -> ResponseReturnValue:
    """A piece: the player of a recording of the timeline."""
    found = db.session().get(Recording, recording_id) if valid_id(recording_id) else None
    if found is None:
        abort(404)
    if not may_listen(found):
        abort(403)
    return render_template("customers/_player.html", recording=found)


def context(customer: Customer) -> dict[str, Any]:
    """What the templates of the timeline need, by the request's ``kind`` and ``before``."""
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    return {
        "line": timeline.read(db.session(), customer, (kind,) if kind else (), request.args.get("before", "")),
        "kind": kind,
        "kinds": KINDS,
        "may_open": may_open,
        "audible": audible,
    }


def may_open(entry: timeline.Entry) -> bool:
    """Whether the entry's own page would be shown to this user."""
    if entry.kind == "order":
        return scope.may_see(entry.row.agent_user_id, Kind.ORDERS)
    if entry.kind == "call":
        return may_see_call(db.session(), entry.row)
    if entry.kind == "ticket":
        return sees_ticket(db.session(), entry.row)
    return True


def audible(entry: timeline.Entry) -> list[Recording]:
    """The recordings of the entry that this user may hear."""
    if entry.kind == "call":
        found = entry.row.recordings
    else:
        found = [entry.row.recording] if entry.kind == "voicemail" and entry.row.recording else []
    return [one for one in found if one.state.value == "ready" and may_listen(one)]
