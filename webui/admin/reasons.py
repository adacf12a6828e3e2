"""Why agents are busy: the reasons they choose from, in order, and how many minutes a day each may take."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, Field, FieldList, Form, FormField, IntegerField, ValidationError
from wtforms.validators import InputRequired, NumberRange, Optional, Regexp

from cti.store.models import BusyReason
from webui.common import audit, db
from webui.common.permissions import Permission, requires
from webui.customers.forms import Line, changes

blueprint = Blueprint("reasons", __name__, url_prefix="/reasons")

MOST = 30
AWAY = "away"
OWN = ("login", "no_answer", "rejected", "device_lost", "system")
"""Reasons that the engine gives by itself; nobody chooses them."""


class ReasonForm(Form):  # type: ignore[misc]
    """One reason; a row without a code is none. ``minutes`` 0: no limit."""

    code = Line(_("Code"), 32, [Optional(), Regexp(r"^[A-Za-z0-9_]+$", message=_("Letters, digits, underscore only."))])
    zh_CN = Line(_("Name in Chinese"), 64)
    en = Line(_("Name in English"), 64)
    minutes = IntegerField(_("Minutes a day"), [InputRequired(), NumberRange(0, 1440)], default=0)
    active = BooleanField(_("In use"), default=True)

    def validate_code(self, field: Field) -> None:
        if field.data in OWN:
            raise ValidationError(gettext("The system uses this code itself."))


class ReasonsForm(FlaskForm):  # type: ignore[misc]
    rows = FieldList(FormField(ReasonForm), min_entries=1, max_entries=MOST)

    def validate_rows(self, field: FieldList) -> None:
        codes = [row.form.code.data for row in field if row.form.code.data]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValidationError(gettext("Named twice: %(skills)s", skills=", ".join(twice)))


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    rows = [
        {"code": r.code, "zh_CN": r.names.get("zh_CN", ""), "en": r.names.get("en", ""), "minutes": r.minutes_a_day}
        | {"active": r.active}
        for r in reasons(db.session())
    ]
    if all(row["code"] != AWAY for row in rows):
        rows.append({"code": AWAY, "zh_CN": "离开", "en": "Away", "minutes": 0, "active": True})
    return render_template("admin/reasons.html", form=ReasonsForm(formdata=None, rows=[*rows, {}]))


@blueprint.post("")
@requires(Permission.ADMIN_QUEUES)
def save() -> ResponseReturnValue:
    form = ReasonsForm()
    if not form.validate_on_submit():
        return render_template("admin/reasons.html", form=form), 422
    database = db.session()
    known = {reason.code: reason for reason in reasons(database)}
    before = {code: snapshot(reason) for code, reason in known.items()}
    wanted = [row for row in form.rows.data if row["code"]]
    for code in known.keys() - {row["code"] for row in wanted}:
        database.delete(known.pop(code))
    for order, row in enumerate(wanted, 1):
        reason = known.setdefault(row["code"], BusyReason(code=row["code"]))
        reason.names = {locale: row[locale] for locale in ("zh_CN", "en") if row[locale]}
        reason.minutes_a_day, reason.active, reason.order = row["minutes"], row["active"], order
        database.add(reason)
    audit.record("reasons.change", "reasons", *changes(before, {c: snapshot(r) for c, r in known.items()}))
    database.commit()
    return redirect(url_for("admin.reasons.index"), 303)


def reasons(database: Session) -> list[BusyReason]:
    return list(database.scalars(select(BusyReason).order_by(BusyReason.order, BusyReason.code)))


def snapshot(reason: BusyReason) -> dict[str, Any]:
    return {"names": reason.names, "minutes": reason.minutes_a_day, "active": reason.active, "order": reason.order}
