"""Outbound rules in their order, and the tester: may a number be called, by which trunks, with which digits."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store import forwarding
from cti.store.models import OutboundRule
from webui.admin import outbound_test, queries
from webui.admin.ordered import RulePages
from webui.admin.outbound_form import ForwardPrefixes, OutboundForm, values
from webui.admin.rule_form import read_callers
from webui.common import audit, db
from webui.common.labels import options
from webui.common.permissions import Permission, requires
from webui.common.text import one_line

blueprint = Blueprint("outbound", __name__, url_prefix="/outbound")


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    database = db.session()
    return render_template(
        "admin/outbound.html",
        rules=queries.outbound_rules(database),
        queues={row.id: f"{row.number} {row.name}" for row in queries.queues(database)},
        agents=agent_names(),
        trunks=trunk_names(),
        focus=(request.args.get("moved", ""), request.args.get("direction", "")),
        forward_form=ForwardPrefixes(formdata=None, prefixes=" ".join(forwarding.prefixes(database))),
    )


@blueprint.post("/forwarding")
@requires(Permission.ADMIN_QUEUES)
def allow_forwarding() -> ResponseReturnValue:
    """To which numbers agents with the right may forward their own calls."""
    database, form = db.session(), ForwardPrefixes()
    if not form.validate_on_submit():
        flash(" ".join(str(error) for error in form.prefixes.errors), "danger")
        return redirect(url_for("admin.outbound.index"), 303)
    before, wanted = forwarding.prefixes(database), read_callers(form.prefixes.data or "")
    forwarding.allow(database, wanted, current_user.username)
    audit.record("forwarding.allow", "forwarding", {"prefixes": list(before)}, {"prefixes": wanted})
    database.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("admin.outbound.index"), 303)


@blueprint.get("/test")
@requires(Permission.ADMIN_QUEUES)
def test() -> ResponseReturnValue:
    """By which trunks a call to a number goes out, with every rule that was looked at."""
    number = one_line(request.args.get("number", ""))[:33]
    kind, _colon, ident = request.args.get("who", "").partition(":")
    who = {"queue_id": ident} if kind == "queue" else {"agent_id": ident}
    outcome = outbound_test.ask(db.session(), number=number, at=time.time(), **who) if number else None
    return render_template("admin/_way_out.html", outcome=outcome)


def offer(form: OutboundForm, rule: OutboundRule | None) -> None:
    """What can be chosen; what a rule names that is gone stays choosable, and is named so."""
    queues: dict[str, Any] = {row.id: f"{row.number} {row.name}" for row in queries.queues(db.session())}
    agents: dict[str, Any] = dict(agent_names())
    trunks: dict[str, Any] = {"": "—", **trunk_names()}
    gone = _("%(name)s (is gone)")
    used_by = ((queues, rule.queues), (agents, rule.agents), (trunks, rule.trunks)) if rule else ()
    for known, used in used_by:
        known |= {one: gone % {"name": one} for one in used if one not in known}
    form.queues.choices, form.agents.choices = options(queues.items()), options(agents.items())
    for row in form.trunks:
        row.choices = options(trunks.items())


def agent_names() -> dict[str, str]:
    return {agent.id: f"{agent.number} {agent.user.name}" for agent in queries.agents(db.session())}


def trunk_names() -> dict[str, str]:
    return {trunk.id: f"{trunk.id} · {trunk.name}" for trunk in queries.trunks(db.session())}


RulePages(
    "outbound",
    OutboundRule,
    OutboundForm,
    "admin/outbound_rule.html",
    queries.outbound_rules,
    values,
    offer,
).add_to(blueprint)
