"""The product's form. Must not know requests."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, ValidationError
from wtforms.validators import DataRequired, Regexp

from cti.store.models import Product
from webui.customers.forms import Line
from webui.orders.forms import parse_price


class ProductForm(FlaskForm):  # type: ignore[misc]
    code = Line(
        _("Code"), 32, [DataRequired(), Regexp(r"^[A-Za-z0-9._-]+$", message=_("Letters, digits, dot, dash only."))]
    )
    name = Line(_("Name"), 128, [DataRequired()])
    name_en = Line(_("English name"), 128)
    price = Line(_("Price"), 16, [DataRequired()])
    active = BooleanField(_("On sale"), default=True)

    def validate_price(self, field: Field) -> None:
        if parse_price(field.data or "") is None:
            raise ValidationError(_("This is not a price."))


def snapshot(product: Product) -> dict[str, Any]:
    """The product as the audit keeps it."""
    return {
        "code": product.code,
        "name": product.name,
        "name_en": product.name_en,
        "price": str(product.price),
        "active": product.active,
    }
