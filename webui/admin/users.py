"""People: users, and the agents among them with extension, phone and queues. One-time passwords are shown once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Agent, PhoneKind, Queue, QueueMember, Role, User
from cti.store.passwords import hash_password, random_password, random_secret
from webui.admin import departments, manage, queries
from webui.admin.forms import UserForm
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.labels import options
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.get("")
@requires(Permission.ADMIN_USERS)
def index() -> ResponseReturnValue:
    database = db.session()
    return render_template(
        "admin/users.html",
        users=queries.users(database),
        queues=queries.queue_names(database),
        departments=departments.names(),
        may_manage=manage.may_manage,
    )


@blueprint.get("/new")
@requires(Permission.ADMIN_USERS)
def new() -> ResponseReturnValue:
    return show(UserForm(formdata=None), None)


@blueprint.post("/new")
@requires(Permission.ADMIN_USERS)
def create() -> ResponseReturnValue:
    form = with_queues(UserForm())
    if not (form.validate_on_submit() and free(form, None) and manage.may_give(form)):
        return show(form, None), 422
    password = random_password()
    user = User(username=str(form.username.data), password_hash=hash_password(password), must_change_password=True)
    db.session().add(user)
    fill(form, user)
    db.session().flush()
    audit.record("user.create", f"user/{user.id}", None, snapshot(user))
    db.session().commit()
    in_force(user.agent is not None, switch=True)
    return render_template("admin/password.html", user=user, password=password, new=True)


@blueprint.get("/<user_id>")
@requires(Permission.ADMIN_USERS)
def edit(user_id: str) -> ResponseReturnValue:
    user = load(user_id)
    known = user.agent.skills if user.agent is not None else {}
    skills = [{"name": name, "level": level} for name, level in sorted(known.items())]
    form = UserForm(formdata=None, obj=user, skills=skills)
    form.role.data, form.department.data = user.role.value, user.department_id
    if user.agent is not None:
        form.number.data, form.phone.data = user.agent.number, user.agent.phone.value
        form.outside_number.data = user.agent.outside_number
        form.queues.data = [m.queue_id for m in queries.queues_of(db.session(), user.agent.id)]
    return show(form, user)


@blueprint.post("/<user_id>")
@requires(Permission.ADMIN_USERS)
def change(user_id: str) -> ResponseReturnValue:
    user, form = load(user_id), with_queues(UserForm())
    if not (form.validate_on_submit() and free(form, user) and not locks_out(form, user) and manage.may_give(form)):
        return show(form, user), 422
    before = snapshot(user)
    fill(form, user)
    db.session().flush()
    after = snapshot(user)
    if before["active"] and not after["active"]:
        user.session_epoch += 1
    audit.record("user.change", f"user/{user.id}", *changes(before, after))
    db.session().commit()
    phones = any(before.get(key) != after.get(key) for key in ("number", "name", "active"))
    in_force(user.agent is not None, switch=phones)
    return redirect(url_for("admin.users.index"), 303)


@blueprint.post("/<user_id>/password")
@requires(Permission.ADMIN_USERS)
def reset(user_id: str) -> ResponseReturnValue:
    """A new one-time password; every session of the user ends and a lock is lifted."""
    user, password = load(user_id), random_password()
    user.password_hash = hash_password(password)
    user.must_change_password = True
    user.session_epoch += 1
    user.failed_logins, user.locked_until = 0, None
    audit.record("user.password", f"user/{user.id}")
    db.session().commit()
    return render_template("admin/password.html", user=user, password=password, new=False)


def load(user_id: str) -> User:
    user = db.session().get(User, user_id) if valid_id(user_id) else None
    if user is None:
        abort(404)
    if not manage.may_manage(user):
        abort(403)
    return user


def with_queues(form: UserForm) -> UserForm:
    form.queues.choices = options((q.id, f"{q.number} {q.name}") for q in queries.queues(db.session()))
    form.department.choices = departments.choices()
    return form


def show(form: UserForm, user: User | None) -> str:
    known = queries.skill_names(db.session())
    return render_template("admin/user.html", form=with_queues(form), user=user, known_skills=known)


def free(form: UserForm, user: User | None) -> bool:
    """Nobody else has this user name or extension."""
    database = db.session()
    holder = queries.user_named(database, str(form.username.data))
    if holder is not None and holder is not user:
        form.username.errors = [_("This user name is taken.")]
    agent = user.agent if user else None
    if form.number.data and queries.extension_taken(database, form.number.data, agent=agent):
        form.number.errors = [_("This number is taken.")]
    if agent is not None and not form.number.data:
        form.number.errors = [_("An agent keeps an extension. To stop calls, leave all queues or switch the user off.")]
    return not (form.username.errors or form.number.errors)


def locks_out(form: UserForm, user: User) -> bool:
    """Administrators cannot take away their own access; so one is always left."""
    if user.id != current_user.id or (form.active.data and form.role.data == Role.ADMIN.value):
        return False
    form.role.errors = [_("You cannot take away your own access. Let another administrator do it.")]
    return True


def fill(form: UserForm, user: User) -> None:
    user.username, user.name = str(form.username.data), str(form.name.data)
    user.role = Role(form.role.data)
    user.locale, user.timezone = form.locale.data, form.timezone.data
    user.department_id, user.active = form.department.data, bool(form.active.data)
    if not form.number.data:
        return
    if user.agent is None:
        user.agent = Agent(number="", sip_secret=random_secret(), web_secret=random_secret())
    user.agent.number, user.agent.phone = form.number.data, PhoneKind(form.phone.data)
    user.agent.outside_number = form.outside_number.data or ""
    user.agent.skills = {row["name"]: row["level"] for row in form.skills.data if row["name"]}
    db.session().flush()
    join_queues(user.agent, set(form.queues.data or []))


def join_queues(agent: Agent, wanted: set[str]) -> None:
    """Leave the queues not wanted, join the new ones at their end."""
    database = db.session()
    present = {member.queue_id: member for member in queries.queues_of(database, agent.id)}
    for queue in queries.queues(database):
        if queue.id in wanted and queue.id not in present:
            queue.members.append(QueueMember(agent_id=agent.id))
        elif queue.id in present and queue.id not in wanted:
            leave(queue, agent)
    database.flush()


def leave(queue: Queue, agent: Agent) -> None:
    member = next((m for m in queue.members if m.agent_id == agent.id), None)
    if member is not None:
        queue.members.remove(member)


def snapshot(user: User) -> dict[str, Any]:
    """The user as the audit keeps it; no password, no phone secret."""
    simple = ("username", "name", "locale", "timezone", "department_id", "active")
    found: dict[str, Any] = {name: getattr(user, name) for name in simple}
    found["role"] = str(user.role)
    if user.agent is not None:
        found["number"], found["phone"] = user.agent.number, str(user.agent.phone)
        found["outside_number"] = user.agent.outside_number
        found["skills"] = user.agent.skills
        found["queues"] = sorted(m.queue_id for m in queries.queues_of(db.session(), user.agent.id))
    return found


def in_force(agent: bool, *, switch: bool) -> None:
    """Only agents concern the engine."""
    if agent:
        announce(switch=switch)
    else:
        flash(_("Saved."), "success")
