"""The live page. First paint from the engine's floor document; after that the browser follows the event stream.

What supervisors do from it goes into the audit log first, then to the engine.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.domain.errors import BadRequest, CallyardError, NotAllowedNow
from webui.common import audit, db, labels
from webui.common.bus import request_engine
from webui.common.i18n import current_locale
from webui.common.labels import LABELS
from webui.common.pages import viewer
from webui.common.permissions import Permission, requires
from webui.floor import queries

blueprint = Blueprint("floor", __name__, url_prefix="/floor")

DEADLINE = 2.0
LONGEST_ID = 64
MAY = {
    "ready": Permission.SUPERVISE_FORCE_READY,
    "notReady": Permission.SUPERVISE_FORCE_BUSY,
    "loggedOff": Permission.SUPERVISE_FORCE_LOGOUT,
    "queues": Permission.SUPERVISE_QUEUES,
    "pull": Permission.SUPERVISE_PULL,
    "drop": Permission.SUPERVISE_DROP,
    "listen": Permission.SUPERVISE_LISTEN,
    "whisper": Permission.SUPERVISE_WHISPER,
    "barge": Permission.SUPERVISE_BARGE,
    "intercept": Permission.SUPERVISE_INTERCEPT,
}


def install(app: Flask) -> None:
    labels.install(app)


@blueprint.get("")
@requires(Permission.FLOOR_VIEW)
def index() -> ResponseReturnValue:
    database = db.session()
    start = {
        "targets": queries.targets(database),
        "limits": limits(),
        "reasons": queries.reasons(database, current_locale()),
        "busy": queries.busy_choices(database, current_locale()),
        "reason_limits": queries.reason_limits(database, current_locale()),
        "own": current_user.agent_id,
        "may": {name: current_user.can(permission) for name, permission in MAY.items()},
        "texts": texts(),
    }
    db.release()
    return render_template("floor/index.html", start=start | present())


@blueprint.post("/agents/<agent_id>/ready")
@requires(Permission.SUPERVISE_FORCE_READY)
def force_ready(agent_id: str) -> ResponseReturnValue:
    """Ready; in a call it is what comes next, as with the two below."""
    return supervise("force_ready", f"agent/{agent_id}", agent_id=agent_id)


@blueprint.post("/agents/<agent_id>/notReady")
@requires(Permission.SUPERVISE_FORCE_BUSY)
def force_not_ready(agent_id: str) -> ResponseReturnValue:
    """Busy for a reason."""
    return supervise("force_not_ready", f"agent/{agent_id}", agent_id=agent_id, reason=_field("reason"))


@blueprint.post("/agents/<agent_id>/loggedOff")
@requires(Permission.SUPERVISE_FORCE_LOGOUT)
def force_logout(agent_id: str) -> ResponseReturnValue:
    """Signed off."""
    return supervise("force_logout", f"agent/{agent_id}", agent_id=agent_id)


@blueprint.post("/agents/<agent_id>/queues")
@requires(Permission.SUPERVISE_QUEUES)
def set_queues(agent_id: str) -> ResponseReturnValue:
    """The queues that the agent serves until sign-off."""
    document = request.get_json(silent=True)
    queues = document.get("queues") if isinstance(document, dict) else None
    if not isinstance(queues, list) or not all(isinstance(one, str) and len(one) <= LONGEST_ID for one in queues):
        raise BadRequest("queues is missing", field="queues")
    return supervise("set_queues", f"agent/{agent_id}", agent_id=agent_id, queues=queues)


@blueprint.post("/calls/<call_id>/pull")
@requires(Permission.SUPERVISE_PULL)
def pull(call_id: str) -> ResponseReturnValue:
    """Offer a waiting call to a given agent."""
    return supervise("pull", f"call/{call_id}", call_id=call_id, agent_id=_field("agent_id"))


@blueprint.post("/calls/<call_id>/drop")
@requires(Permission.SUPERVISE_DROP)
def drop(call_id: str) -> ResponseReturnValue:
    """Hang up a call."""
    return supervise("drop", f"call/{call_id}", call_id=call_id)


@blueprint.post("/agents/<agent_id>/listen")
@requires(Permission.SUPERVISE_LISTEN)
def listen(agent_id: str) -> ResponseReturnValue:
    """The supervisor's phone is called and hears the agent and whom the agent talks with."""
    return supervise("listen", f"agent/{agent_id}", agent_id=agent_id, supervisor=own_agent())


