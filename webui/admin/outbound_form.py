"""The form of an outbound rule: calls to which numbers, by whom, through which trunks. Must not know requests."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, FieldList, SelectField, SelectMultipleField, ValidationError
from wtforms.validators import DataRequired, Optional, Regexp

from cti.domain.config.ways_out import TrunkOrder
from cti.store.models import OutboundRule
from webui.admin.rule_form import CALLERS, read_callers
from webui.common.labels import choices
from webui.customers.forms import Line

MOST_TRUNKS = 10
_PREFIX = re.compile(r"\+?[0-9*#]{1,20}")


def beginnings(_form: FlaskForm, field: Field) -> None:
    """Of numbers as they are dialled."""
    found = read_callers(field.data or "")
    wrong = [one for one in found if not _PREFIX.fullmatch(one)]
    if wrong:
        raise ValidationError(gettext("Not the beginning of a number: %(text)s", text=wrong[0][:40]))
    if len(found) > CALLERS:
        raise ValidationError(gettext("At most 100 beginnings."))


class ForwardPrefixes(FlaskForm):  # type: ignore[misc]
    """None: nobody forwards."""

    prefixes = Line(_("Agents may forward to numbers that begin with"), 2000, [beginnings])


class OutboundForm(FlaskForm):  # type: ignore[misc]
    """No beginnings: any number. No queue and no agent: anybody. No trunk: any, in the order of the page of trunks."""

    name = Line(_("Name"), 128, [DataRequired()])
    active = BooleanField(_("In use"), default=True)
    prefixes = Line(_("Numbers that begin with"), 2000, [beginnings])
    queues = SelectMultipleField(_("Called by agents of"), choices=[])
    agents = SelectMultipleField(_("Called by"), choices=[])
    trunks = FieldList(SelectField(choices=[], default=""), _("Trunks"), min_entries=5, max_entries=MOST_TRUNKS)
    trunk_order = SelectField(_("Which is tried first"), choices=choices("trunk_order"), default="sequential")
    caller_number = Line(_("Number shown"), 21, [Optional(), Regexp(r"^\+?[0-9]{2,20}$", message=_("2 to 20 digits."))])

    def apply(self, rule: OutboundRule) -> None:
        rule.name, rule.active = self.name.data, self.active.data
        rule.prefixes, rule.queues = read_callers(self.prefixes.data or ""), list(self.queues.data)
        rule.agents = list(self.agents.data)
        rule.trunks = list(dict.fromkeys(filter(None, self.trunks.data)))
        rule.trunk_order, rule.caller_number = TrunkOrder(self.trunk_order.data), self.caller_number.data or ""


def values(rule: OutboundRule) -> dict[str, Any]:
    """What the form shows of a rule."""
    plain = {name: getattr(rule, name) for name in ("name", "active", "queues", "agents", "trunks", "caller_number")}
    return plain | {"prefixes": " ".join(rule.prefixes), "trunk_order": rule.trunk_order.value}
