"""Queues: how callers wait, how agents are chosen, who belongs to it and in which order."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.domain.config.queues import Strategy
from cti.store.models import Agent, Queue, QueueMember
from webui.admin import queries
from webui.admin.overflow_form import with_targets
from webui.admin.publish import announce
from webui.admin.queue_form import DEFAULTS, FIELDS, QueueForm, values
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("queues", __name__, url_prefix="/queues")


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    return render_template("admin/queues.html", queues=queries.queues(db.session()))


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    form = QueueForm(formdata=None, data=DEFAULTS)
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
    form = QueueForm(formdata=None, data=values(queue))
    put_members(form, queue)
    return show(form, queue)


@blueprint.post("/<queue_id>")
@requires(Permission.ADMIN_QUEUES)
def change(queue_id: str) -> ResponseReturnValue:
    return save(load(queue_id))


def save(queue: Queue | None) -> ResponseReturnValue:
    database, form = db.session(), with_rules(QueueForm(), queue)
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
    queue.strategy, queue.needs = Strategy(form.strategy.data), form.need_documents()
    queue.overflow = form.overflow_documents()
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
    members = {m.agent_id: (at, m) for at, m in enumerate(queue.members, 1)} if queue else {}
    agents = sorted(queries.agents(db.session()), key=lambda a: (members.get(a.id, (10_000,))[0], a.number))
    for agent in agents:
        row = {"agent_id": agent.id, "member": agent.id in members}
        if agent.id in members:
            order, member = members[agent.id]
            row |= {"order": order, "level": member.level, "weight": member.weight}
        form.members.append_entry(row)


def set_members(form: QueueForm, queue: Queue) -> None:
    known = {agent.id for agent in queries.agents(db.session())}
    rows = [row for row in form.members.data if row["member"] and row["agent_id"] in known]
    rows.sort(key=lambda row: row["order"] if row["order"] is not None else 10_000)
    present = {m.agent_id: m for m in queue.members}
    wanted = {row["agent_id"]: row for row in rows}
    queue.members[:] = [present.get(agent_id) or QueueMember(agent_id=agent_id) for agent_id in wanted]
    queue.members.reorder()  # type: ignore[attr-defined]
    for member in queue.members:
        row = wanted[member.agent_id]
        member.level, member.weight = row["level"], row["weight"] or 1


def with_rules(form: QueueForm, queue: Queue | None) -> QueueForm:
    with_targets(form.overflow, queries.target_choices(db.session()), queue.id if queue else "")
    return form


def show(form: QueueForm, queue: Queue | None) -> str:
    with_rules(form, queue)
    agents: dict[str, Agent] = {agent.id: agent for agent in queries.agents(db.session())}
    known = queries.skill_names(db.session())
    return render_template("admin/queue.html", form=form, queue=queue, agents=agents, known_skills=known)


def snapshot(queue: Queue) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(queue, name) for name in FIELDS}
    members = [{"agent": m.agent_id, "level": m.level, "weight": m.weight} for m in queue.members]
    rows = {"needs": queue.needs, "overflow": queue.overflow, "members": members}
    return found | {"strategy": str(queue.strategy)} | rows
