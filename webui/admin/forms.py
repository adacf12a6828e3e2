"""The forms of the administration. Must not know requests."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    FloatField,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, Regexp

from webui.common.i18n import LOCALES
from webui.common.labels import choices, options
from webui.customers.forms import Line

EXTENSION = r"^[0-9]{2,8}$"
SERVICE_NUMBER = r"^\+?[0-9]{2,20}$"
DIGITS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*", "#")


SKILLS = 30
LEVELS = options((level, level) for level in range(1, 10))


class SkillForm(Form):  # type: ignore[misc]
    """One skill of an agent; a row without a name is none."""

    name = Line(_("Skill"), 32, [Optional(), Regexp(r"^[\w.+-]+$", message=_("One word: letters, digits, dash, dot."))])
    level = SelectField(_("Level"), choices=LEVELS, coerce=int, default=5)

    def validate_name(self, field: Field) -> None:
        field.data = field.data.lower()


def once(_form: Form, rows: FieldList) -> None:
    """No skill is named twice."""
    named = [row.form.name.data for row in rows if row.form.name.data]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ValidationError(gettext("Named twice: %(skills)s", skills=", ".join(twice)))


def department_id(value: Any) -> int | None:
    """What stands in the form, or with the user: none is empty."""
    return int(value) if value else None


class UserForm(FlaskForm):  # type: ignore[misc]
    """``number`` empty: a user without a phone. An agent stays an agent; to stop calls, leave the queues."""

    username = Line(
        _("User name"),
        64,
        [DataRequired(), Regexp(r"^[A-Za-z0-9._@-]{2,64}$", message=_("Letters, digits, dot, dash, at sign only."))],
    )
    name = Line(_("Name"), 128, [DataRequired()])
    role = SelectField(_("Role"), choices=choices("role"), default="agent")
    locale = SelectField(_("Language"), choices=options(LOCALES.items()), default="zh_CN")
    timezone = Line(_("Time zone"), 64, [DataRequired()], default="Asia/Shanghai")
    department = SelectField(_("Department"), choices=[], coerce=department_id, default="")
    active = BooleanField(_("May sign in"), default=True)
    number = Line(_("Extension"), 8, [Optional(), Regexp(EXTENSION, message=_("2 to 8 digits."))])
    phone = SelectField(_("Phone"), choices=choices("phone_kind"), default="web")
    outside_number = Line(
        _("Outside number"), 21, [Optional(), Regexp(r"^\+?[0-9]{5,20}$", message=_("5 to 20 digits."))]
    )
    queues = SelectMultipleField(_("Queues"), choices=[])
    skills = FieldList(FormField(SkillForm), _("Skills"), [once], min_entries=1, max_entries=SKILLS)

    def validate_phone(self, field: Field) -> None:
        if field.data == "outside" and not self.outside_number.data:
            raise ValidationError(_("Enter the outside number first."))

    def validate_timezone(self, field: Field) -> None:
        if field.data not in available_timezones():
            raise ValidationError(_("This time zone is not known. Example: Asia/Shanghai."))


class Seconds(FloatField):  # type: ignore[misc]
    """Whole seconds stand without a decimal point."""

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else f"{self.data:g}" if self.data is not None else ""


def seconds(label: Any, highest: int, lowest: int = 0) -> FloatField:
    return Seconds(label, [InputRequired(), NumberRange(lowest, highest)])


class NumberForm(FlaskForm):  # type: ignore[misc]
    """``target`` is ``<kind>:<id>``; ``trunk`` empty: any."""

    number = Line(_("Service number"), 21, [DataRequired(), Regexp(SERVICE_NUMBER, message=_("2 to 20 digits."))])
    name = Line(_("Name"), 128)
    target = SelectField(_("Goes to"), choices=[])
    trunk = SelectField(_("Comes in by"), choices=[], default="")


class OptionForm(Form):  # type: ignore[misc]
    """One key of a menu; without a target the key does nothing."""

    digit = HiddenField()
    target = SelectField(_("Goes to"), choices=[])
    language = SelectField(_("Language"), choices=options([("", "—"), *LOCALES.items()]))


PROMPT = Regexp(r"^[A-Za-z0-9_/-]{1,128}$", message=_("The name of a prompt: letters, digits, dash, underscore."))


class MenuForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Name"), 128, [DataRequired()])
    greeting = Line(_("Greeting prompt"), 128, [Optional(), PROMPT])
    prompt = Line(_("Menu prompt"), 128, [DataRequired(), PROMPT])
    language = SelectField(_("Language"), choices=options(LOCALES.items()), default="zh_CN")
    timeout = Seconds(_("Wait for a key (s)"), [InputRequired(), NumberRange(1, 60)], default=6.0)
    tries = IntegerField(lazy_pgettext("of a menu", "Tries"), [InputRequired(), NumberRange(1, 10)], default=3)
    otherwise = SelectField(_("Otherwise"), choices=[])
    options = FieldList(FormField(OptionForm), min_entries=len(DIGITS), max_entries=len(DIGITS))
