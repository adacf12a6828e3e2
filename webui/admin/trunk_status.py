"""Whether trunks are up, in words, and test calls through them. What is shown follows the event stream.

The engine's documents are those of docs/bus.md; nothing here waits for a call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.domain.errors import CallyardError
from cti.store.models import Trunk
from webui.admin import queries, sip_words
from webui.common import audit, db, errors
from webui.common.bus import request_engine
from webui.common.hub import EventHub
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.common.text import one_line

blueprint = Blueprint("trunk_status", __name__, url_prefix="/trunks")

TESTS_PER_USER = "10/minute"
NUMBER = re.compile(r"\+?[0-9*#]{2,32}")
TONES = {"up": "green", "registering": "yellow", "unknown": "azure"}


@dataclass(frozen=True, slots=True)
class Status:
    """A trunk on one switch. ``round_trip`` in milliseconds, 0 when not measured."""

    switch: str
    state: str
    round_trip: int
    tone: str


def install(app: Flask) -> None:
    """Each test call holds a line of somebody's carrier."""
    limiter = app.extensions["callyard_limiter"]
    view = app.view_functions["admin.trunk_status.place"]
    limited = limiter.limit(TESTS_PER_USER, key_func=lambda: str(current_user.id), methods=["POST"])(view)
    app.view_functions["admin.trunk_status.place"] = limited


@blueprint.get("/status")
@requires(Permission.ADMIN_QUEUES)
def status() -> ResponseReturnValue:
    """The status of every trunk, or of the one named, each to be put where it stands on the page."""
    only = request.args.get("trunk", "")
    trunks = [trunk for trunk in queries.trunks(db.session()) if only in ("", trunk.id)]
    return render_template("admin/_trunk_status.html", trunks=trunks)


@blueprint.get("/<trunk_id>/test")
@requires(Permission.ADMIN_QUEUES)
def progress(trunk_id: str) -> ResponseReturnValue:
    """How the last test call went, or goes."""
    return shown(trunk_id, last_test(trunk_id))


@blueprint.post("/<trunk_id>/test")
@requires(Permission.ADMIN_QUEUES)
def place(trunk_id: str) -> ResponseReturnValue:
    """Start a test call; how it goes on comes by events."""
    number = "".join(one_line(request.form.get("number", "")).split())[:64]
    switch = request.form.get("switch", "")
    if db.session().get(Trunk, trunk_id) is None or not valid_id(trunk_id):
        return shown(trunk_id, None, _("This trunk is not there any more.")), 404
    if not NUMBER.fullmatch(number) or switch not in ("", *known_switches()):
        return shown(trunk_id, None, _("Digits, * and # only; + in front.")), 422
    audit.record("trunk.test", f"trunk/{trunk_id}", after={"number": number, "switch": switch})
    db.session().commit()
    call = {"op": "trunk_test", "trunk": trunk_id, "number": number} | ({"switch": switch} if switch else {})
    try:
        test = request_engine("cy.cmd.centre", call)["test"]
    except CallyardError as error:
        return shown(trunk_id, None, refusal(error.code)), 409
    return shown(trunk_id, test)


def shown(trunk_id: str, test: dict[str, Any] | None, trouble: str = "") -> str:
    answer = sip_words.explain(test) if test and test.get("state") in ("failed", "done") else None
    return render_template("admin/_trunk_test.html", trunk_id=trunk_id, test=test, answer=answer, trouble=trouble)


def refusal(code: str) -> str:
    own = {
        "trunk.unknown": _("The engine does not know this trunk: it is not in use, or not published."),
        "trunk.full": _("All calls that this trunk may carry at once are taken."),
        "agent.not_now": _("A test call through this trunk is running."),
    }
    return str(own.get(code) or errors.message_for(code))


def last_test(trunk_id: str) -> dict[str, Any] | None:
    try:
        tests = request_engine("cy.cmd.centre", {"op": "trunk_tests"})["tests"]
    except CallyardError:
        return None
    found = tests.get(trunk_id)
    return found if isinstance(found, dict) else None


def statuses(trunk: Trunk) -> list[Status]:
    """One for each switch that carries the trunk, as far as the engine told."""
    if not trunk.active:
        return []
    centre = hub().centre()
    if not centre.get("engine"):
        return []
    return [
        one_status(trunk.id, switch)
        for switch in centre.get("switches", [])
        if not trunk.switches or switch.get("name") in trunk.switches
    ]


def one_status(trunk_id: str, switch: dict[str, Any]) -> Status:
    state = str(switch.get("trunks", {}).get(trunk_id, "unknown")) if switch.get("up") else "no_switch"
    trip = switch.get("round_trips", {}).get(trunk_id, 0.0) if state == "up" else 0.0
    milliseconds = max(1, round(trip * 1000)) if trip else 0
    return Status(str(switch.get("name", "")), state, milliseconds, TONES.get(state, "red"))


def known_switches() -> list[str]:
    return [str(switch.get("name", "")) for switch in hub().centre().get("switches", [])]


def hub() -> EventHub:
    found: EventHub = current_app.extensions["callyard_hub"]
    return found
