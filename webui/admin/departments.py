"""The tree of departments: made, renamed, moved, removed. A department that holds anything stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from wtforms import IntegerField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, NumberRange, Optional

from cti.store.models import Department, User
from webui.admin.forms import department_id
from webui.common import audit, db
from webui.common.ids import valid_number
from webui.common.labels import options
from webui.common.permissions import Permission, requires
from webui.common.scope import below
from webui.customers.forms import Line, changes

blueprint = Blueprint("departments", __name__, url_prefix="/departments")

INDENT = "\u2003"


@dataclass(frozen=True)
class Branch:
    """A department in the order of the tree; ``depth`` 0 at the top, ``users`` in it alone."""

    department: Department
    depth: int
    users: int = 0
    children: tuple[Branch, ...] = ()


class DepartmentForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Name"), 64, [DataRequired(_("Enter a name."))])
    parent = SelectField(_("Belongs to"), choices=[], coerce=department_id, default="")
    order = IntegerField(_("Place among its neighbours"), [Optional(), NumberRange(0, 9999)], default=0)


@blueprint.get("")
@requires(Permission.ADMIN_USERS)
def index() -> ResponseReturnValue:
    return show(None, DepartmentForm(formdata=None, parent=request.args.get("parent", 0, int) or None))


@blueprint.post("")
@requires(Permission.ADMIN_USERS)
def create() -> ResponseReturnValue:
    form = DepartmentForm()
    if not valid(form, None):
        return show(None, form), 422
    department = Department(name="")
    db.session().add(department)
    fill(form, department)
    db.session().flush()
    audit.record("department.create", f"department/{department.id}", None, snapshot(department))
    db.session().commit()
    return redirect(url_for("admin.departments.edit", department=department.id), 303)


@blueprint.get("/<int:department>")
@requires(Permission.ADMIN_USERS)
def edit(department: int) -> ResponseReturnValue:
    found = load(department)
    return show(found, DepartmentForm(formdata=None, name=found.name, parent=found.parent_id, order=found.order))


@blueprint.post("/<int:department>")
@requires(Permission.ADMIN_USERS)
def change(department: int) -> ResponseReturnValue:
    found, form = load(department), DepartmentForm()
    if not valid(form, found):
        return show(found, form), 422
    before = snapshot(found)
    fill(form, found)
    audit.record("department.change", f"department/{found.id}", *changes(before, snapshot(found)))
    db.session().commit()
    return redirect(url_for("admin.departments.edit", department=found.id), 303)


@blueprint.post("/<int:department>/delete")
@requires(Permission.ADMIN_USERS)
def delete(department: int) -> ResponseReturnValue:
    found, database = load(department), db.session()
    held = select(User.id).where(User.department_id == found.id).limit(1)
    under = select(Department.id).where(Department.parent_id == found.id).limit(1)
    if database.scalar(held) is not None or database.scalar(under) is not None:
        flash(gettext("Move its users and departments elsewhere first."), "danger")
        return redirect(url_for("admin.departments.edit", department=found.id), 303)
    audit.record("department.delete", f"department/{found.id}", snapshot(found), None)
    database.delete(found)
    database.commit()
    return redirect(url_for("admin.departments.index"), 303)


def load(key: int) -> Department:
    found = db.session().get(Department, key) if valid_number(key) else None
    if found is None:
        abort(404)
    return found


def show(present: Department | None, form: DepartmentForm) -> str:
    form.parent.choices = choices(without=present)
    users = []
    if present is not None:
        members = select(User).where(User.department_id == present.id).order_by(User.name, User.id)
        users = list(db.session().scalars(members))
    return render_template("admin/departments.html", form=form, tree=tree(), present=present, users=users)


def valid(form: DepartmentForm, present: Department | None) -> bool:
    """The choices leave out the department itself and what is below it: no ring can be made."""
    form.parent.choices = choices(without=present)
    return bool(form.validate_on_submit())


def fill(form: DepartmentForm, department: Department) -> None:
    department.name, department.parent_id = str(form.name.data), form.parent.data
    department.order = form.order.data or 0


def snapshot(department: Department) -> dict[str, Any]:
    return {"name": department.name, "parent_id": department.parent_id, "order": department.order}


def everything() -> list[Department]:
    query = select(Department).order_by(Department.order, Department.name, Department.id)
    return list(db.session().scalars(query))


def tree() -> tuple[Branch, ...]:
    departments = everything()
    counted = select(User.department_id, func.count()).group_by(User.department_id)
    users = {row[0]: row[1] for row in db.session().execute(counted)}
    return grow(departments, users)


def grow(departments: Iterable[Department], users: dict[int | None, int]) -> tuple[Branch, ...]:
    """Nested branches of departments that are in the order of their neighbours."""
    children: dict[int | None, list[Department]] = {}
    for department in departments:
        children.setdefault(department.parent_id, []).append(department)

    def at(parent: int | None, depth: int) -> tuple[Branch, ...]:
        return tuple(Branch(d, depth, users.get(d.id, 0), at(d.id, depth + 1)) for d in children.get(parent, ()))

    return at(None, 0)


def flat(branches: Iterable[Branch]) -> list[Branch]:
    found: list[Branch] = []
    for branch in branches:
        found += [branch, *flat(branch.children)]
    return found


def choices(without: Department | None = None) -> list[SelectChoice]:
    """All departments, indented, for a select field; ``without`` one and those below it."""
    departments = everything()
    hidden = below({d.id: d.parent_id for d in departments}, without.id) if without is not None else set()
    rows = [b for b in flat(grow(departments, {})) if b.department.id not in hidden]
    return options([("", "—"), *((str(b.department.id), INDENT * b.depth + b.department.name) for b in rows)])


def names() -> dict[int, str]:
    return {department.id: department.name for department in everything()}
