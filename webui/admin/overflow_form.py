"""The part of a queue's form that says what callers go through while they wait. Must not know requests."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Field, Form, SelectField, ValidationError
from wtforms.validators import Optional, StopValidation

from cti.domain.config import OverflowWhen
from webui.admin.forms import PROMPT, Seconds
from webui.admin.queries import split_target
from webui.common.labels import options, pairs
from webui.customers.forms import Line

RULES = 8
HIGHEST = {
    OverflowWhen.WAITED: 86_400,
    OverflowWhen.LENGTH: 10_000,
    OverflowWhen.PREDICTED: 86_400,
    OverflowWhen.SERVICE_LEVEL: 100,
}


def within(form: Form, field: Field) -> None:
    """From 1 to the highest of its condition, which may need no limit."""
    highest = HIGHEST.get(form.when.data)
    field.errors = []
    if highest is None:
        raise StopValidation
    if field.data is None or not 1 <= field.data <= highest:
        raise StopValidation(gettext("From 1 to %(highest)s.", highest=highest))


class OverflowForm(Form):  # type: ignore[misc]
    """One rule; a row without a condition is none. ``target`` is ``<kind>:<id>``."""

    when = SelectField(_("Condition"), choices=options([("", "—"), *pairs("overflow")]), default="")
    limit = Seconds(_("Limit"), [within])
    target = SelectField(_("Goes to"), choices=[], default="")
    say = Line(_("Say before hanging up"), 128, [Optional(), PROMPT], default="no_agent")

    def validate_target(self, field: Field) -> None:
        if self.when.data and not field.data:
            raise ValidationError(gettext("Where to?"))

    def document(self) -> dict[str, Any]:
        kind, target_id = split_target(self.target.data)
        limit = self.limit.data if self.when.data in HIGHEST else 0.0
        target = {"kind": kind.value, "id": target_id}
        return {"when": self.when.data, "limit": limit, "target": target, "say": self.say.data or ""}


def row(document: dict[str, Any]) -> dict[str, Any]:
    """What the form shows of a rule."""
    target = document["target"]
    return {**document, "limit": document["limit"] or None, "target": f"{target['kind']}:{target['id']}"}


def with_targets(rows: Any, found: list[tuple[str, str]], own: str) -> None:
    """Give every row the places it may go to: not the queue itself."""
    there = options([("", "—"), *((value, text) for value, text in found if value != f"queue:{own}")])
    for each in rows:
        each.form.target.choices = there
