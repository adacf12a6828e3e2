"""The live page. First paint from the engine's floor document; after that the browser follows the event stream."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.domain.errors import CallyardError
from webui.common import db, labels
from webui.common.bus import request_engine
from webui.common.i18n import current_locale
from webui.common.labels import LABELS
from webui.common.pages import viewer
from webui.common.permissions import Permission, requires
from webui.floor import queries

blueprint = Blueprint("floor", __name__, url_prefix="/floor")

DEADLINE = 2.0


def install(app: Flask) -> None:
    labels.install(app)


@blueprint.get("")
@requires(Permission.FLOOR_VIEW)
def index() -> ResponseReturnValue:
    database = db.session()
    start = {
        "targets": queries.targets(database),
        "reasons": queries.reasons(database, current_locale()),
        "texts": texts(),
    }
    db.release()
    return render_template("floor/index.html", start=start | present())


def present() -> dict[str, Any]:
    """Agents and queues as this viewer may see them; ``up`` false when the engine does not answer."""
    try:
        floor = request_engine("cy.cmd.centre", {"op": "floor"}, DEADLINE)
    except CallyardError:
        return {"up": False, "agents": [], "queues": []}
    seen = viewer()
    agents = [seen.agent(document) for document in floor.get("agents", [])]
    queues = [seen.queue(document) for document in floor.get("queues", [])]
    return {"up": True, "agents": [a for a in agents if a], "queues": [q for q in queues if q]}


def texts() -> dict[str, str]:
    """Words for the page's script."""
    states = {f"state.{code}": str(text) for code, text in LABELS["agent_state"].items()}
    return states | {
        "nobody": _("Nobody is waiting."),
        "waiting": _("Waiting"),
        "longest": _("Longest now"),
        "answered": _("Answered"),
        "abandoned": _("Abandoned"),
        "level": _("Service level"),
        "ready": _("Ready"),
        "talking": _("Talking"),
        "busy": _("Busy"),
        "wrapup": _("Wrap-up"),
        "off": _("Signed off"),
        "held": _("on hold"),
        "unregistered": _("phone not connected"),
        "pending": _("then"),
        "inbound": _("with"),
        "outbound": _("calling"),
    }
