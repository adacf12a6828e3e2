"""The agent's page and what its phone bar asks for. Commands go to the engine; the answer is the agent document."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Forbidden

from cti.domain.errors import BadRequest
from cti.store.models import PhoneKind
from webui.common import audit, db, pop_url
from webui.common.bus import request_engine
from webui.common.hub import EventHub
from webui.common.i18n import current_locale
from webui.common.pages import viewer
from webui.common.permissions import Permission, requires
from webui.desktop import forms, keys, queries, texts

blueprint = Blueprint("desktop", __name__, url_prefix="/desktop")


def install(app: Flask) -> None:
    app.context_processor(
        lambda: {
            "bar_texts": texts.bar_texts,
            "busy_reasons": busy_reasons,
            "reason_limits": lambda: {reason.code: reason.minutes for reason in busy_reasons() if reason.minutes},
            "key_bindings": keys.bindings,
            "key_documents": keys.documents,
            "key_of": keys.first_key,
        }
    )


@blueprint.before_request
def agents_only() -> None:
    """A supervisor without a phone has the permission but nothing to drive."""
    if current_user.is_authenticated and not current_user.has_desktop:
        raise Forbidden


@blueprint.get("")
@requires(Permission.DESKTOP_USE)
def page() -> ResponseReturnValue:
    return render_template("desktop/page.html")


@blueprint.post("/command")
@requires(Permission.DESKTOP_USE)
def command() -> ResponseReturnValue:
    """One operation of docs/bus.md for the own agent."""
    op, arguments = forms.command(request.get_json(silent=True))
    payload: dict[str, Any] = {"op": op, "agent_id": current_user.agent_id, **arguments}
    if op in forms.WITH_DEVICE:
        payload["device"] = queries.own_agent(db.session(), current_user.agent_id).device
    db.release()
    reply = request_engine("cy.cmd.agent", payload)
    return jsonify(ok=True, agent=viewer().agent(reply.get("agent") or {}))


@blueprint.get("/phone")
@requires(Permission.DESKTOP_USE)
def phone() -> ResponseReturnValue:
    """How the own browser registers as a phone; only ever the own credentials."""
    agent = queries.own_agent(db.session(), current_user.agent_id)
    hub: EventHub = current_app.extensions["callyard_hub"]
    outside = agent.outside_number[-4:]  # enough to know it by
    if agent.phone is PhoneKind.OUTSIDE and agent.outside_number:
        return jsonify(ok=True, kind="outside", device=agent.device, simulated=False, outside=outside)
    if agent.phone is PhoneKind.SIP or hub.simulated():
        return jsonify(ok=True, kind="sip", device=agent.device, simulated=hub.simulated(), outside=outside)
    return jsonify(
        ok=True,
        kind="web",
        device=agent.device,
        secret=agent.web_secret,
        name=agent.user.name,
        outside=outside,
        sockets=[{"name": one.name, "url": one.address()} for one in current_app.extensions["callyard_websockets"]],
    )


@blueprint.post("/phone")
@requires(Permission.DESKTOP_USE)
def choose_phone() -> ResponseReturnValue:
    kind = (request.get_json(silent=True) or {}).get("kind")
    if kind not in {item.value for item in PhoneKind}:
        raise BadRequest("web, sip or outside", field="kind")
    if kind == PhoneKind.OUTSIDE and not queries.own_agent(db.session(), current_user.agent_id).outside_number:
        raise BadRequest("an administrator sets the number outside", field="kind")
    agent = queries.choose_phone(db.session(), current_user.agent_id, PhoneKind(kind))
    audit.record("phone.choose", f"agent/{agent.id}", after={"phone": kind})
    db.session().commit()
    return phone()


@blueprint.post("/phone/claim")
@requires(Permission.DESKTOP_USE)
def claim_phone() -> ResponseReturnValue:
    """This page is the agent's phone from now on; a page on another machine lets go instead of registering again."""
    page = forms.page_id((request.get_json(silent=True) or {}).get("page"))
    hub: EventHub = current_app.extensions["callyard_hub"]
    hub.tell("phone", {"agent_id": current_user.agent_id, "page": page})
    return jsonify(ok=True)


@blueprint.get("/link")
@requires(Permission.DESKTOP_USE)
def link() -> ResponseReturnValue:
    """The other system's page for the own present call; ``url`` is empty where its queue has none."""
    hub: EventHub = current_app.extensions["callyard_hub"]
    call = (hub.agent(current_user.agent_id) or {}).get("call") or {}
    known = {name: str(call.get(name) or "") for name in ("number", "caller_name", "call_id", "dialed")}
    values = known | {"queue": str(call.get("queue_name") or ""), "agent": str(current_user.agent_number or "")}
    return jsonify(ok=True, url=pop_url.fill(queries.pop_url(db.session(), str(call.get("queue_id") or "")), values))


@blueprint.get("/targets")
@requires(Permission.DESKTOP_USE)
def targets() -> ResponseReturnValue:
    """Colleagues with their present state, and queues: whom a call can go to."""
    hub: EventHub = current_app.extensions["callyard_hub"]
    colleagues = [
        {"number": d.get("number"), "name": d.get("name"), "state": d.get("state"), "kind": "agent"}
        for d in hub.agents()
        if d.get("agent_id") != current_user.agent_id
    ]
    groups = [{"number": q.number, "name": q.name, "state": "", "kind": "queue"} for q in queries.queues(db.session())]
    return jsonify(ok=True, targets=[*groups, *colleagues])


def busy_reasons() -> list[queries.Reason]:
    """For the bar, which is on every page, also on the one that says that the database does not answer."""
    try:
        return queries.busy_reasons(db.session(), current_locale())
    except SQLAlchemyError:
        db.release()
        return queries.usual_reasons()
