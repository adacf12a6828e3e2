"""Lists of numbers: callers that rules name, and those who must not be called. Pasted, searched, taken off."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from wtforms import BooleanField, DateField, Field, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, Optional

from cti.domain.phones import normalise
from cti.store.models import ListedNumber, NumberList
from cti.store.rules import LISTED_MOST
from webui.admin import queries, zone
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.common.text import many_lines, one_line
from webui.customers.forms import Line, changes

blueprint = Blueprint("lists", __name__, url_prefix="/lists")

SHOWN = 200
IN_AUDIT = 100
_ROW = re.compile(r"\s*(\+?[0-9][0-9 ().-]*)(.*)")


class ListForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Name"), 128, [DataRequired()])
    do_not_call = BooleanField(_("Nobody on this list is called"))


class AddForm(FlaskForm):  # type: ignore[misc]
    """One number a line, a note after it; ``until`` is the last day, empty for ever."""

    numbers = TextAreaField(_("Numbers"), [DataRequired(), Length(max=1_000_000)], filters=[many_lines])
    until = DateField(_("Last day"), [Optional()])

    def validate_numbers(self, field: Field) -> None:
        lines = (field.data or "").splitlines()
        wrong = next((f"{at}: {line.strip()[:40]}" for at, line in enumerate(lines, 1) if _is_wrong(line)), "")
        if wrong:
            raise ValidationError(gettext("This line is no phone number: %(line)s", line=wrong))

    def rows(self) -> dict[str, str]:
        """Number to note."""
        found = (read_row(line) for line in (self.numbers.data or "").splitlines() if line.strip())
        return dict(row for row in found if row is not None)

    def end(self) -> datetime | None:
        """The end of the last day."""
        if self.until.data is None:
            return None
        return zone.end_of_day(datetime.combine(self.until.data, datetime.min.time(), zone.centre_zone()).timestamp())


def _is_wrong(line: str) -> bool:
    return bool(line.strip()) and read_row(line) is None


def read_row(line: str) -> tuple[str, str] | None:
    """A number in its one spelling, and the note; ``None`` where the line does not begin with a number."""
    match = _ROW.fullmatch(line)
    number = normalise(match.group(1)) if match else ""
    if match is None or not 2 <= sum(c.isdigit() for c in number) <= 20:
        return None
    return number, one_line(match.group(2).strip(" ,;\t，；:："), 128)


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    database = db.session()
    used: dict[str, list[str]] = {}
    for rule in queries.rules(database):
        for list_id in rule.lists:
            used.setdefault(list_id, []).append(rule.name)
    counted = queries.listed(database)
    lists = queries.number_lists(database)
    query = one_line(request.args.get("number", ""))[:33]
    known = select(ListedNumber).where(ListedNumber.number == normalise(query))
    found = database.scalars(known).all() if query else []
    return render_template(
        "admin/lists.html", lists=lists, counted=counted, used=used, most=LISTED_MOST, query=query, found=found
    )


@blueprint.get("/new")
@requires(Permission.ADMIN_QUEUES)
def new() -> ResponseReturnValue:
    return show(None, ListForm(formdata=None))


@blueprint.post("/new")
@requires(Permission.ADMIN_QUEUES)
def create() -> ResponseReturnValue:
    return save(None)


@blueprint.get("/<list_id>")
@requires(Permission.ADMIN_QUEUES)
def edit(list_id: str) -> ResponseReturnValue:
    row = load(list_id)
    return show(row, ListForm(formdata=None, name=row.name, do_not_call=row.do_not_call))


@blueprint.post("/<list_id>")
@requires(Permission.ADMIN_QUEUES)
def change(list_id: str) -> ResponseReturnValue:
    return save(load(list_id))


@blueprint.post("/<list_id>/add")
@requires(Permission.ADMIN_QUEUES)
def add(list_id: str) -> ResponseReturnValue:
    """All the lines, or none when one of them is no number or the lists would grow too long."""
    database, row, form = db.session(), load(list_id), AddForm()
    valid = form.validate_on_submit()
    rows = form.rows() if valid else {}
    kept = {one.number: one for one in database.scalars(select(ListedNumber).where(ListedNumber.list_id == row.id))}
    total = sum(queries.listed(database).values()) + len(rows.keys() - kept.keys())
    if valid and total > LISTED_MOST:
        form.numbers.errors = [
            gettext(
                "All lists together may hold %(most)s numbers; these would be %(total)s.", most=LISTED_MOST, total=total
            )
        ]
        valid = False
    if not valid:
        return show(row, ListForm(formdata=None, name=row.name, do_not_call=row.do_not_call), form), 422
    for number, note in rows.items():
        one = kept.get(number) or ListedNumber(list_id=row.id, number=number)
        one.note, one.until = note or one.note or "", form.end()
        database.add(one)
    audit.record(
        "list.add", f"list/{row.id}", None, some(sorted(rows)) | {"name": row.name, "until": str(form.until.data or "")}
    )
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.lists.edit", list_id=row.id), 303)


@blueprint.post("/<list_id>/remove")
@requires(Permission.ADMIN_QUEUES)
def remove(list_id: str) -> ResponseReturnValue:
    database, row = db.session(), load(list_id)
    wanted = request.form.getlist("number")[:SHOWN]
    held = ListedNumber.list_id == row.id, ListedNumber.number.in_(wanted)
    numbers = list(database.scalars(select(ListedNumber.number).where(*held)))
    if numbers:
        database.execute(sql_delete(ListedNumber).where(*held))
        audit.record("list.remove", f"list/{row.id}", some(numbers) | {"name": row.name}, None)
        database.commit()
        announce(switch=False)
    return redirect(url_for("admin.lists.edit", list_id=row.id), 303)


@blueprint.post("/<list_id>/delete")
@requires(Permission.ADMIN_QUEUES)
def delete(list_id: str) -> ResponseReturnValue:
    database, row = db.session(), load(list_id)
    users = [rule.name for rule in queries.rules(database) if row.id in rule.lists]
    if users:
        flash(gettext("Still used by these rules: %(names)s", names=", ".join(users)), "danger")
        return redirect(url_for("admin.lists.edit", list_id=row.id), 303)
    numbers = list(database.scalars(select(ListedNumber.number).where(ListedNumber.list_id == row.id)))
    audit.record("list.delete", f"list/{row.id}", snapshot(row) | some(numbers), None)
    database.execute(sql_delete(ListedNumber).where(ListedNumber.list_id == row.id))
    database.delete(row)
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.lists.index"), 303)


def save(row: NumberList | None) -> ResponseReturnValue:
    database, form = db.session(), ListForm()
    if not form.validate_on_submit():
        return show(row, form), 422
    before = snapshot(row) if row else None
    row = row or NumberList()
    row.name, row.do_not_call = str(form.name.data), bool(form.do_not_call.data)
    database.add(row)
    database.flush()
    if before is None:
        audit.record("list.create", f"list/{row.id}", None, snapshot(row))
    else:
        audit.record("list.change", f"list/{row.id}", *changes(before, snapshot(row)))
    database.commit()
    announce(switch=False)
    return redirect(url_for("admin.lists.edit", list_id=row.id), 303)


def load(list_id: str) -> NumberList:
    row = db.session().get(NumberList, list_id) if valid_id(list_id) else None
    if row is None:
        abort(404)
    return row


def show(row: NumberList | None, form: ListForm, adding: AddForm | None = None) -> str:
    database, query = db.session(), one_line(request.args.get("q", ""))[:33]
    digits = "".join(c for c in query if c.isdigit())
    held = select(ListedNumber).where(ListedNumber.list_id == (row.id if row else ""))
    if query:
        held = held.where(
            ListedNumber.number.contains(digits or "-") | ListedNumber.note.contains(query, autoescape=True)
        )
    count = database.scalar(select(func.count()).select_from(held.subquery())) or 0
    numbers = database.scalars(held.order_by(ListedNumber.number).limit(SHOWN)).all()
    now = datetime.now(zone.centre_zone())
    return render_template(
        "admin/list.html",
        form=form,
        adding=adding or AddForm(formdata=None),
        row=row,
        numbers=numbers,
        count=count,
        query=query,
        now=now,
        last_day=last_day,
    )


def last_day(one: ListedNumber) -> str:
    return "" if one.until is None else zone.written(one.until.timestamp() - 1)[:10]


def some(numbers: list[str]) -> dict[str, Any]:
    """How many, and the first of them, as the audit keeps it."""
    return {"count": len(numbers), "numbers": numbers[:IN_AUDIT]}


def snapshot(row: NumberList) -> dict[str, Any]:
    return {"name": row.name, "do_not_call": row.do_not_call}
