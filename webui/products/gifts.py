"""Gift rules: what comes free with a product, or with an order from so much money on, and when."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, ValidationError
from wtforms.validators import DataRequired, NumberRange, Optional

from cti.store.models import GiftRule, Product, utc_now
from webui.calls.forms import moment
from webui.common import audit, db
from webui.common.amounts import parse_price
from webui.common.i18n import localtime
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.customers.forms import Line, changes
from webui.orders.queries import products_named
from webui.products import queries
from webui.products.forms import MINUTE

blueprint = Blueprint("gifts", __name__, url_prefix="/gifts")


class GiftForm(FlaskForm):  # type: ignore[misc]
    """With a product, from a total, or both: then both must hold."""

    name = Line(_("Name"), 128, [DataRequired()])
    product = Line(_("With product"), 160)
    min_quantity = IntegerField(_("From quantity"), [Optional(), NumberRange(1, 9999)], default=1)
    min_total = Line(_("From total"), 16)
    gift = Line(_("Gift"), 160, [DataRequired()])
    gift_quantity = IntegerField(_("Pieces"), [Optional(), NumberRange(1, 999)], default=1)
    repeat = BooleanField(_("For each time it is reached"))
    starts = Line(lazy_pgettext("moment", "From"), 16)
    ends = Line(lazy_pgettext("moment", "until"), 16)
    active = BooleanField(_("In use"), default=True)

    def validate_min_total(self, field: Field) -> None:
        if not field.data and not self.product.data:
            raise ValidationError(_("Name a product or a total."))
        if field.data and not parse_price(field.data):
            raise ValidationError(_("This is not an amount."))

    def validate_starts(self, field: Field) -> None:
        if field.data and moment(field.data) is None:
            raise ValidationError(_("This is not a time."))

    validate_ends = validate_starts


@blueprint.get("")
@requires(Permission.ORDERS_READ)
def index() -> ResponseReturnValue:
    return render_template("products/gifts.html", rules=queries.gifts(db.session()), now=utc_now())


@blueprint.get("/new")
@requires(Permission.PRODUCTS_WRITE)
def new() -> ResponseReturnValue:
    form = GiftForm()
    form.starts.data = localtime(utc_now(), MINUTE)
    return render_template("products/gift.html", form=form, rule=None)


@blueprint.post("/new")
@requires(Permission.PRODUCTS_WRITE)
def create() -> ResponseReturnValue:
    return save(GiftForm(), None)


@blueprint.get("/<int:rule_id>")
@requires(Permission.PRODUCTS_WRITE)
def edit(rule_id: int) -> ResponseReturnValue:
    rule = load(rule_id)
    form = GiftForm(formdata=None, obj=rule)
    form.product.data = rule.product.code if rule.product else ""
    form.gift.data = rule.gift.code
    form.min_total.data = f"{rule.min_total:.2f}" if rule.min_total else ""
    form.starts.data, form.ends.data = localtime(rule.starts_at, MINUTE), localtime(rule.ends_at, MINUTE)
    return render_template("products/gift.html", form=form, rule=rule)


@blueprint.post("/<int:rule_id>")
@requires(Permission.PRODUCTS_WRITE)
def change(rule_id: int) -> ResponseReturnValue:
    return save(GiftForm(), load(rule_id))


def save(form: GiftForm, rule: GiftRule | None) -> ResponseReturnValue:
    database = db.session()
    form.validate_on_submit()
    product, gift = named(form.product), named(form.gift)
    if form.errors or gift is None:
        return render_template("products/gift.html", form=form, rule=rule), 422
    before = snapshot(rule) if rule else None
    rule = rule or GiftRule()
    rule.name, rule.product, rule.gift = str(form.name.data), product, gift
    rule.min_quantity, rule.gift_quantity = form.min_quantity.data or 1, form.gift_quantity.data or 1
    rule.min_total = parse_price(form.min_total.data or "") or None
    rule.repeat, rule.active = bool(form.repeat.data), bool(form.active.data)
    rule.starts_at = moment(form.starts.data or "") or rule.starts_at or utc_now()
    rule.ends_at = moment(form.ends.data or "")
    database.add(rule)
    database.flush()
    if before is None:
        audit.record("gift.create", f"gift/{rule.id}", None, snapshot(rule))
    else:
        audit.record("gift.change", f"gift/{rule.id}", *changes(before, snapshot(rule)))
    database.commit()
    flash(gettext("Saved."), "success")
    return redirect(url_for("products.gifts.index"), 303)


def named(field: Any) -> Product | None:
    """The product of a code as typed; an error in the field for a code that none has."""
    code = (field.data or "").split(" ")[0].lower()
    product = products_named(db.session(), [code]).get(code) if code else None
    if code and product is None:
        field.errors = [*field.errors, gettext("There is no product with this code.")]
    return product


def load(rule_id: int) -> GiftRule:
    rule = db.session().get(GiftRule, rule_id) if valid_number(rule_id) else None
    if rule is None:
        abort(404)
    return rule


def snapshot(rule: GiftRule) -> dict[str, Any]:
    """The rule as the audit keeps it."""
    return {
        "name": rule.name,
        "product": rule.product.code if rule.product else "",
        "min_quantity": rule.min_quantity,
        "min_total": str(rule.min_total or ""),
        "gift": f"{rule.gift.code} × {rule.gift_quantity}",
        "repeat": rule.repeat,
        "starts_at": rule.starts_at.isoformat(),
        "ends_at": rule.ends_at.isoformat() if rule.ends_at else "",
        "active": rule.active,
    }
