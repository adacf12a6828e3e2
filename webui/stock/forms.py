"""The forms of warehouses and of movements of goods. Must not know requests."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, IntegerField, SelectField, ValidationError
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, Regexp

from webui.common.labels import LABELS, options
from webui.customers.forms import Line

MOST = 10_000_000
KINDS = ("in", "out", "transfer", "count")


class MovementForm(FlaskForm):  # type: ignore[misc]
    """``expected`` is what the page showed when counting began."""

    kind = SelectField(_("Movement"), choices=options([(kind, LABELS["movement"][kind]) for kind in KINDS]))
    product = Line(_("Product"), 160, [DataRequired()])
    warehouse = SelectField(_("Warehouse"), choices=[])
    target = SelectField(lazy_pgettext("warehouse", "To"), choices=[], validate_choice=False)
    count = IntegerField(_("Quantity"), [InputRequired(), NumberRange(0, MOST)])
    reason = Line(_("Reason"), 255)
    expected = HiddenField()

    def validate_target(self, field: Field) -> None:
        if self.kind.data != "transfer":
            return
        if (
            field.data not in {choice[0] for choice in self.warehouse.iter_choices()}
            or field.data == self.warehouse.data
        ):
            raise ValidationError(_("Choose another warehouse."))

    def validate_count(self, field: Field) -> None:
        if self.kind.data != "count" and field.data == 0:
            raise ValidationError(_("Enter how many."))

    def validate_reason(self, field: Field) -> None:
        if self.kind.data in ("out", "count") and not field.data:
            raise ValidationError(_("Say why."))


class WarehouseForm(FlaskForm):  # type: ignore[misc]
    code = Line(
        _("Code"), 32, [DataRequired(), Regexp(r"^[A-Za-z0-9._-]+$", message=_("Letters, digits, dot, dash only."))]
    )
    name = Line(_("Name"), 128, [DataRequired()])
    position = IntegerField(_("Place in the order"), [Optional(), NumberRange(0, 999)])
    active = BooleanField(_("In use"), default=True)


def snapshot(warehouse: Any) -> dict[str, Any]:
    """The warehouse as the audit keeps it."""
    return {name: getattr(warehouse, name) for name in ("code", "name", "position", "active")}
