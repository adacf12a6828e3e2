"""The forms of tasks and bulletins. Must not know requests."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateTimeLocalField, Field, HiddenField, SelectField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, Optional

from webui.common.i18n import to_utc
from webui.common.labels import options
from webui.common.text import many_lines
from webui.customers.forms import Line

MORNING = time(9, 0)
LATEST = timedelta(days=3 * 366)

WHEN = (
    ("", _("No reminder")),
    ("15", _("In 15 minutes")),
    ("60", _("In an hour")),
    ("180", _("In three hours")),
    ("tomorrow", _("Tomorrow at 9")),
    ("at", _("At …")),
)


class TaskForm(FlaskForm):  # type: ignore[misc]
    """``number`` as typed or a token; ``at`` in the user's zone, only with ``when`` "at"."""

    text = Line(_("What is to be done"), 255, [DataRequired()])
    when = SelectField(_("Remind me"), choices=options(WHEN), default="60")
    at = DateTimeLocalField(_("Time"), [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    number = HiddenField(id="task-number", validators=[Length(max=128)])
    customer_id = HiddenField(id="task-customer", validators=[Length(max=20)])
    call_id = HiddenField(id="task-call", validators=[Length(max=40)])

    def validate_when(self, field: Field) -> None:
        if field.data == "at" and self.at.data is None:
            raise ValidationError(gettext("Day and time are missing."))

    def due(self, now: datetime) -> datetime | None:
        """When to remind, from ``now`` (in the user's zone); None: never."""
        when = self.when.data
        if when == "at":
            return to_utc(self.at.data)
        if when == "tomorrow":
            return to_utc(datetime.combine(now.date() + timedelta(days=1), MORNING))
        return now + timedelta(minutes=int(when)) if when else None


class BulletinForm(FlaskForm):  # type: ignore[misc]
    """``until`` in the user's zone."""

    text = TextAreaField(_("Text"), [DataRequired(), Length(max=1000)], filters=[many_lines])
    must_read = BooleanField(_("Everybody has to confirm that they have read it"))
    until = DateTimeLocalField(_("Until"), [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
