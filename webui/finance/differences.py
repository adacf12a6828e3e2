"""Differences with carriers: what is to be decided, one with its history and next steps, claims for broken goods."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cti.domain.orders import DifferenceState
from cti.machines.difference import WHO, DifferenceEvent, possible
from cti.store import differences, reconciling
from cti.store.models import CarrierDifference
from webui.common import db
from webui.common.acting import actor, attempt
from webui.common.ids import row_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.finance import forms, queries
from webui.fulfilment import carriers

WAITING = "waiting"


def attach(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/differences", "differences", index)
    blueprint.add_url_rule("/differences/damage", "claim_damage", damage, methods=["POST"])
    blueprint.add_url_rule("/differences/<int:difference_id>", "difference", show)
    blueprint.add_url_rule("/differences/<int:difference_id>", "step_difference", step, methods=["POST"])


@requires(Permission.FINANCE_READ)
def index() -> ResponseReturnValue:
    """Without a state: what waits for a decision, an approval or the carrier's money."""
    asked = request.args.get("state", WAITING)
    states = queries.states_of_differences(asked)
    carrier_id, database = row_id(request.args.get("carrier")), db.session()
    return render_template(
        "finance/differences.html",
        page=queries.differences(database, states, carrier_id, request.args.get("before", "")),
        state=asked if states else "all",
        carrier_id=carrier_id,
        carriers=carriers.every(database),
        sums=reconciling.by_carrier(database),
        busy=queries.busy(database),
    )


@requires(Permission.FINANCE_READ)
def show(difference_id: int) -> ResponseReturnValue:
    found = load(difference_id)
    who = actor()
    steps = [event for event in possible(found.kind, found.state) if who.can(WHO[event])]
    return render_template(
        "finance/difference.html",
        found=found,
        related=queries.related_differences(db.session(), found),
        steps=steps,
        own=found.asked_by == who.user_id,
        busy=queries.busy(db.session()),
    )


@requires(Permission.FINANCE_READ)
def step(difference_id: int) -> ResponseReturnValue:
    """One event; the store looks at the right that it needs."""
    load(difference_id)
    event, seen = request.form.get("event", ""), request.form.get("seen", "")
    if event not in set(DifferenceEvent) or seen not in set(DifferenceState):
        abort(400)
    reason = one_line(request.form.get("reason", ""), 255)

    def work() -> None:
        text = request.form.get("amount", "").strip()
        facts = differences.Facts(
            forms.amount(text) if text else None,
            one_line(request.form.get("reference", ""), 128),
            one_line(request.form.get("waybill", ""), 64),
        )
        differences.advance(
            db.session(), difference_id, DifferenceEvent(event), actor(), reason, facts, DifferenceState(seen)
        )

    attempt(work)
    return redirect(url_for("finance.difference", difference_id=difference_id), 303)


@requires(Permission.FINANCE_SETTLE)
def damage() -> ResponseReturnValue:
    made: list[CarrierDifference] = []
    waybill, reason = (one_line(request.form.get(name, ""), most) for name, most in (("waybill", 64), ("reason", 255)))

    def work() -> None:
        amount = forms.amount(request.form.get("amount", ""))
        made.append(differences.damage(db.session(), waybill, amount, reason, actor()))

    if attempt(work):
        return redirect(url_for("finance.difference", difference_id=made[0].id), 303)
    return redirect(url_for("finance.differences"), 303)


def load(difference_id: int) -> CarrierDifference:
    found = db.session().get(CarrierDifference, difference_id) if valid_number(difference_id) else None
    if found is None:
        abort(404)
    return found
