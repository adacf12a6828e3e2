"""Call charges by trunk, agent and department, and the tariffs they are computed by."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cti.domain.errors import MoneyRefused
from cti.store import charging
from cti.store.actors import audit
from cti.store.models import Tariff, Trunk
from webui.common import db
from webui.common.acting import actor
from webui.common.errors import message_for
from webui.common.ids import valid_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.finance import forms, queries
from webui.review.forms import day_of

LONGEST_UNIT = 3_600


def attach(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/charges", "charges", show)
    blueprint.add_url_rule("/tariffs", "tariffs", tariffs)
    blueprint.add_url_rule("/tariffs", "create_tariff", create, methods=["POST"])
    blueprint.add_url_rule("/tariffs/<int:tariff_id>/delete", "delete_tariff", delete, methods=["POST"])


@requires(Permission.FINANCE_READ)
def show() -> ResponseReturnValue:
    period, database = forms.period(request.args), db.session()
    found = charging.charges(database, period.since, period.until, forms.zone())
    parts = [
        (_("Trunk"), charging.sorted_costs(found.trunks)),
        (_("Agent"), charging.sorted_costs(found.agents)),
        (_("Department"), charging.sorted_costs(found.departments)),
    ]
    return render_template(
        "finance/charges.html", whole=found.whole, parts=parts, period=period, busy=queries.busy(database)
    )


@requires(Permission.FINANCE_READ)
def tariffs() -> ResponseReturnValue:
    database = db.session()
    found = database.scalars(select(Tariff).order_by(Tariff.trunk, Tariff.prefix, Tariff.since)).all()
    trunks = database.scalars(select(Trunk).order_by(Trunk.name)).all()
    today = forms.period({}).last
    return render_template(
        "finance/tariffs.html", tariffs=found, trunks=trunks, today=today, busy=queries.busy(database)
    )


@requires(Permission.TARIFFS_WRITE)
def create() -> ResponseReturnValue:
    """A tariff that began is not changed: a later one for the same numbers follows it."""
    database = db.session()
    try:
        tariff = read()
        database.add(tariff)
        database.flush()
        after = {"prefix": tariff.prefix, "trunk": tariff.trunk, "since": tariff.since.isoformat()}
        after |= {"price": str(tariff.price), "setup": str(tariff.setup), "unit": str(tariff.unit_seconds)}
        audit(database, actor(), "tariff.create", f"tariff/{tariff.id}", None, after)
        database.commit()
    except MoneyRefused as error:
        database.rollback()
        flash(message_for(error.code, error.params), "danger")
    except IntegrityError:
        database.rollback()
        flash(_("There is a tariff for these numbers from this day on."), "danger")
    return redirect(url_for("finance.tariffs"), 303)


def read() -> Tariff:
    form = request.form
    since, unit = day_of(form.get("since", "")), form.get("unit_seconds", "")
    prefix = one_line(form.get("prefix", ""), 32)
    if since is None or not 2000 <= since.year <= 2200:
        raise MoneyRefused("no day", why="period")
    if not (unit.isascii() and unit.isdecimal() and 0 < int(unit[:6]) <= LONGEST_UNIT):
        raise MoneyRefused("no unit", why="amount")
    if prefix and not prefix.lstrip("+").isdecimal():
        raise MoneyRefused("no prefix", why="amount")
    return Tariff(
        name=one_line(form.get("name", ""), 128),
        prefix=prefix,
        trunk=valid_id(form.get("trunk", "")),
        since=since,
        unit_seconds=int(unit),
        price=forms.fine(form.get("price", "")),
        setup=forms.fine(form.get("setup", "")),
    )


@requires(Permission.TARIFFS_WRITE)
def delete(tariff_id: int) -> ResponseReturnValue:
    database = db.session()
    tariff = database.get(Tariff, tariff_id) if valid_number(tariff_id) else None
    if tariff is None:
        abort(404)
    before = {"prefix": tariff.prefix, "trunk": tariff.trunk, "since": tariff.since.isoformat()}
    audit(database, actor(), "tariff.delete", f"tariff/{tariff.id}", before, {})
    database.delete(tariff)
    database.commit()
    return redirect(url_for("finance.tariffs"), 303)
