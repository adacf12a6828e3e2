"""The forms of a medium and of an airing. Must not know requests."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateTimeLocalField, Field, SelectField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from cti.store.models import Airing, Medium, MediumKind
from webui.common.amounts import parse_price
from webui.common.i18n import to_utc
from webui.common.labels import choices
from webui.common.text import many_lines
from webui.customers.forms import Line

NUMBER = re.compile(r"\+?[0-9]{2,31}")
LOCAL = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
LONGEST_HOURS = 24


class MediumForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Medium"), 128, [DataRequired()])
    kind = SelectField(_("Kind"), choices=choices("medium_kind"), default=MediumKind.TV.value)
    remarks = TextAreaField(_("Remarks"), [Length(max=1000)], filters=[many_lines])
    active = BooleanField(_("In use"), default=True)

    def apply(self, medium: Medium) -> None:
        medium.name, medium.kind = self.name.data, MediumKind(self.kind.data)
        medium.remarks, medium.active = self.remarks.data or "", bool(self.active.data)


class AiringForm(FlaskForm):  # type: ignore[misc]
    """``products`` are codes; times in the user's zone."""

    medium = SelectField(_("Medium"), validators=[DataRequired()])
    programme = Line(_("Programme"), 128, [DataRequired()])
    dnis = Line(lazy_pgettext("on screen", "Number shown"), 40, [DataRequired()])
    starts_at = DateTimeLocalField(lazy_pgettext("moment", "From"), [InputRequired()], format=LOCAL)
    ends_at = DateTimeLocalField(lazy_pgettext("moment", "until"), [InputRequired()], format=LOCAL)
    products = Line(_("Products (codes)"), 255)
    cost = Line(_("Cost"), 16, default="0")
    remarks = TextAreaField(_("Remarks"), [Length(max=1000)], filters=[many_lines])

    def validate_dnis(self, field: Field) -> None:
        if not NUMBER.fullmatch(plain_number(field.data)):
            raise ValidationError(gettext("This is not a service number."))

    def validate_ends_at(self, field: Field) -> None:
        begin, end = self.starts_at.data, field.data
        if begin and end and not 0 < (end - begin).total_seconds() <= LONGEST_HOURS * 3600:
            raise ValidationError(gettext("The end must come after the beginning, within a day."))

    def validate_cost(self, field: Field) -> None:
        if parse_price(field.data or "0") is None:
            raise ValidationError(gettext("This is not a price."))

    def apply(self, airing: Airing) -> None:
        airing.medium_id, airing.programme = int(self.medium.data), self.programme.data
        airing.dnis = plain_number(self.dnis.data)
        airing.starts_at, airing.ends_at = to_utc(self.starts_at.data), to_utc(self.ends_at.data)
        airing.cost, airing.remarks = parse_price(self.cost.data or "0") or Decimal(0), self.remarks.data or ""

    def codes(self) -> list[str]:
        return split_codes(self.products.data or "")


def plain_number(text: Any) -> str:
    """As the switch has it: without the blanks and dashes that people write."""
    return re.sub(r"[\s()./-]", "", str(text or ""))


def split_codes(text: str) -> list[str]:
    return [code for code in re.split(r"[\s,;，；、]+", text) if code]
