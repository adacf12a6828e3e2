"""Service numbers (DIDs) and what each reaches."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from cti.domain.trunks import DidFrom, apply_rules, read_rules
from cti.store.models import Did, Trunk
from webui.admin import queries, trunk_preview
from webui.admin.forms import NumberForm
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.labels import options
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.forms import changes

blueprint = Blueprint("numbers", __name__, url_prefix="/numbers")


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    database = db.session()
    return render_template(
        "admin/numbers.html",
        dids=queries.dids(database),
        targets=dict(queries.target_choices(database)),
        trunks=trunk_names(),
    )


@blueprint.get("/where")
@requires(Permission.ADMIN_QUEUES)
def where() -> ResponseReturnValue:
    """Where a call goes that comes in by a trunk to a number."""
    database = db.session()
    number, trunk_id = one_line(request.args.get("number", ""))[:33], request.args.get("trunk", "")
    trunk = database.get(Trunk, trunk_id) if valid_id(trunk_id) else None
    dialled = trunk.did_fixed if trunk is not None and trunk.did_from is DidFrom.FIXED else number
    reached = apply_rules(read_rules(trunk.did_rules), dialled) if trunk is not None else number
    goal, elsewhere = trunk_preview.reach(queries.dids(database), reached, trunk.id if trunk is not None else "")
    targets = dict(queries.target_choices(database))
    return render_template(
        "admin/_where.html", number=number, reached=reached, goal=goal, elsewhere=elsewhere, targets=targets
    )


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    return show(NumberForm(formdata=None), None)


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<did_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(did_id: str) -> ResponseReturnValue:
    did = load(did_id)
    form = NumberForm(formdata=None, number=did.number, name=did.name, trunk=did.trunk_id)
    form.target.data = f"{did.target_kind.value}:{did.target_id}"
    return show(form, did)


@blueprint.post("/<did_id>")
@requires(Permission.ADMIN_QUEUES)
def change(did_id: str) -> ResponseReturnValue:
    return save(load(did_id))


@blueprint.post("/<did_id>/delete")
@requires(Permission.ADMIN_QUEUES)
def delete(did_id: str) -> ResponseReturnValue:
    did = load(did_id)
    audit.record("number.delete", f"did/{did.id}", snapshot(did), None)
    db.session().delete(did)
    db.session().commit()
    announce(switch=False)
    return redirect(url_for("admin.numbers.index"), 303)


def save(did: Did | None) -> ResponseReturnValue:
    database, form = db.session(), NumberForm()
    offer(form)
    valid = form.validate_on_submit()
    holder = database.scalars(select(Did).where(Did.number == (form.number.data or ""))).first()
    if valid and holder is not None and holder is not did:
        form.number.errors = [_("This number is taken.")]
        valid = False
    if not valid:
        return show(form, did), 422
    before = snapshot(did) if did else None
    did = did or Did()
    did.number, did.name = str(form.number.data), form.name.data or ""
    did.target_kind, did.target_id = queries.split_target(form.target.data)
    did.trunk_id = form.trunk.data or ""
    database.add(did)
    database.flush()
    if before is None:
        audit.record("number.create", f"did/{did.id}", None, snapshot(did))
    else:
        audit.record("number.change", f"did/{did.id}", *changes(before, snapshot(did)))
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.numbers.index"), 303)


def load(did_id: str) -> Did:
    did = db.session().get(Did, did_id) if valid_id(did_id) else None
    if did is None:
        abort(404)
    return did


def show(form: NumberForm, did: Did | None) -> str:
    offer(form)
    return render_template("admin/number.html", form=form, did=did)


def offer(form: NumberForm) -> None:
    form.target.choices = options(queries.target_choices(db.session()))
    form.trunk.choices = options([("", _("Any trunk")), *trunk_names().items()])


def trunk_names() -> dict[str, str]:
    return {trunk.id: f"{trunk.id} · {trunk.name}" for trunk in queries.trunks(db.session())}


def snapshot(did: Did) -> dict[str, Any]:
    target = f"{did.target_kind.value}:{did.target_id}"
    return {"number": did.number, "name": did.name, "target": target, "trunk": did.trunk_id}
