"""The places that forms offer: provinces, cities, districts; new ones, other names, those that are not served."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms.validators import DataRequired, Optional, Regexp

from cti.store import cities, divisions
from cti.store.cities import PlaceRefused, Wrong
from cti.store.models import Division
from webui.common import audit, db
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.forms import Line, changes

blueprint = Blueprint("cities", __name__, url_prefix="/cities")

FOUND = 50
CODE = _("Six digits, as 130602.")
WORDS = {
    Wrong.CODE: ("code", CODE),
    Wrong.TAKEN: ("code", _("There is a place with this code.")),
    Wrong.ABOVE: ("code", _("There is no place with the first digits of this code. Enter that first.")),
    Wrong.NAME: ("name", _("There is a place with this name here.")),
    Wrong.LONG: ("name", _("This name is too long.")),
}


class PlaceForm(FlaskForm):  # type: ignore[misc]
    """``code`` is asked for a new place only."""

    code = Line(_("Code"), 6, [Optional(), Regexp(r"^\d{6}$", message=CODE)])
    name = Line(_("Name"), 64, [DataRequired(_("Enter a name."))])
    postcode = Line(_("Postcode"), 6, [Optional(), Regexp(r"^\d{6}$", message=_("Six digits."))])
    area_code = Line(_("Area code"), 5, [Optional(), Regexp(r"^0\d{2,4}$", message=_("As 010 or 0312."))])
    initials = Line(_("Initials"), 32, [Optional(), Regexp(r"^[A-Za-z]+$", message=_("Letters only, as BJHD."))])


@blueprint.get("")
@requires(Permission.ADMIN_FIELDS)
def index() -> ResponseReturnValue:
    place = load(request.args["above"]) if request.args.get("above") else None
    return show(place, PlaceForm(formdata=None, code=cities.next_code(db.session(), place)))


@blueprint.post("")
@requires(Permission.ADMIN_FIELDS)
def create() -> ResponseReturnValue:
    form = PlaceForm()
    upper = load(request.form["above"]) if request.form.get("above") else None
    if not form.code.data:
        form.validate_on_submit()
        form.code.errors = [CODE]
        return show(upper, form), 422
    if db.session().get(Division, form.code.data) is not None:
        form.code.errors = [str(WORDS[Wrong.TAKEN][1])]
        return show(upper, form), 422
    return store(form, form.code.data, upper, None)


@blueprint.get("/<code>")
@requires(Permission.ADMIN_FIELDS)
def edit(code: str) -> ResponseReturnValue:
    place = load(code)
    return show(cities.above(db.session(), place), PlaceForm(formdata=None, obj=place), place)


@blueprint.post("/<code>")
@requires(Permission.ADMIN_FIELDS)
def change(code: str) -> ResponseReturnValue:
    place = load(code)
    return store(PlaceForm(), place.code, cities.above(db.session(), place), place)


@blueprint.post("/<code>/delete")
@requires(Permission.ADMIN_FIELDS)
def delete(code: str) -> ResponseReturnValue:
    """With all that lies in it; it can be brought back."""
    place, database = load(code), db.session()
    upper, before = cities.above(database, place), snapshot(place)
    gone = cities.remove(database, place)
    audit.record("place.delete", f"place/{place.code}", before | {"places": gone}, None)
    database.commit()
    flash(gettext("%(name)s is not offered any more.", name=before["name"]), "success")
    return redirect(url_for("admin.cities.index", above=upper.code if upper else None), 303)


@blueprint.post("/restore")
@requires(Permission.ADMIN_FIELDS)
def restore() -> ResponseReturnValue:
    upper = load(request.form["above"]) if request.form.get("above") else None
    count = cities.restore(db.session(), upper)
    if count:
        audit.record("place.restore", f"place/{upper.code if upper else ''}", None, {"places": count})
    db.session().commit()
    flash(gettext("%(count)s places were brought back.", count=count), "success")
    return redirect(url_for("admin.cities.index", above=upper.code if upper else None), 303)


def store(form: PlaceForm, code: str, upper: Division | None, place: Division | None) -> ResponseReturnValue:
    if not form.validate_on_submit():
        return show(upper, form, place), 422
    database = db.session()
    before = snapshot(place) if place is not None else None
    letters = (form.initials.data or "").upper()
    try:
        kept = cities.save(
            database, code, form.name.data or "", form.postcode.data or "", form.area_code.data or "", letters
        )
    except PlaceRefused as error:
        database.rollback()
        name, words = WORDS[error.why]
        form[name].errors = [*form[name].errors, str(words)]
        return show(reload(upper), form, reload(place)), 422
    after = snapshot(kept)
    action = "place.change" if before else "place.create"
    audit.record(action, f"place/{code}", *(changes(before, after) if before else (None, after)))
    database.commit()
    home = cities.above(database, kept)
    return redirect(url_for("admin.cities.index", above=home.code if home else None), 303)


def load(code: str) -> Division:
    found = divisions.get(db.session(), code)
    if found is None:
        abort(404)
    return found


def reload(place: Division | None) -> Division | None:
    """After a roll back."""
    return db.session().get(Division, place.code) if place is not None else None


def snapshot(place: Division) -> dict[str, Any]:
    return {name: getattr(place, name) for name in ("name", "postcode", "area_code", "initials")}


def show(upper: Division | None, form: PlaceForm, place: Division | None = None) -> str:
    """What lies in ``upper`` or was searched for, beside the form of ``place`` or of a new one."""
    database = db.session()
    text = one_line(request.args.get("q", ""), 64)
    rows = divisions.find(database, text, FOUND) if text else cities.listed(database, upper)
    path = []
    at = upper
    while at is not None:
        path.insert(0, at)
        at = cities.above(database, at)
    inside = cities.count_inside(database, place) if place is not None else 0
    return render_template(
        "admin/cities.html", rows=rows, form=form, place=place, upper=upper, path=path, text=text, inside=inside
    )
