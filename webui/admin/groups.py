"""Ring groups: a named list of phones that ring for a call, and where the call goes when nobody takes it."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.store.models import RingGroup
from webui.admin import queries
from webui.admin.group_form import GroupForm, offer, values
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("groups", __name__, url_prefix="/groups")


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    database = db.session()
    return render_template(
        "admin/groups.html",
        groups=queries.ring_groups(database),
        agents={agent.id: agent for agent in queries.agents(database)},
        targets=dict(queries.target_choices(database)),
    )


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    return show(GroupForm(formdata=None, ring_timeout=20.0), None)


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<group_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(group_id: str) -> ResponseReturnValue:
    group = load(group_id)
    return show(GroupForm(formdata=None, data=values(group)), group)


@blueprint.post("/<group_id>")
@requires(Permission.ADMIN_QUEUES)
def change(group_id: str) -> ResponseReturnValue:
    return save(load(group_id))


@blueprint.post("/<group_id>/delete")
@requires(Permission.ADMIN_QUEUES)
def delete(group_id: str) -> ResponseReturnValue:
    """Nobody is hung up on because a group went that calls are sent to."""
    group = load(group_id)
    if queries.uses_of_group(db.session(), group.id):
        return show(GroupForm(formdata=None, data=values(group)), group), 409
    audit.record("group.delete", f"group/{group.id}", values(group), None)
    db.session().delete(group)
    db.session().commit()
    announce(switch=False)
    return redirect(url_for("admin.groups.index"), 303)


def save(group: RingGroup | None) -> ResponseReturnValue:
    database, form = db.session(), GroupForm()
    put_choices(form, group)
    if not form.validate_on_submit():
        return show(form, group), 422
    before = values(group) if group else None
    group = group or RingGroup()
    form.apply(group)
    database.add(group)
    database.flush()
    if before is None:
        audit.record("group.create", f"group/{group.id}", None, values(group))
    else:
        audit.record("group.change", f"group/{group.id}", *changes(before, values(group)))
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.groups.index"), 303)


def load(group_id: str) -> RingGroup:
    group = db.session().get(RingGroup, group_id) if valid_id(group_id) else None
    if group is None:
        abort(404)
    return group


def put_choices(form: GroupForm, group: RingGroup | None) -> None:
    database = db.session()
    offer(form, list(queries.agents(database)), queries.target_choices(database), group)


def show(form: GroupForm, group: RingGroup | None) -> str:
    put_choices(form, group)
    uses = queries.uses_of_group(db.session(), group.id) if group else []
    return render_template(
        "admin/group.html", form=form, group=group, uses=uses, title=group.name if group else _("New ring group")
    )
