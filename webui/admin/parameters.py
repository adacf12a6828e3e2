"""The page of parameters: every number of the centre with its unit, range and usual value, and who changed it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_login import current_user

from cti.store import parameters
from cti.store.parameters import Parameter, ParameterKind, Value
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("parameters", __name__, url_prefix="/parameters")

GROUPS: dict[str, Any] = {
    "shop": _("Shop"),
    "calls": _("Calls"),
    "lists": _("Import and export"),
    "api": _("Other systems"),
}
WORDS: dict[str, Any] = {
    "shop.points_per_unit": _("Points that pay for 1.00"),
    "shop.points_share": _("Share of the goods' price that points may pay"),
    "shop.discounts.agent": _("Highest discount by agents"),
    "shop.discounts.supervisor": _("Highest discount by supervisors"),
    "shop.discounts.admin": _("Highest discount by administrators"),
    "shop.shipping_fee": _("Shipping fee"),
    "shop.free_shipping_from": _("No shipping fee from"),
    "calls.message_silence": _("Silence after which a caller's message is over (0: never)"),
    "lists.export_rows": _("Most rows of an export"),
    "lists.import_rows": _("Most rows of an import"),
    "lists.file_megabytes": _("Largest file"),
    "lists.keep_days": _("Files are kept for"),
    "api.request_days": _("A request sent again is known for"),
    "api.delivery_days": _("Finished webhook deliveries are kept for"),
}
OF_THE_ENGINE = {"calls"}
"""Rows that are part of the configuration the engine is given."""

UNITS: dict[str, Any] = {
    "percent": _("per cent"),
    "seconds": _("seconds"),
    "rows": _("rows"),
    "megabytes": _("MB"),
    "days": _("days"),
}


@blueprint.get("")
@requires(Permission.ADMIN_FIELDS)
def index() -> ResponseReturnValue:
    return page({key: written(value) for key, value in present().items()}, {})


@blueprint.post("")
@requires(Permission.ADMIN_FIELDS)
def save() -> ResponseReturnValue:
    typed = {p.key: request.form.get(p.key, "")[:32] for p in parameters.ALL}
    wanted, errors = read(typed)
    if errors:
        return page(typed, errors), 422
    database, before = db.session(), present()
    changed = {key: value for key, value in wanted.items() if value != before[key]}
    if changed:
        parameters.store(database, changed, current_user.username)
        told = changes(*({key: parameters.plain(values[key]) for key in changed} for values in (before, wanted)))
        audit.record("parameters.change", "parameters", *told)
        database.commit()
    if any(parameters.BY_KEY[key].row in OF_THE_ENGINE for key in changed):
        announce(switch=False)
    return redirect(url_for("admin.parameters.index"), 303)


def read(typed: dict[str, str]) -> tuple[dict[str, Value], set[str]]:
    """What was typed as values, and the keys of what cannot be."""
    values: dict[str, Value] = {}
    errors = set()
    for parameter in parameters.ALL:
        try:
            values[parameter.key] = parameter.parse(typed[parameter.key])
        except ValueError:
            errors.add(parameter.key)
    return values, errors


def present() -> dict[str, Value]:
    rows = parameters.rows(db.session())
    return {p.key: parameters.read(p, rows[p.row].value if p.row in rows else None) for p in parameters.ALL}


def written(value: Value) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else "" if value is None else str(value)


def page(values: dict[str, str], errors: set[str]) -> str:
    groups: dict[str, list[Parameter]] = {}
    for parameter in parameters.ALL:
        groups.setdefault(parameter.row, []).append(parameter)
    return render_template(
        "admin/parameters.html",
        groups=groups,
        titles=GROUPS,
        words=WORDS,
        units=UNITS,
        values=values,
        errors=errors,
        rows=parameters.rows(db.session()),
        written=written,
        yes_no=ParameterKind.YES_NO,
    )
