"""The wallboard. First paint from the engine's floor document, then the event stream; lines in use are asked for.

It shows numbers of calls and people, never a customer.
"""

from __future__ import annotations

from flask import Blueprint, Flask, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webui.common.bus import request_engine
from webui.common.i18n import choose_timezone
from webui.common.pages import language_tag
from webui.common.permissions import Permission, requires
from webui.floor.blueprint import DEADLINE, limits, present

blueprint = Blueprint("wallboard", __name__, url_prefix="/wallboard")


def install(app: Flask) -> None:
    """Nothing that other pages use."""


@blueprint.get("")
@requires(Permission.FLOOR_VIEW)
def index() -> ResponseReturnValue:
    seen = present()
    queues = [queue | {"waiting": [{"since": one["since"]} for one in queue["waiting"]]} for queue in seen["queues"]]
    agents = [{key: agent[key] for key in ("agent_id", "state")} for agent in seen["agents"]]
    start = {"up": seen["up"], "queues": queues, "agents": agents, "limits": limits(), "texts": texts()}
    start |= {"language": language_tag(), "timezone": choose_timezone()}
    return render_template("wallboard/index.html", start=start)


@blueprint.get("/lines")
@requires(Permission.FLOOR_VIEW)
def lines() -> ResponseReturnValue:
    """How many channels of each trunk are taken."""
    return jsonify(lines=request_engine("cy.cmd.centre", {"op": "lines"}, DEADLINE)["lines"])


def texts() -> dict[str, str]:
    return {
        "waiting": _("Waiting"),
        "longest": _("Longest wait"),
        "level": _("Service level"),
        "answered": _("Answered"),
        "abandoned": _("Abandoned"),
        "ready": _("Ready"),
        "talking": _("On calls"),
        "busy": _("Busy"),
        "wrapup": _("Wrap-up"),
        "lines": _("Lines in use"),
        "stale": _("Not up to date since"),
        "session": _("Your session has ended. Sign in again."),
    }
