"""The menu of the site as a page: order, names, groups, what stands in it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, SelectField

from webui.common import audit, db, menu_plan, pages
from webui.common.labels import options
from webui.common.menu_plan import LOCALES, Place
from webui.common.permissions import Permission, requires
from webui.customers.forms import Line, changes

blueprint = Blueprint("site_menu", __name__, url_prefix="/site-menu")


class PageForm(Form):  # type: ignore[misc]
    endpoint = HiddenField()
    zh_CN = Line(_("Name in Chinese"), 32)
    en = Line(_("Name in English"), 32)
    group = SelectField(_("Stands under"), choices=[], validate_choice=False)
    shown = BooleanField(_("In the menu"))


class MenuForm(FlaskForm):  # type: ignore[misc]
    rows = FieldList(FormField(PageForm), max_entries=100)


@blueprint.get("")
@requires(Permission.ADMIN_FIELDS)
def index() -> ResponseReturnValue:
    rows = [
        {"endpoint": p.endpoint, "group": p.group, "shown": p.shown or p.endpoint in pages.KEPT, **p.names}
        for p in pages.places()
    ]
    return show(MenuForm(formdata=None, rows=rows))


@blueprint.post("")
@requires(Permission.ADMIN_FIELDS)
def save() -> ResponseReturnValue:
    form, known = MenuForm(), {item.endpoint for item in pages.MENU}
    asked = [row["endpoint"] for row in form.rows.data]
    groups_known = all(not row["group"] or row["group"] in pages.GROUPS for row in form.rows.data)
    if not form.validate_on_submit() or not groups_known or set(asked) != known or len(asked) != len(known):
        if not any(row.errors for row in form.rows):
            form.form_errors.append(gettext("The menu has changed meanwhile. Open this page again."))
        return show(form), 422
    return store([place(row) for row in form.rows.data])


@blueprint.post("/usual")
@requires(Permission.ADMIN_FIELDS)
def usual() -> ResponseReturnValue:
    return store([])


def store(wanted: list[Place]) -> ResponseReturnValue:
    before = {p.endpoint: described(p, at) for at, p in enumerate(pages.places(), 1)}
    menu_plan.keep(db.session(), wanted, current_user.username)
    usual_places = (Place(item.endpoint, item.group) for item in pages.MENU)
    after = {p.endpoint: described(p, at) for at, p in enumerate(menu_plan.arranged(usual_places, wanted), 1)}
    audit.record("menu.arrange", "menu", *changes(before, after))
    db.session().commit()
    menu_plan.STORED.forget()
    return redirect(url_for("admin.site_menu.index"), 303)


def place(row: dict[str, Any]) -> Place:
    shown = bool(row["shown"]) or row["endpoint"] in pages.KEPT
    return Place(row["endpoint"], row["group"] or "", {name: row[name] for name in LOCALES if row[name]}, shown)


def described(found: Place, at: int) -> dict[str, Any]:
    return {"place": at, "group": found.group, "shown": found.shown, **found.names}


def show(form: MenuForm) -> str:
    groups = options([("", _("The line itself")), *((name, label) for name, (label, _icon) in pages.GROUPS.items())])
    for row in form.rows:
        row.form.group.choices = groups
    items = {item.endpoint: item for item in pages.MENU}
    return render_template("admin/site_menu.html", form=form, items=items, kept=pages.KEPT, tried=request.form)
