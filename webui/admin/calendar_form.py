"""The form of a calendar: times of each weekday, closed days, days worked in exchange. Must not know requests."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, Field, FieldList, Form, FormField, SelectField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, Optional

from cti.store.models import Calendar
from webui.admin import days
from webui.common.labels import LABELS, choices
from webui.common.text import many_lines
from webui.customers.forms import Line

MOST_DAYS = 400
CLOSED = "closed"


def times(_form: Form, field: Field) -> None:
    try:
        days.read_spans(field.data or "")
    except ValueError:
        raise ValidationError(gettext("Write times as 09:00-12:00 13:30-18:00.")) from None


def weekday(day: int) -> Line:
    return Line(LABELS["weekday"][str(day)], 120, [times])


class DayForm(Form):  # type: ignore[misc]
    """One row; without a first date it is none. ``kind`` is ``closed`` or the weekday whose hours count."""

    first = DateField(_("From"), [Optional()])
    last = DateField(_("Up to"), [Optional()])
    kind = SelectField(lazy_pgettext("of a day", "What"), choices=choices("day_kind"), default=CLOSED)
    name = Line(_("Name"), 64)

    def validate_last(self, field: Field) -> None:
        if self.first.data and field.data and field.data < self.first.data:
            raise ValidationError(gettext("Ends before it begins."))

    def document(self) -> dict[str, Any]:
        last = self.last.data or self.first.data
        found = {"first": self.first.data.isoformat(), "last": last.isoformat(), "name": self.name.data or ""}
        return found if self.kind.data == CLOSED else found | {"like": int(self.kind.data)}


class CalendarForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Name"), 128, [DataRequired()])
    day_1, day_2, day_3, day_4, day_5, day_6, day_7 = (weekday(day) for day in range(1, 8))
    special = FieldList(FormField(DayForm), min_entries=1, max_entries=MOST_DAYS)
    paste = TextAreaField(_("Dates"), [Length(max=20_000)], filters=[many_lines])
    paste_kind = SelectField(_("They are"), choices=choices("day_kind"), default=CLOSED)

    @property
    def week(self) -> list[Line]:
        return [self[f"day_{day}"] for day in range(1, 8)]

    def spans(self) -> dict[int, list[days.Span]]:
        """What is understood of each weekday."""
        found: dict[int, list[days.Span]] = {}
        for day, field in enumerate(self.week, 1):
            try:
                found[day] = days.read_spans(field.data or "")
            except ValueError:
                found[day] = []
        return found

    def special_days(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of closed and of worked days, in order."""
        rows = sorted((row.form.document() for row in self.special if row.form.first.data), key=lambda r: r["first"])
        return [r for r in rows if "like" not in r], [r for r in rows if "like" in r]

    def take_paste(self) -> list[str]:
        """Put the pasted dates among the rows; the lines that were not understood."""
        found, wrong = days.read_dates(self.paste.data or "")
        room = MOST_DAYS - len(self.special)
        known = {(row.form.first.data, row.form.last.data or row.form.first.data) for row in self.special}
        fresh = [one for one in found if (one.first, one.last) not in known]
        put_days(self, [(one.first, one.last, self.paste_kind.data, one.name) for one in fresh[:room]])
        self.paste.data = "\n".join(wrong)
        return wrong


def put_days(form: CalendarForm, rows: list[tuple[date, date, str, str]]) -> None:
    """Add rows, in the place of a single empty one."""
    if len(form.special) == 1 and not form.special[0].form.first.data and rows:
        form.special.pop_entry()
    for first, last, kind, name in rows:
        form.special.append_entry({"first": first, "last": last, "kind": kind, "name": name})


def filled(calendar: Calendar) -> CalendarForm:
    """The form of a stored calendar."""
    form = CalendarForm(formdata=None, name=calendar.name)
    for day, spans in days.by_weekday(calendar.hours).items():
        form[f"day_{day}"].data = days.write_spans(spans)
    rows = [*calendar.closed, *calendar.worked]
    rows.sort(key=lambda row: str(row["first"]))
    kind = [str(row.get("like", CLOSED)) for row in rows]
    edges = [(date.fromisoformat(row["first"]), date.fromisoformat(row["last"])) for row in rows]
    put_days(form, [(*edge, what, row.get("name", "")) for edge, what, row in zip(edges, kind, rows, strict=True)])
    return form
