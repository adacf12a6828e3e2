"""Calendars: when the centre works, and forcing them open or closed until a moment, which supervisors may too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.domain.calendar import OpenBecause, is_open, next_change
from cti.domain.errors import BadRequest
from cti.store.models import Calendar
from cti.store.rules import calendar_config
from webui.admin import days, queries, zone
from webui.admin.calendar_form import CalendarForm, filled
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

blueprint = Blueprint("calendars", __name__, url_prefix="/calendars")

OFFICE = "09:00-18:00"
MINUTES = ("30", "60", "120", "240")
LONGEST_OVERRIDE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Present:
    """A calendar and what it says now; ``until`` is when that changes, empty if not in two weeks."""

    row: Calendar
    open: bool
    because: OpenBecause
    until: str
    bars: dict[int, list[tuple[int, int]]]

    @property
    def forced(self) -> bool:
        return self.because is OpenBecause.OVERRIDE


@blueprint.get("")
@requires(Permission.CALENDAR_OVERRIDE)
def index() -> ResponseReturnValue:
    found = [present(row, time.time()) for row in queries.calendars(db.session())]
    return render_template("admin/calendars.html", calendars=found, zone=zone.zone_name())


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    return show(CalendarForm(formdata=None, **{f"day_{day}": OFFICE for day in range(1, 6)}), None)


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<calendar_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(calendar_id: str) -> ResponseReturnValue:
    calendar = load(calendar_id)
    return show(filled(calendar), calendar)


@blueprint.post("/<calendar_id>")
@requires(Permission.ADMIN_QUEUES)
def change(calendar_id: str) -> ResponseReturnValue:
    return save(load(calendar_id))


@blueprint.post("/preview")
@requires(Permission.ADMIN_QUEUES)
def preview() -> ResponseReturnValue:
    """The week as it is typed."""
    return render_template("admin/_week.html", bars=days.bars(CalendarForm().spans()))


@blueprint.post("/<calendar_id>/delete")
@requires(Permission.ADMIN_QUEUES)
def delete(calendar_id: str) -> ResponseReturnValue:
    calendar = load(calendar_id)
    users = [rule.name for rule in queries.rules(db.session()) if rule.calendar_id == calendar.id]
    if users:
        flash(_("Still used by these rules: %(names)s", names=", ".join(users)), "danger")
        return redirect(url_for("admin.calendars.edit", calendar_id=calendar.id), 303)
    audit.record("calendar.delete", f"calendar/{calendar.id}", snapshot(calendar), None)
    db.session().delete(calendar)
    db.session().commit()
    announce(switch=False)
    return redirect(url_for("admin.calendars.index"), 303)


@blueprint.post("/<calendar_id>/override")
@requires(Permission.CALENDAR_OVERRIDE)
def override(calendar_id: str) -> ResponseReturnValue:
    """Open or closed until a moment whatever the hours say, or by the hours again."""
    calendar = load(calendar_id)
    before = forced(calendar)
    state = request.form.get("state", "")
    if state not in ("open", "closed", "hours"):
        raise BadRequest("open, closed or hours", field="state")
    until = None if state == "hours" else override_end(time.time())
    if state != "hours" and until is None:
        flash(_("Choose a moment that is still to come, within a year."), "danger")
        return redirect(url_for("admin.calendars.index"), 303)
    calendar.override_open, calendar.override_until = state == "open", until
    audit.record("calendar.override", f"calendar/{calendar.id}", before, {"name": calendar.name} | forced(calendar))
    db.session().commit()
    announce(switch=False)
    return redirect(url_for("admin.calendars.index"), 303)


def override_end(now: float) -> datetime | None:
    """From the form: so many minutes, the end of today, or a moment; ``None`` where that is no time to come."""
    choice = request.form.get("until", "")
    start = datetime.fromtimestamp(now, UTC)
    if choice == "moment":
        end = zone.read(request.form.get("moment", ""))
    elif choice == "day":
        end = zone.end_of_day(now)
    elif choice in MINUTES:
        end = start + timedelta(minutes=int(choice))
    else:
        return None
    return end if end is not None and start < end <= start + LONGEST_OVERRIDE else None


def save(calendar: Calendar | None) -> ResponseReturnValue:
    database, form = db.session(), CalendarForm()
    valid = form.validate_on_submit()
    if "take" in request.form:
        wrong = form.take_paste()
        form.paste.errors = [_("Not understood: %(lines)s", lines=" · ".join(wrong[:3])[:200])] if wrong else []
        return show(form, calendar, pasting=True)
    if not valid:
        return show(form, calendar), 422
    before = snapshot(calendar) if calendar else None
    calendar = calendar or Calendar(hours=[], closed=[], worked=[])
    calendar.name, calendar.hours = str(form.name.data), days.as_hours(form.spans())
    calendar.closed, calendar.worked = form.special_days()
    database.add(calendar)
    database.flush()
    if before is None:
        audit.record("calendar.create", f"calendar/{calendar.id}", None, snapshot(calendar))
    else:
        audit.record("calendar.change", f"calendar/{calendar.id}", *changes(before, snapshot(calendar)))
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.calendars.index"), 303)


def present(row: Calendar, now: float) -> Present:
    config, where = calendar_config(row), zone.centre_zone()
    is_it, because = is_open(config, now, where)
    spans = days.by_weekday(row.hours)
    return Present(row, is_it, because, zone.written(next_change(config, now, where)), days.bars(spans))


def load(calendar_id: str) -> Calendar:
    calendar = db.session().get(Calendar, calendar_id) if valid_id(calendar_id) else None
    if calendar is None:
        abort(404)
    return calendar


def show(form: CalendarForm, calendar: Calendar | None, *, pasting: bool = False) -> str:
    bars = days.bars(form.spans())
    return render_template(
        "admin/calendar.html", form=form, calendar=calendar, bars=bars, pasting=pasting, zone=zone.zone_name()
    )


def forced(calendar: Calendar) -> dict[str, str]:
    until = calendar.override_until
    if until is None:
        return {"override": ""}
    return {"override": "open" if calendar.override_open else "closed", "until": until.isoformat(timespec="seconds")}


def snapshot(calendar: Calendar) -> dict[str, Any]:
    return {name: getattr(calendar, name) for name in ("name", "hours", "closed", "worked")}
