"""Trunks: ways out to a carrier or another exchange. Passwords go in and are never shown again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.store.models import Trunk
from webui.admin import queries
from webui.admin.forms import TrunkForm
from webui.admin.publish import announce
from webui.calls.forms import valid_call_id as valid_id
from webui.common import audit, db
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("trunks", __name__, url_prefix="/trunks")

FIELDS = ("name", "host", "port", "username", "register", "caller_number", "active")


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    return render_template("admin/trunks.html", trunks=queries.trunks(db.session()))


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    return render_template("admin/trunk.html", form=TrunkForm(formdata=None), trunk=None)


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<trunk_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(trunk_id: str) -> ResponseReturnValue:
    trunk = load(trunk_id)
    form = TrunkForm(formdata=None, data={name: getattr(trunk, name) for name in ("id", *FIELDS)})
    return render_template("admin/trunk.html", form=form, trunk=trunk)


@blueprint.post("/<trunk_id>")
@requires(Permission.ADMIN_QUEUES)
def change(trunk_id: str) -> ResponseReturnValue:
    return save(load(trunk_id))


def save(trunk: Trunk | None) -> ResponseReturnValue:
    database, form = db.session(), TrunkForm()
    if trunk is not None:
        form.id.data = trunk.id  # part of the switch's endpoint name: never changes
    valid = form.validate_on_submit()
    if valid and trunk is None and database.get(Trunk, form.id.data) is not None:
        form.id.errors = [_("This short name is taken.")]
        valid = False
    if not valid:
        return render_template("admin/trunk.html", form=form, trunk=trunk), 422
    before = snapshot(trunk) if trunk else None
    fresh = bool(form.secret.data)
    trunk = trunk or Trunk(id=str(form.id.data))
    for name in FIELDS:
        value = getattr(form, name).data
        setattr(trunk, name, "" if value is None else value)
    if fresh:
        trunk.secret = str(form.secret.data)
    database.add(trunk)
    database.flush()
    after = snapshot(trunk) | ({"secret": "changed"} if fresh else {})
    if before is None:
        audit.record("trunk.create", f"trunk/{trunk.id}", None, after)
    else:
        audit.record("trunk.change", f"trunk/{trunk.id}", *changes(before, after))
    database.commit()
    announce(switch=True)
    return redirect(url_for("admin.trunks.index"), 303)


def load(trunk_id: str) -> Trunk:
    trunk = db.session().get(Trunk, trunk_id) if valid_id(trunk_id) else None
    if trunk is None:
        abort(404)
    return trunk


def snapshot(trunk: Trunk) -> dict[str, Any]:
    return {name: getattr(trunk, name) for name in FIELDS}
