"""The part of a queue's form that says what callers go through while they wait. Must not know requests."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Field, Form, SelectField, ValidationError
from wtforms.validators import Optional, Regexp, StopValidation

from cti.domain.config.queues import OverflowWhen
from cti.domain.config.routes import TargetKind
from webui.admin.forms import PROMPT, Seconds
from webui.admin.queries import split_target
from webui.common.labels import label, options, pairs
from webui.customers.forms import Line

RULES = 8
OUTSIDE, CALLBACK = "outside:", "callback:"
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
    number = Line(_("Outside number"), 33, [Optional(), Regexp(r"^\+?[0-9]{3,32}$", message=_("3 to 32 digits."))])
    say = Line(_("Say before hanging up"), 128, [Optional(), PROMPT], default="no_agent")

    def validate_target(self, field: Field) -> None:
        if self.when.data and (not field.data or (field.data == OUTSIDE and not self.number.data)):
            raise ValidationError(gettext("Where to?"))

    def document(self) -> dict[str, Any]:
        kind, target_id = split_target(self.target.data)
        limit = self.limit.data if self.when.data in HIGHEST else 0.0
        target = {"kind": kind.value, "id": self.number.data if kind is TargetKind.OUTSIDE else target_id}
        return {"when": self.when.data, "limit": limit, "target": target, "say": self.say.data or ""}


def row(document: dict[str, Any]) -> dict[str, Any]:
    """What the form shows of a rule."""
    kind, target_id = document["target"]["kind"], document["target"]["id"]
    outside = kind == TargetKind.OUTSIDE
    shown = {"target": OUTSIDE, "number": target_id} if outside else {"target": f"{kind}:{target_id}"}
    return {**document, "limit": document["limit"] or None, **shown}


def with_targets(rows: Any, found: list[tuple[str, str]], own: str) -> None:
    """Give every row the places it may go to: not the queue itself."""
    others = [(value, text) for value, text in found if value != f"queue:{own}"]
    further = [(value, label(value.removesuffix(":"), "target")) for value in (OUTSIDE, CALLBACK)]
    there = options([("", "—"), *others, *further])
    for each in rows:
        each.form.target.choices = there
