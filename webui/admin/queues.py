"""Queues: how callers wait, how agents are chosen, who belongs to it and in which order."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.domain.config import Strategy
from cti.store.models import Agent, Queue, QueueMember
from webui.admin import queries
from webui.admin.forms import QueueForm
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("queues", __name__, url_prefix="/queues")

FIELDS = (
    "number",
    "name",
    "ring_timeout",
    "wrapup",
    "announce_every",
    "announce_max",
    "music",
    "service_level_seconds",
    "active",
)
DEFAULTS = {
    "ring_timeout": 15.0,
    "wrapup": 15.0,
    "announce_every": 15.0,
    "announce_max": 3,
    "music": "default",
    "service_level_seconds": 20.0,
}


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    return render_template("admin/queues.html", queues=queries.queues(db.session()))


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    form = QueueForm(formdata=None, data=DEFAULTS | {"active": True})
    put_members(form, None)
    return show(form, None)


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<queue_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(queue_id: str) -> ResponseReturnValue:
    queue = load(queue_id)
    form = QueueForm(formdata=None, data={name: getattr(queue, name) for name in FIELDS})
    form.strategy.data = queue.strategy.value
    put_members(form, queue)
    return show(form, queue)


@blueprint.post("/<queue_id>")
@requires(Permission.ADMIN_QUEUES)
def change(queue_id: str) -> ResponseReturnValue:
    return save(load(queue_id))


def save(queue: Queue | None) -> ResponseReturnValue:
    database, form = db.session(), QueueForm()
    valid = form.validate_on_submit()
    if valid and queries.extension_taken(database, str(form.number.data), queue=queue):
        form.number.errors = [_("This number is taken.")]
        valid = False
    if not valid:
        return show(form, queue), 422
    before = snapshot(queue) if queue else None
    queue = queue or Queue()
    for name in FIELDS:
        setattr(queue, name, getattr(form, name).data)
    queue.strategy = Strategy(form.strategy.data)
    database.add(queue)
    set_members(form, queue)
    database.flush()
    if before is None:
        audit.record("queue.create", f"queue/{queue.id}", None, snapshot(queue))
    else:
        audit.record("queue.change", f"queue/{queue.id}", *changes(before, snapshot(queue)))
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.queues.index"), 303)


def load(queue_id: str) -> Queue:
    queue = db.session().get(Queue, queue_id) if valid_id(queue_id) else None
    if queue is None:
        abort(404)
    return queue


def put_members(form: QueueForm, queue: Queue | None) -> None:
    """A row for every agent: members first in their order, then the others."""
    order = {m.agent_id: at for at, m in enumerate(queue.members, 1)} if queue else {}
    agents = sorted(queries.agents(db.session()), key=lambda a: (order.get(a.id, 10_000), a.number))
    for agent in agents:
        form.members.append_entry({"agent_id": agent.id, "member": agent.id in order, "order": order.get(agent.id)})


def set_members(form: QueueForm, queue: Queue) -> None:
    known = {agent.id for agent in queries.agents(db.session())}
    rows = [row for row in form.members.data if row["member"] and row["agent_id"] in known]
    rows.sort(key=lambda row: row["order"] if row["order"] is not None else 10_000)
    present = {m.agent_id: m for m in queue.members}
    wanted = list(dict.fromkeys(row["agent_id"] for row in rows))
    queue.members[:] = [present.get(agent_id) or QueueMember(agent_id=agent_id) for agent_id in wanted]
    queue.members.reorder()  # type: ignore[attr-defined]


def show(form: QueueForm, queue: Queue | None) -> str:
    agents: dict[str, Agent] = {agent.id: agent for agent in queries.agents(db.session())}
    return render_template("admin/queue.html", form=form, queue=queue, agents=agents)


def snapshot(queue: Queue) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(queue, name) for name in FIELDS}
    return found | {"strategy": str(queue.strategy), "members": [m.agent_id for m in queue.members]}
