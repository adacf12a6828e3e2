"""Code tables as pages: names, order, in use or not; what is used anywhere is only switched off."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import BooleanField, Field, FieldList, Form, FormField
from wtforms.validators import Optional, Regexp

from cti.store.models import Code
from webui.common import audit, codes, db, labels
from webui.common.permissions import Permission, requires
from webui.customers.forms import Line, changes

blueprint = Blueprint("codes", __name__, url_prefix="/codes")

MOST = 200


class CodeForm(Form):  # type: ignore[misc]
    """One entry; a row without a code is none."""

    code = Line(_("Code"), 32, [Optional(), Regexp(r"^[a-z0-9_]+$", message=_("Small letters, digits, underscore."))])
    zh_CN = Line(_("Name in Chinese"), 64)
    en = Line(_("Name in English"), 64)
    active = BooleanField(_("In use"), default=True)


class CodesForm(FlaskForm):  # type: ignore[misc]
    rows = FieldList(FormField(CodeForm), min_entries=1, max_entries=MOST)


@blueprint.get("")
@requires(Permission.ADMIN_FIELDS)
def index() -> ResponseReturnValue:
    return redirect(url_for("admin.codes.table", kind=next(iter(codes.TABLES))))


@blueprint.get("/<kind>")
@requires(Permission.ADMIN_FIELDS)
def table(kind: str) -> ResponseReturnValue:
    load(kind)
    rows = [
        {"code": e.code, "zh_CN": e.names.get("zh_CN", ""), "en": e.names.get("en", ""), "active": e.active}
        for e in codes.table(kind)
    ]
    spare = [] if codes.TABLES[kind].fixed else [{"active": True}]
    return show(kind, CodesForm(formdata=None, rows=[*rows, *spare]))


@blueprint.post("/<kind>")
@requires(Permission.ADMIN_FIELDS)
def save(kind: str) -> ResponseReturnValue:
    load(kind)
    form = CodesForm()
    if not (form.validate_on_submit() and fits(form, kind)):
        return show(kind, form), 422
    database = db.session()
    present = {row.code: row for row in database.scalars(select(Code).where(Code.kind == kind))}
    before = {entry.code: document(entry.names, entry.active) for entry in codes.table(kind)}
    wanted = [row for row in form.rows.data if row["code"]]
    for order, row in enumerate(wanted):
        entry = present.pop(row["code"], None) or Code(kind=kind, code=row["code"])
        entry.names = {locale: row[locale] for locale in ("zh_CN", "en") if row[locale]}
        entry.active, entry.order = row["active"], order
        database.add(entry)
    for gone in present.values():
        database.delete(gone)
    after = {row["code"]: document({k: row[k] for k in ("zh_CN", "en") if row[k]}, row["active"]) for row in wanted}
    lost = {code: None for code in before if code not in after}
    audit.record("codes.change", f"codes/{kind}", *changes(before, {**after, **lost}))
    database.commit()
    codes.forget()
    return redirect(url_for("admin.codes.table", kind=kind), 303)


def load(kind: str) -> codes.Table:
    if kind not in codes.TABLES:
        abort(404)
    return codes.TABLES[kind]


def fits(form: CodesForm, kind: str) -> bool:
    """No code twice, none added to a fixed table, none lost that stands anywhere."""
    shipped = set(labels.LABELS.get(kind, {}))
    known = {entry.code for entry in codes.table(kind)}
    seen: set[str] = set()
    for row in form.rows:
        code: Field = row.form.code
        if not code.data:
            continue
        if code.data in seen:
            code.errors = [gettext("This code stands twice.")]
        elif codes.TABLES[kind].fixed and code.data not in known:
            code.errors = [gettext("This table has codes of the program: they are renamed or switched off.")]
        elif code.data not in known and not (row.form.zh_CN.data or row.form.en.data):
            row.form.zh_CN.errors = [gettext("Enter a name.")]
        seen.add(code.data)
    lost = sorted(code for code in known - seen if code in shipped or codes.used(db.session(), kind, code))
    if lost:
        form.form_errors.append(
            gettext("In use, so only switched off, never removed: %(codes)s", codes=", ".join(lost))
        )
    wrong = any(row.form.code.errors or row.form.zh_CN.errors for row in form.rows)
    return not (lost or wrong)


def document(names: Any, active: bool) -> dict[str, Any]:
    return {**names, "active": active}


def show(kind: str, form: CodesForm) -> str:
    words = {entry.code: entry.text for entry in codes.table(kind)}
    fixed = codes.TABLES[kind].fixed
    return render_template(
        "admin/codes.html", kind=kind, form=form, tables=codes.TABLES, words=words, fixed=fixed, tried=request.form
    )
