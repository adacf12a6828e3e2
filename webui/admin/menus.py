"""Menus: what callers hear, and where each key leads."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from cti.store.models import Menu
from webui.admin import queries
from webui.admin.forms import DIGITS, MenuForm
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.labels import options as options_of
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("menus", __name__, url_prefix="/menus")

FIELDS = ("name", "greeting", "prompt", "language", "timeout", "tries")


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    database = db.session()
    return render_template(
        "admin/menus.html", menus=queries.menus(database), targets=dict(queries.target_choices(database)), target=target
    )


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    form = MenuForm(formdata=None, greeting="welcome", prompt="menu_main")
    for row, digit in zip(form.options, DIGITS, strict=True):
        row.form.digit.data, row.form.target.data, row.form.language.data = digit, "", ""
    form.otherwise.data = "hangup:"
    return show(form, None)


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<menu_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(menu_id: str) -> ResponseReturnValue:
    menu = load(menu_id)
    form = MenuForm(formdata=None, data={name: getattr(menu, name) for name in FIELDS})
    for row, digit in zip(form.options, DIGITS, strict=True):
        option = menu.options.get(digit) or {}
        row.form.digit.data = digit
        row.form.target.data = target(option) if option else ""
        row.form.language.data = option.get("language") or ""
    form.otherwise.data = f"{menu.otherwise_kind.value}:{menu.otherwise_id}"
    return show(form, menu)


@blueprint.post("/<menu_id>")
@requires(Permission.ADMIN_QUEUES)
def change(menu_id: str) -> ResponseReturnValue:
    return save(load(menu_id))


def save(menu: Menu | None) -> ResponseReturnValue:
    database, form = db.session(), with_targets(MenuForm())
    if not form.validate_on_submit():
        return show(form, menu), 422
    before = snapshot(menu) if menu else None
    menu = menu or Menu()
    for name in FIELDS:
        setattr(menu, name, getattr(form, name).data)
    menu.greeting = menu.greeting or ""
    menu.options = options(form)
    menu.otherwise_kind, menu.otherwise_id = queries.split_target(form.otherwise.data)
    database.add(menu)
    database.flush()
    if before is None:
        audit.record("menu.create", f"menu/{menu.id}", None, snapshot(menu))
    else:
        audit.record("menu.change", f"menu/{menu.id}", *changes(before, snapshot(menu)))
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.menus.index"), 303)


def options(form: MenuForm) -> dict[str, dict[str, Any]]:
    """Keys with a target, as the table keeps them."""
    found: dict[str, dict[str, Any]] = {}
    for row in form.options.data:
        if row["digit"] in DIGITS and row["target"]:
            kind, target_id = queries.split_target(row["target"])
            found[row["digit"]] = {"kind": kind.value, "id": target_id}
            if row["language"]:
                found[row["digit"]]["language"] = row["language"]
    return found


def target(option: dict[str, Any]) -> str:
    return f"{option.get('kind', 'hangup')}:{option.get('id', '')}"


def load(menu_id: str) -> Menu:
    menu = db.session().get(Menu, menu_id) if valid_id(menu_id) else None
    if menu is None:
        abort(404)
    return menu


def with_targets(form: MenuForm) -> MenuForm:
    found = queries.target_choices(db.session())
    form.otherwise.choices = options_of(found)
    for row in form.options:
        row.form.target.choices = options_of([("", "—"), *found])
    return form


def show(form: MenuForm, menu: Menu | None) -> str:
    return render_template("admin/menu.html", form=with_targets(form), edited=menu)


def snapshot(menu: Menu) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(menu, name) for name in FIELDS}
    return found | {"options": dict(menu.options), "otherwise": f"{menu.otherwise_kind.value}:{menu.otherwise_id}"}
