"""The bell, the user's tasks, bulletins, and the page that shows all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, abort, current_app, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Bulletin, BulletinRead, Customer, Task, utc_now
from webui.common import audit, db, htmx
from webui.common.hub import EventHub
from webui.common.i18n import choose_timezone, to_utc
from webui.common.ids import row_id, valid_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.phones import diallable
from webui.followup import queries as followup
from webui.followup.access import queue_ids, tickets_seen
from webui.own import figures, forwarding, queries, readers, records
from webui.own.forms import BulletinForm, TaskForm
from webui.own.reminders import Reminders
from webui.tickets import live

blueprint = Blueprint("own", __name__, url_prefix="/own")

LATER = timedelta(minutes=15)


def install(app: Flask) -> None:
    hub, sessions = app.extensions["callyard_hub"], app.extensions[db.KEY]
    app.extensions["callyard_reminders"] = Reminders(hub, sessions, also=(live.look,))
    app.context_processor(lambda: {"task_form": lambda: TaskForm(formdata=None)})


def reminders() -> Reminders:
    found: Reminders = current_app.extensions["callyard_reminders"]
    return found


@blueprint.get("")
@requires(Permission.DESKTOP_USE)
def page() -> ResponseReturnValue:
    return show_page(BulletinForm(formdata=None))


def show_page(form: BulletinForm, forward: forwarding.ForwardForm | None = None) -> str:
    more = forwarding.panel() | ({"forward_form": forward} if forward is not None else {})
    return render_template(
        "own/page.html", **tasks_now(), **bulletins_now(), **figures_now(), **more, bulletin_form=form
    )


@blueprint.post("/forwarding")
@requires(Permission.FORWARDING_OWN)
def forward() -> ResponseReturnValue:
    """The number outside at which the agent may be called."""
    agent, form = forwarding.own_agent(), forwarding.ForwardForm()
    if agent is None:
        abort(403)
    if not form.validate_on_submit():
        return show_page(BulletinForm(formdata=None), form), 422
    return forwarding.save(form, agent)


def figures_now() -> dict[str, object]:
    """Nothing for a user who takes no calls."""
    if not current_user.agent_id:
        return {}
    zone = current_app.extensions["callyard_settings"].timezone
    day = datetime.now(zone).date()
    database, agent_id = db.session(), current_user.agent_id
    days = records.own_days(database, agent_id, current_user.id, day, zone, running(agent_id))
    may_listen = current_user.can(Permission.RECORDINGS_LISTEN_OWN)
    return {
        "today": figures.total(days, day),
        "week": figures.total(days, day - timedelta(days=day.weekday())),
        "chart": figures.draw(days),
        "recordings": records.own_recordings(database, agent_id) if may_listen else None,
    }


def running(agent_id: str) -> figures.Stretch | None:
    """The state that the agent is in now."""
    hub: EventHub = current_app.extensions["callyard_hub"]
    document = hub.agent(agent_id)
    if document is None or document["state"] == "loggedOff":
        return None
    return figures.Stretch(document["state"], datetime.fromtimestamp(document["since"], UTC), utc_now())


@blueprint.get("/bell")
@requires(Permission.DESKTOP_USE)
def bell() -> ResponseReturnValue:
    reminders().start()
    database, now = db.session(), utc_now()
    due = queries.due_tasks(database, current_user.id, now)
    unread = queries.unread(database, current_user.id, now)
    today = datetime.now(ZoneInfo(choose_timezone())).date()
    born = queries.birthdays(database, current_user.id, today)
    messages, tickets, urgent = 0, 0, 0
    if current_user.can(Permission.FOLLOWUP_USE):
        messages, tickets, urgent = followup.counts(database, queue_ids(database), tickets_seen(database))
    shown = {"due": due, "unread": unread, "born": born, "messages": messages, "tickets": tickets, "urgent": urgent}
    return render_template("own/bell.html", **shown)


# ---------------------------------------------------------------- tasks


@blueprint.get("/tasks")
@requires(Permission.DESKTOP_USE)
def tasks() -> ResponseReturnValue:
    return render_template("own/tasks.html", **tasks_now())


@blueprint.post("/tasks")
@requires(Permission.DESKTOP_USE)
def add() -> ResponseReturnValue:
    form = TaskForm()
    if not form.validate_on_submit():
        return render_template("own/task_form.html", form=form), 422
    task = Task(
        user_id=current_user.id, text=form.text.data, due_at=form.due(datetime.now(ZoneInfo(choose_timezone())))
    )
    task.call_id = valid_id(form.call_id.data or "")
    if form.number.data:
        task.number = diallable(form.number.data)
    if customer := db.session().get(Customer, row_id(form.customer_id.data)):
        task.customer_id = customer.id
    db.session().add(task)
    db.session().commit()
    answer = make_response(render_template("own/task_form.html", form=TaskForm(formdata=None)))
    return changed(htmx.trigger(htmx.toast(answer, _("The task is noted.")), "cy:noted", {}))


@blueprint.post("/tasks/<int:task_id>/<action>")
@requires(Permission.DESKTOP_USE)
def act(task_id: int, action: str) -> ResponseReturnValue:
    task = queries.task(db.session(), current_user.id, task_id) if valid_number(task_id) else None
    if task is None:
        abort(404)
    if action == "done":
        task.done_at = utc_now()
    elif action == "again":
        task.done_at = None
    elif action == "later":
        task.due_at = utc_now() + LATER
    else:
        abort(404)
    db.session().commit()
    return changed(make_response("", 204))


def tasks_now() -> dict[str, object]:
    now, database = utc_now(), db.session()
    done = queries.done_tasks(database, current_user.id, now)
    return {"tasks": queries.open_tasks(database, current_user.id), "done": done, "now": now}


def changed(answer: Response) -> Response:
    """Every page of this user shows it; this one at once, also without a stream."""
    reminders().tell(current_user.id)
    return htmx.trigger(answer, "cy:reminder", {"user_id": current_user.id})


# ---------------------------------------------------------------- bulletins


@blueprint.post("/bulletins")
@requires(Permission.BULLETINS_WRITE)
def publish() -> ResponseReturnValue:
    form = BulletinForm()
    if not form.validate_on_submit():
        return show_page(form), 422
    until = to_utc(form.until.data) if form.until.data else None
    must = form.must_read.data
    bulletin = Bulletin(user_id=current_user.id, text=form.text.data, must_read=must, until=until)
    db.session().add(bulletin)
    db.session().flush()
    audit.record("bulletin.create", f"bulletin/{bulletin.id}", None, {"text": bulletin.text, "must_read": must})
    db.session().commit()
    reminders().tell("")
    return redirect(url_for("own.page"), 303)


@blueprint.post("/bulletins/<int:bulletin_id>/delete")
@requires(Permission.BULLETINS_WRITE)
def withdraw(bulletin_id: int) -> ResponseReturnValue:
    bulletin = load(bulletin_id)
    was = {"text": bulletin.text, "must_read": bulletin.must_read}
    audit.record("bulletin.delete", f"bulletin/{bulletin.id}", was, None)
    db.session().delete(bulletin)
    db.session().commit()
    reminders().tell("")
    return redirect(url_for("own.page"), 303)


@blueprint.get("/bulletins/<int:bulletin_id>/readers")
@requires(Permission.BULLETINS_WRITE)
def readers_of(bulletin_id: int) -> ResponseReturnValue:
    bulletin = load(bulletin_id)
    return render_template("own/readers.html", bulletin=bulletin, readers=readers.readers(db.session(), bulletin))


@blueprint.post("/bulletins/<int:bulletin_id>/read")
@requires(Permission.DESKTOP_USE)
def read(bulletin_id: int) -> ResponseReturnValue:
    bulletin = load(bulletin_id)
    db.session().merge(BulletinRead(bulletin_id=bulletin.id, user_id=current_user.id, read_at=utc_now()))
    db.session().commit()
    return changed(make_response("", 204))


def load(bulletin_id: int) -> Bulletin:
    found = db.session().get(Bulletin, bulletin_id) if valid_number(bulletin_id) else None
    if found is None:
        abort(404)
    return found


def bulletins_now() -> dict[str, object]:
    database = db.session()
    found = queries.bulletins(database, utc_now())
    may_count = current_user.can(Permission.BULLETINS_WRITE)
    return {"bulletins": found, "read_counts": readers.counts(database, found) if may_count else {}}
