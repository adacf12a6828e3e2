"""Trunks: ways out and in, to a carrier or another exchange. Passwords go in and are never shown again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from cti.store.models import Did, Trunk
from webui.admin import queries, trunk_form, trunk_preview
from webui.admin.publish import announce
from webui.admin.trunk_form import KINDS, TrunkForm
from webui.admin.trunk_status import known_switches
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.labels import label
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.forms import changes

blueprint = Blueprint("trunks", __name__, url_prefix="/trunks")

EXAMPLES = {"try_number": "13800138000", "try_caller": "13912345678", "try_did": ""}


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    database = db.session()
    return render_template("admin/trunks.html", trunks=queries.trunks(database), dids=queries.dids(database))


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    """First what the far side is, then the form with what suits that."""
    kind = request.args.get("kind", "")
    if kind not in KINDS:
        return render_template("admin/trunk_kinds.html", kinds=list(KINDS))
    form = TrunkForm(formdata=None, data={"id": free_id(kind), "name": label(kind, "trunk_kind")} | KINDS[kind])
    return show(form, None)


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<trunk_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(trunk_id: str) -> ResponseReturnValue:
    trunk = load(trunk_id)
    return show(TrunkForm(formdata=None, data=trunk_form.of_trunk(trunk)), trunk)


@blueprint.post("/<trunk_id>")
@requires(Permission.ADMIN_QUEUES)
def change(trunk_id: str) -> ResponseReturnValue:
    return save(load(trunk_id))


@blueprint.post("/<trunk_id>/delete")
@requires(Permission.ADMIN_QUEUES)
def delete(trunk_id: str) -> ResponseReturnValue:
    """Not while service numbers are bound to it: they would be reached from anywhere, or from nowhere."""
    trunk = load(trunk_id)
    if numbers_of(trunk):
        flash(_("First remove the service numbers of this trunk, or bind them to another one."), "danger")
        return redirect(url_for("admin.trunks.edit", trunk_id=trunk.id), 303)
    audit.record("trunk.delete", f"trunk/{trunk.id}", snapshot(trunk), None)
    db.session().delete(trunk)
    db.session().commit()
    announce(switch=True)
    return redirect(url_for("admin.trunks.index"), 303)


@blueprint.post("/preview")
@requires(Permission.ADMIN_QUEUES)
def preview() -> ResponseReturnValue:
    """What the form, as it stands, does to numbers. Saves nothing."""
    database, form = db.session(), TrunkForm()
    targets = queries.target_choices(database)
    form.offer(known_switches(), targets, has_secret=True)
    form.validate()
    wrong = [name for name in (*trunk_form.RULES, "did_fixed", "caller_number") if getattr(form, name).errors]
    if wrong:
        return render_template("admin/_trunk_preview.html", wrong=[getattr(form, n).label.text for n in wrong])
    values = form.values()
    number = one_line(request.form.get("try_number", ""))[:33]
    did, caller = one_line(request.form.get("try_did", ""))[:33], one_line(request.form.get("try_caller", ""))[:33]
    new_numbers = [
        Did(number=row["number"], trunk_id="", target_kind=kind, target_id=target_id)
        for row in form.numbers.data
        if row["number"] and row["target"] in dict(targets)
        for kind, target_id in [queries.split_target(row["target"])]
    ]
    dids = [*new_numbers, *queries.dids(database)]
    return render_template(
        "admin/_trunk_preview.html",
        form=form,
        out=trunk_preview.call_out(values, number),
        back=trunk_preview.call_in(values, str(form.id.data or "\0"), dids, did, caller),
        targets=dict(targets),
    )


def save(trunk: Trunk | None) -> ResponseReturnValue:
    database, form = db.session(), TrunkForm()
    if trunk is not None:
        form.id.data = trunk.id  # part of the switch's endpoint name: never changes
    offer(form, trunk)
    valid = form.validate_on_submit()
    if not (unused(form, trunk) and valid):
        return show(form, trunk), 422
    before = snapshot(trunk) if trunk else None
    fresh = bool(form.secret.data)
    trunk = trunk or Trunk(id=str(form.id.data))
    for name, value in form.values().items():
        setattr(trunk, name, value)
    if fresh or not trunk.username:
        trunk.secret = str(form.secret.data or "")
    database.add(trunk)
    add_numbers(form, trunk)
    database.flush()
    after = snapshot(trunk) | ({"secret": "changed"} if fresh else {})
    if before is None:
        audit.record("trunk.create", f"trunk/{trunk.id}", None, after)
    else:
        audit.record("trunk.change", f"trunk/{trunk.id}", *changes(before, after))
    database.commit()
    announce(switch=True)
    return redirect(url_for("admin.trunks.edit", trunk_id=trunk.id), 303)


def unused(form: TrunkForm, trunk: Trunk | None) -> bool:
    """The short name and the new service numbers are free; else the fields say so."""
    database, free = db.session(), True
    if trunk is None and form.id.data and database.get(Trunk, form.id.data) is not None:
        form.id.errors = [*form.id.errors, _("This short name is taken.")]
        free = False
    seen: set[str] = set()
    for row in form.numbers:
        number = row.form.number.data
        if number and (number in seen or database.scalars(select(Did).where(Did.number == number)).first()):
            row.form.number.errors = [*row.form.number.errors, _("This number is taken.")]
            free = False
        seen.add(number)
    return free


def add_numbers(form: TrunkForm, trunk: Trunk) -> None:
    for row in form.numbers.data:
        if not row["number"]:
            continue
        kind, target_id = queries.split_target(row["target"])
        did = Did(number=row["number"], trunk_id=trunk.id, target_kind=kind, target_id=target_id)
        db.session().add(did)
        db.session().flush()
        audit.record("number.create", f"did/{did.id}", None, {"number": did.number, "trunk": trunk.id})


def numbers_of(trunk: Trunk | None) -> list[Did]:
    return [did for did in queries.dids(db.session()) if trunk is not None and did.trunk_id == trunk.id]


def free_id(kind: str) -> str:
    taken = {trunk.id for trunk in queries.trunks(db.session())}
    return next(name for name in (kind, *(f"{kind}-{n}" for n in range(2, 1000))) if name not in taken)


def load(trunk_id: str) -> Trunk:
    trunk = db.session().get(Trunk, trunk_id) if valid_id(trunk_id) else None
    if trunk is None:
        abort(404)
    return trunk


def show(form: TrunkForm, trunk: Trunk | None) -> str:
    database = db.session()
    targets = queries.target_choices(database)
    offer(form, trunk)
    numbers = numbers_of(trunk)
    tried = {name: request.form.get(name, example) for name, example in EXAMPLES.items()}
    if not tried["try_did"] and not form.errors:
        free = [did for did in queries.dids(database) if not did.trunk_id]
        tried["try_did"] = trunk_preview.as_dialled(form.values(), (numbers or free)[:1])
    settings = current_app.extensions["callyard_settings"]
    return render_template(
        "admin/trunk.html",
        form=form,
        trunk=trunk,
        numbers=numbers,
        targets=dict(targets),
        tried=tried,
        loopback_only=settings.bind == "127.0.0.1",
    )


def offer(form: TrunkForm, trunk: Trunk | None) -> None:
    """A switch that was chosen and is not there at present stays a choice."""
    switches = [*known_switches(), *(trunk.switches if trunk else ())]
    form.offer(switches, queries.target_choices(db.session()), has_secret=bool(trunk and trunk.secret))
    form.moved = trunk is not None and trunk_form.leads_elsewhere(form, trunk)


def snapshot(trunk: Trunk) -> dict[str, Any]:
    """For the audit: without the password."""
    found = {name: getattr(trunk, name) for name in (*trunk_form.PLAIN, *trunk_form.RULES, "codecs", "sources")}
    return {name: list(value) if isinstance(value, list) else value for name, value in found.items()}
