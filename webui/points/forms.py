"""The forms of points: rules, corrections, the shop's parameters. Must not know requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, SelectField, ValidationError
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from cti.store.models import PointRule, Role
from cti.store.shop import Parameters
from webui.calls.forms import moment
from webui.common.amounts import parse_price
from webui.common.labels import choices
from webui.customers.forms import Line

MOST = 10_000_000


class RuleForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Name"), 128, [DataRequired()])
    kind = SelectField(_("Kind"), choices=choices("point_rule"))
    spend = Line(_("For each amount of"), 16)
    points = IntegerField(_("Points"), [InputRequired(), NumberRange(1, MOST)])
    product = Line(_("Product"), 160)
    valid_days = IntegerField(_("Valid for days (0: for ever)"), [Optional(), NumberRange(0, 36_500)], default=365)
    starts = Line(lazy_pgettext("moment", "From"), 16)
    ends = Line(lazy_pgettext("moment", "until"), 16)
    active = BooleanField(_("In use"), default=True)

    def validate_spend(self, field: Field) -> None:
        if self.kind.data == "spend" and not parse_price(field.data or ""):
            raise ValidationError(_("This is not an amount."))

    def validate_product(self, field: Field) -> None:
        if self.kind.data == "product" and not field.data:
            raise ValidationError(_("Name a product."))

    def validate_starts(self, field: Field) -> None:
        if field.data and moment(field.data) is None:
            raise ValidationError(_("This is not a time."))

    validate_ends = validate_starts


class ChangeForm(FlaskForm):  # type: ignore[misc]
    """Points put right by hand, or for an activity: then the rule says how many."""

    rule = SelectField(_("For"), choices=[])
    change = IntegerField(_("Points (minus: taken away)"), [Optional(), NumberRange(-MOST, MOST)])
    text = Line(_("Reason"), 255)

    def validate_text(self, field: Field) -> None:
        if not self.rule.data and (not field.data or not self.change.data):
            raise ValidationError(_("Say how many, and why."))


class ParametersForm(FlaskForm):  # type: ignore[misc]
    points_per_unit = IntegerField(_("Points that pay for 1.00"), [InputRequired(), NumberRange(1, 1_000_000)])
    points_share = IntegerField(_("Percent of the goods that points may pay"), [InputRequired(), NumberRange(0, 100)])
    agent = IntegerField(_("Highest discount of agents, percent"), [InputRequired(), NumberRange(0, 100)])
    supervisor = IntegerField(_("Highest discount of supervisors, percent"), [InputRequired(), NumberRange(0, 100)])
    admin = IntegerField(_("Highest discount of administrators, percent"), [InputRequired(), NumberRange(0, 100)])
    shipping_fee = Line(_("Shipping"), 16, [InputRequired()])
    free_shipping_from = Line(_("Free of shipping from"), 16)

    def validate_shipping_fee(self, field: Field) -> None:
        if field.data and parse_price(field.data) is None:
            raise ValidationError(_("This is not an amount."))

    validate_free_shipping_from = validate_shipping_fee


def fill_parameters(form: ParametersForm, present: Parameters) -> None:
    form.points_per_unit.data, form.points_share.data = present.points_per_unit, present.points_share
    for role in Role:
        form[role.value].data = present.discounts.get(role.value, 0)
    form.shipping_fee.data = f"{present.shipping_fee:.2f}"
    free = present.free_shipping_from
    form.free_shipping_from.data = "" if free is None else f"{free:.2f}"


def read_parameters(form: ParametersForm) -> Parameters:
    return Parameters(
        points_per_unit=form.points_per_unit.data,
        points_share=form.points_share.data,
        discounts={role.value: form[role.value].data for role in Role},
        shipping_fee=parse_price(form.shipping_fee.data or "") or Decimal("0.00"),
        free_shipping_from=parse_price(form.free_shipping_from.data or ""),
    )


def snapshot(rule: PointRule) -> dict[str, Any]:
    """The rule as the audit keeps it."""
    return {
        "name": rule.name,
        "kind": rule.kind.value,
        "spend": str(rule.spend),
        "points": rule.points,
        "product": rule.product.code if rule.product else "",
        "valid_days": rule.valid_days,
        "starts_at": rule.starts_at.isoformat(),
        "ends_at": rule.ends_at.isoformat() if rule.ends_at else "",
        "active": rule.active,
    }