@blueprint.post("/agents/<agent_id>/whisper")
@requires(Permission.SUPERVISE_WHISPER)
def whisper(agent_id: str) -> ResponseReturnValue:
    """As ``listen``, and the agent hears the supervisor."""
    return supervise("whisper", f"agent/{agent_id}", agent_id=agent_id, supervisor=own_agent())


@blueprint.post("/agents/<agent_id>/barge")
@requires(Permission.SUPERVISE_BARGE)
def barge(agent_id: str) -> ResponseReturnValue:
    """As ``listen``, and everybody hears the supervisor."""
    return supervise("barge", f"agent/{agent_id}", agent_id=agent_id, supervisor=own_agent())


@blueprint.post("/agents/<agent_id>/intercept")
@requires(Permission.SUPERVISE_INTERCEPT)
def intercept(agent_id: str) -> ResponseReturnValue:
    """The customer to the supervisor's phone; the agent is out of the call."""
    return supervise("intercept", f"agent/{agent_id}", agent_id=agent_id, supervisor=own_agent())


@blueprint.post("/listening/stop")
@requires(Permission.FLOOR_VIEW)
def stop() -> ResponseReturnValue:
    """Leave the call that one listens to; it goes on."""
    return supervise("stop", f"agent/{own_agent()}", supervisor=own_agent())


def own_agent() -> str:
    """The agent that this user is: it has the phone to listen with."""
    if not current_user.agent_id:
        raise NotAllowedNow("who listens needs a phone")
    return str(current_user.agent_id)


def supervise(op: str, what: str, **arguments: str | list[str]) -> ResponseReturnValue:
    """Write down who asked for what, then ask the engine. What it refuses has been asked for all the same."""
    audit.record(f"supervise.{op}", what, after=arguments)
    db.session().commit()
    db.release()
    request_engine("cy.cmd.supervisor", {"op": op, "by": current_user.id, **arguments})
    return jsonify(ok=True)


def _field(name: str) -> str:
    document = request.get_json(silent=True)
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        raise BadRequest(f"{name} is missing", field=name)
    return value


def limits() -> dict[str, float]:
    """Beyond these the live pages warn."""
    settings = current_app.extensions["callyard_settings"]
    return {"wait": settings.alarm_wait, "level": settings.alarm_level, "ready": settings.alarm_ready}


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
        **actions(),
        "nobody": _("Nobody is waiting."),
        "callback": _("is called back"),
        "first": _("offered before: goes first"),
        "retried": _("calls again"),
        "priority": _("Priority"),
        "waiting": _("Waiting"),
        "longest": _("Longest now"),
        "offered": _("Offered"),
        "answered": _("Answered"),
        "abandoned": _("Abandoned"),
        "level": _("Service level"),
        "abandonment": _("Abandonment"),
        "speed": _("Average wait"),
        "handling": _("Average handling"),
        "most": _("Longest today"),
        "alarm.wait": _("somebody waits too long"),
        "alarm.level": _("the service level is low"),
        "alarm.ready": _("too few agents are ready"),
        "ready": _("Ready"),
        "talking": _("On calls"),
        "busy": _("Busy"),
        "wrapup": _("Wrap-up"),
        "off": _("Signed off"),
        "held": _("on hold"),
        "over": _("over the limit of today"),
        "unregistered": _("phone not connected"),
        "switch_lost": _("the call's switch cannot be reached"),
        "pending": _("then"),
        "inbound": _("with"),
        "outbound": _("calling"),
    }


def actions() -> dict[str, str]:
    """Words of the supervisor's dialog."""
    return {
        "set_ready": _("Set ready"),
        "set_busy": _("Set busy"),
        "sign_off": _("Sign the agent off"),
        "after": _("after the call"),
        "give_to": _("Give to"),
        "none_ready": _("Nobody is ready."),
        "nothing": _("There is nothing you can do here now."),
        "queues": _("Queues until sign-off"),
        "save": _("Save"),
        "other_queues": _("other queues until sign-off"),
        "listen": _("Listen"),
        "whisper": _("Speak to the agent only"),
        "barge": _("Barge in"),
        "intercept": _("Take the call over"),
        "stop": _("Leave the call"),
        "sure_intercept": _("Press again: the agent is out of the call"),
        "no_phone": _("To listen, sign in at a phone of your own first."),
        "supervisor": _("listens to"),
        "drop": _("Hang up the call"),
        "sure": _("Press again to hang up everybody in the call"),
        "done": _("Done."),
        "failed": _("The server could not be reached. Try again."),
    }
