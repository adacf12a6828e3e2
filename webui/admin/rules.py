"""Inbound rules in their order, and the tester that asks them what the engine asks."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.provision.phrases import phrases
from cti.store.models import InboundRule, Trunk
from webui.admin import queries, rule_test, zone
from webui.admin.ordered import RulePages
from webui.admin.rule_form import RuleForm, values
from webui.common import db
from webui.common.ids import valid_id
from webui.common.labels import options
from webui.common.permissions import Permission, requires
from webui.common.text import one_line

blueprint = Blueprint("rules", __name__, url_prefix="/rules")


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    database = db.session()
    moved, direction = request.args.get("moved", ""), request.args.get("direction", "")
    return render_template(
        "admin/rules.html",
        rules=queries.rules(database),
        targets=dict(queries.target_choices(database)),
        calendars={row.id: row.name for row in queries.calendars(database)},
        lists={row.id: row.name for row in queries.number_lists(database)},
        dids=queries.dids(database),
        trunks=queries.trunks(database),
        zone=zone.zone_name(),
        focus=(moved, direction),
    )


@blueprint.get("/test")
@requires(Permission.ADMIN_QUEUES)
def test() -> ResponseReturnValue:
    """Where a call goes, with every rule that was looked at."""
    database, args = db.session(), request.args
    moment = args.get("at", "")
    at = zone.read(moment) if moment else None
    if moment and at is None:
        return render_template("admin/_decision.html", outcome=None)
    trunk_id = args.get("trunk", "")
    outcome = rule_test.ask(
        database,
        caller=one_line(args.get("caller", ""))[:33],
        number=one_line(args.get("number", ""))[:33],
        trunk=database.get(Trunk, trunk_id) if valid_id(trunk_id) else None,
        at=at.timestamp() if at else time.time(),
        zone=zone.centre_zone(),
    )
    targets = dict(queries.target_choices(database))
    return render_template("admin/_decision.html", outcome=outcome, targets=targets, written=zone.written)


def offer(form: RuleForm, rule: InboundRule | None) -> None:
    """What can be chosen; what a rule names that is gone stays choosable, and is named so."""
    database = db.session()
    numbers = {did.number: f"{did.number} {did.name}".strip() for did in queries.dids(database)}
    lists = {row.id: row.name for row in queries.number_lists(database)}
    gone = _("%(name)s (is gone)")
    for known, used in ((numbers, rule.numbers if rule else ()), (lists, rule.lists if rule else ())):
        known |= {one: gone % {"name": one} for one in used if one not in known}
    form.numbers.choices, form.lists.choices = options(numbers.items()), options(lists.items())
    calendars: list[tuple[str, Any]] = [(row.id, row.name) for row in queries.calendars(database)]
    form.calendar.choices = options([("", "—"), *calendars])
    form.target.choices = options(queries.target_choices(database))


RulePages(
    "rule",
    InboundRule,
    RuleForm,
    "admin/rule.html",
    queries.rules,
    values,
    offer,
    begins={"target": "hangup:"},
    shown=lambda: {"prompts": sorted(phrases("en"))},
).add_to(blueprint)
