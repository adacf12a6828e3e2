"""Fields of their own that administrators give customers, orders and tickets. Key and kind of a field never change."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import BooleanField, FieldList, Form, FormField, SelectField
from wtforms.validators import Optional, Regexp

from cti.store import custom
from cti.store.models import CustomField, FieldKind
from webui.common import audit, db
from webui.common.labels import choices
from webui.common.permissions import Permission, requires
from webui.customers.forms import Line, changes

blueprint = Blueprint("fields", __name__, url_prefix="/fields")

MOST = 60
KEY = r"^[a-z][a-z0-9_]*$"
SUBJECTS = {"customer": _("Customers"), "order": _("Orders"), "ticket": _("Callback tickets")}


class OwnFieldForm(Form):  # type: ignore[misc]
    """One field; a row without a key is none."""

    code = Line(
        lazy_pgettext("of a field", "Key"),
        32,
        [Optional(), Regexp(KEY, message=_("Small letters, digits, underscore."))],
    )
    zh_CN = Line(_("Name in Chinese"), 64)
    en = Line(_("Name in English"), 64)
    kind = SelectField(_("Kind"), choices=choices("field_kind"), default="text")
    choices = Line(_("Choices, with / between"), 1000)
    required = BooleanField(_("Required"))
    active = BooleanField(_("In use"), default=True)
    listed = BooleanField(_("In the list"))


class OwnFieldsForm(FlaskForm):  # type: ignore[misc]
    rows = FieldList(FormField(OwnFieldForm), min_entries=1, max_entries=MOST)


@blueprint.get("")
@requires(Permission.ADMIN_FIELDS)
def index() -> ResponseReturnValue:
    return redirect(url_for("admin.fields.table", subject="customer"))


@blueprint.get("/<subject>")
@requires(Permission.ADMIN_FIELDS)
def table(subject: str) -> ResponseReturnValue:
    rows = [
        {
            "code": one.key,
            "zh_CN": one.names.get("zh_CN", ""),
            "en": one.names.get("en", ""),
            "kind": str(one.kind),
            "choices": " / ".join(one.choices),
            "required": one.required,
            "active": one.active,
            "listed": one.listed,
        }
        for one in load(subject).values()
    ]
    return show(subject, OwnFieldsForm(formdata=None, rows=[*rows, {"active": True}]))


@blueprint.post("/<subject>")
@requires(Permission.ADMIN_FIELDS)
def save(subject: str) -> ResponseReturnValue:
    present, form = load(subject), OwnFieldsForm()
    if not (form.validate_on_submit() and fits(form, present)):
        return show(subject, form), 422
    database = db.session()
    before = {key: snapshot(one) for key, one in present.items()}
    for order, row in enumerate(row for row in form.rows.data if row["code"]):
        one = present.get(row["code"])
        if one is None:
            one = present[row["code"]] = CustomField(subject=subject, key=row["code"], kind=FieldKind(row["kind"]))
            database.add(one)
        one.names = {locale: row[locale] for locale in ("zh_CN", "en") if row[locale]}
        one.choices = split(row["choices"]) if one.kind is FieldKind.CHOICE else []
        one.required, one.active, one.listed, one.order = row["required"], row["active"], row["listed"], order
    told = changes(before, {key: snapshot(one) for key, one in present.items()})
    audit.record("fields.change", f"fields/{subject}", *told)
    database.commit()
    return redirect(url_for("admin.fields.table", subject=subject), 303)


def load(subject: str) -> dict[str, CustomField]:
    if subject not in custom.SUBJECTS:
        abort(404)
    query = select(CustomField).where(CustomField.subject == subject).order_by(CustomField.order, CustomField.id)
    return {one.key: one for one in db.session().scalars(query)}


def fits(form: OwnFieldsForm, present: dict[str, CustomField]) -> bool:
    """No key twice, a name and a kind for each; those that are there stay, for their values do."""
    seen: set[str] = set()
    for row in form.rows:
        code, kind = row.form.code, row.form.kind
        if not code.data:
            continue
        old = present.get(code.data)
        if code.data in seen:
            code.errors = [gettext("This code stands twice.")]
        if old is not None and kind.data != str(old.kind):
            kind.errors = [gettext("The kind of a field never changes. Switch it off and make another.")]
        if kind.data == FieldKind.CHOICE and not split(row.form.choices.data):
            row.form.choices.errors = [gettext("Name the choices.")]
        if not (row.form.zh_CN.data or row.form.en.data):
            row.form.zh_CN.errors = [gettext("Enter a name.")]
        seen.add(code.data)
    lost = sorted(present.keys() - seen)
    if lost:
        form.form_errors.append(gettext("Fields are switched off, never removed: %(codes)s", codes=", ".join(lost)))
    wrong = any(item.errors for row in form.rows for item in row.form)
    return not (lost or wrong)


def split(text: str | None) -> list[str]:
    found = [part.strip() for part in re.split(r"[/\n;；、]", text or "")]
    return list(dict.fromkeys(part[: custom.LONGEST] for part in found if part))


def snapshot(one: CustomField) -> dict[str, Any]:
    simple = ("names", "choices", "required", "active", "listed", "order")
    return {name: getattr(one, name) for name in simple} | {"kind": str(one.kind)}


def show(subject: str, form: OwnFieldsForm) -> str:
    known = {key: str(one.kind) for key, one in load(subject).items()}
    return render_template("admin/fields.html", subject=subject, form=form, subjects=SUBJECTS, known=known)
