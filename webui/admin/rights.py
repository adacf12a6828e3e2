"""Pages of rights: what a role may, and what one user may differently from the role; functions and scope of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Role, RoleRights, User
from webui.admin import manage, users
from webui.admin.right_words import grouped
from webui.common import audit, db
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind, Rights, Scope, rights_of
from webui.customers.forms import changes

blueprint = Blueprint("rights", __name__, url_prefix="/rights")

ROLES = (Role.SUPERVISOR, Role.AGENT)
"""Roles that can be changed: administrators always may everything."""
Holder = User | RoleRights


@blueprint.get("")
@requires(Permission.ADMIN_USERS)
def roles() -> ResponseReturnValue:
    return redirect(url_for("admin.rights.role", role=ROLES[0].value))


@blueprint.get("/roles/<role>")
@requires(Permission.ADMIN_USERS)
def role(role: str) -> ResponseReturnValue:
    return show_role(load_role(role))


@blueprint.post("/roles/<role>")
@requires(Permission.ADMIN_USERS)
def change_role(role: str) -> ResponseReturnValue:
    holder = load_role(role)
    if not manage.is_admin():
        abort(403)
    plain = rights_of(User(role=holder.role, rights={}, scopes={}), None)
    before = snapshot(holder)
    take(holder, plain)
    db.session().add(holder)
    audit.record("role.rights", f"role/{holder.role}", *changes(before, snapshot(holder)))
    db.session().commit()
    return redirect(url_for("admin.rights.role", role=holder.role), 303)


@blueprint.get("/users/<user_id>")
@requires(Permission.ADMIN_USERS)
def user(user_id: str) -> ResponseReturnValue:
    return show_user(users.load(user_id))


@blueprint.post("/users/<user_id>")
@requires(Permission.ADMIN_USERS)
def change_user(user_id: str) -> ResponseReturnValue:
    holder = users.load(user_id)
    before = snapshot(holder)
    take(holder, as_role(holder))
    error = trouble(holder)
    if error:
        db.session().rollback()
        return show_user(users.load(user_id), error), 422
    audit.record("user.rights", f"user/{holder.id}", *changes(before, snapshot(holder)))
    db.session().commit()
    return redirect(url_for("admin.rights.user", user_id=holder.id), 303)


def trouble(holder: User) -> str:
    """Why the new rights may not be; empty when they may."""
    rights = rights_of(holder, db.session().get(RoleRights, holder.role))
    if holder.id == current_user.id and not rights.permissions >= {Permission.ADMIN_USERS}:
        return _("You cannot take away your own access. Let another administrator do it.")
    if not manage.is_admin() and not manage.within(rights):
        return _("You cannot give what you may not do yourself.")
    return ""


def load_role(name: str) -> RoleRights:
    if name not in {str(role) for role in ROLES}:
        abort(404)
    return db.session().get(RoleRights, Role(name)) or RoleRights(role=Role(name), rights={}, scopes={})


def as_role(holder: User) -> Rights:
    return rights_of(User(role=holder.role, rights={}, scopes={}), db.session().get(RoleRights, holder.role))


def take(holder: Holder, base: Rights) -> None:
    """The form's choices into ``holder``: only what differs from ``base`` is kept."""
    rights: dict[str, bool] = {}
    for _title, rows in grouped():
        for code, _text in rows:
            wanted = {"yes": True, "no": False}.get(request.form.get(code, ""))
            if wanted is not None and wanted is not (Permission(code) in base.permissions):
                rights[code] = wanted
    chosen = {kind.value: request.form.get(f"scope.{kind}", "") for kind in Kind}
    holder.rights = rights
    holder.scopes = {
        kind: scope for kind, scope in chosen.items() if scope in set(Scope) and scope != base.scopes[Kind(kind)]
    }


def snapshot(holder: Holder) -> dict[str, Any]:
    return {**(holder.rights or {}), **{f"scope.{kind}": scope for kind, scope in (holder.scopes or {}).items()}}


def show_role(holder: RoleRights) -> str:
    plain = rights_of(User(role=holder.role, rights={}, scopes={}), None)
    return page(holder, plain, title=None, may_change=manage.is_admin())


def show_user(holder: User, error: str = "") -> str:
    return page(holder, as_role(holder), title=holder, error=error)


def page(holder: Holder, base: Rights, *, title: User | None, error: str = "", may_change: bool = True) -> str:
    chosen: Mapping[str, Any] = request.form if error else snapshot(holder)
    return render_template(
        "admin/rights.html",
        holder=holder,
        user=title,
        roles=ROLES,
        base={str(permission) for permission in base.permissions},
        base_scopes=base.scopes,
        groups=grouped(),
        kinds=list(Kind),
        scopes=list(Scope),
        chosen={code: {"yes": True, "no": False}.get(value, value) for code, value in chosen.items()},
        error=error,
        may_change=may_change,
    )
