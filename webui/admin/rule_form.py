"""The form of an inbound rule: whose calls to which numbers, when, and where they go. Must not know requests."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, SelectField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from cti.domain.config.routes import When
from cti.store.models import InboundRule
from webui.admin import queries
from webui.admin.forms import PROMPT
from webui.common.labels import choices
from webui.customers.forms import Line

CALLERS = 100
_CALLER = re.compile(r"\+?[0-9]{1,20}")
_BETWEEN = re.compile(r"[\s,;，；、]+")


def read_callers(text: str) -> list[str]:
    """Beginnings of numbers, each once, in the order typed."""
    return list(dict.fromkeys(filter(None, _BETWEEN.split(text))))


class RuleForm(FlaskForm):  # type: ignore[misc]
    """Nothing chosen of ``numbers``: any; neither ``callers`` nor ``lists``: anybody."""

    name = Line(_("Name"), 128, [DataRequired()])
    active = BooleanField(_("In use"), default=True)
    numbers = SelectMultipleField(_("Calls to"), choices=[])
    callers = Line(_("Callers whose number begins with"), 2000)
    lists = SelectMultipleField(_("Callers on a list"), choices=[])
    when = SelectField(_("When"), choices=choices("when"), default="always")
    calendar = SelectField(_("Calendar"), choices=[], default="")
    say = Line(_("Say first"), 128, [Optional(), PROMPT])
    priority = IntegerField(_("Priority"), [InputRequired(), NumberRange(0, 100)], default=0)
    target = SelectField(_("Goes to"), choices=[])

    def validate_callers(self, field: Field) -> None:
        found = read_callers(field.data or "")
        wrong = [one for one in found if not _CALLER.fullmatch(one)]
        if wrong:
            raise ValidationError(gettext("Not the beginning of a number: %(text)s", text=wrong[0][:40]))
        if len(found) > CALLERS:
            raise ValidationError(gettext("More than 100: make a list of them."))

    def validate_calendar(self, field: Field) -> None:
        if self.when.data != When.ALWAYS and not field.data:
            raise ValidationError(gettext("Choose the calendar."))

    def apply(self, rule: InboundRule) -> None:
        rule.name, rule.active = self.name.data, self.active.data
        rule.numbers, rule.lists = list(self.numbers.data), list(self.lists.data)
        rule.callers = read_callers(self.callers.data or "")
        rule.when = When(self.when.data)
        rule.calendar_id = "" if rule.when is When.ALWAYS else self.calendar.data
        rule.say, rule.priority = self.say.data or "", self.priority.data
        rule.target_kind, rule.target_id = queries.split_target(self.target.data)


def values(rule: InboundRule) -> dict[str, Any]:
    """What the form shows of a rule."""
    plain = {name: getattr(rule, name) for name in ("name", "active", "numbers", "lists", "say", "priority")}
    target = f"{rule.target_kind.value}:{rule.target_id}"
    words = {"callers": " ".join(rule.callers), "when": rule.when.value, "calendar": rule.calendar_id}
    return plain | words | {"target": target}
