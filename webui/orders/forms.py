"""The order form and the filters of the list. Totals are computed here, in Decimal; the browser's are a preview."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Length, NumberRange, Optional

from cti.store.models import Customer, Product
from webui.calls.forms import moment
from webui.common.ids import valid_id
from webui.common.labels import LABELS, choices
from webui.common.text import many_lines, one_line
from webui.customers.forms import Line

LINES = 50
MOST_OF_ONE = 9_999
HIGHEST_PRICE = Decimal("9999999.99")
CENT = Decimal("0.01")
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
OWN_ADDRESS = "new"


class LineForm(Form):  # type: ignore[misc]
    """``product`` is the id picked from the list, or a code typed by hand; ``price`` empty is the product's."""

    product = HiddenField()
    text = Line(_("Product"), 160)
    quantity = IntegerField(_("Quantity"), [Optional(), NumberRange(1, MOST_OF_ONE)], default=1)
    price = Line(_("Price"), 16)


class OrderForm(FlaskForm):  # type: ignore[misc]
    token = HiddenField()
    customer_id = HiddenField()
    call_id = HiddenField()
    lines = FieldList(FormField(LineForm), min_entries=1, max_entries=LINES)
    address = SelectField(_("Ship to"), choices=[], validate_choice=False)
    city = Line(_("City"), 128)
    line = Line(_("Address"), 255)
    postcode = Line(_("Postcode"), 16)
    recipient = Line(_("Recipient"), 128)
    payment = SelectField(_("Payment"), choices=choices("payment"), default="cash_on_delivery")
    remarks = TextAreaField(_("Remarks"), [Length(max=2000)], filters=[many_lines])

    def validate_token(self, field: Field) -> None:
        if not TOKEN.fullmatch(field.data or ""):
            raise ValidationError(_("This form is damaged. Open it again."))

    def validate_line(self, field: Field) -> None:
        if self.address.data == OWN_ADDRESS and not field.data:
            raise ValidationError(_("Enter an address."))


@dataclass(frozen=True)
class Item:
    """One line of an order as it will be saved."""

    product: Product
    quantity: int
    price: Decimal

    @property
    def amount(self) -> Decimal:
        return (self.price * self.quantity).quantize(CENT, ROUND_HALF_UP)


def parse_price(text: str) -> Decimal | None:
    """A price with at most two places, or None for anything else (also NaN, 1e9, a minus)."""
    if not re.fullmatch(r"\d{1,8}(\.\d{1,2})?", text.replace(",", "")):
        return None
    try:
        price = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return price.quantize(CENT) if price <= HIGHEST_PRICE else None


def used_lines(form: OrderForm) -> list[Any]:
    """The rows in which something stands."""
    return [entry for entry in form.lines.entries if entry.form.product.data or entry.form.text.data]


def read_items(form: OrderForm, found: Mapping[str, Product], may_set_price: bool) -> list[Item]:
    """Items of the form; what is wrong is put into the fields' errors. ``found``: products by id and by code."""
    items = []
    for entry in used_lines(form):
        row = entry.form
        product = found.get(row.product.data or "") or found.get((row.text.data or "").split(" ")[0].lower())
        if product is None or not product.active:
            row.text.errors = [*row.text.errors, str(_("Choose a product from the list."))]
            continue
        price = product.price
        if row.price.data:
            typed = parse_price(row.price.data)
            if typed is None:
                row.price.errors = [*row.price.errors, str(_("This is not a price."))]
                continue
            if typed != product.price and not may_set_price:
                row.price.errors = [*row.price.errors, str(_("You may not change prices."))]
                continue
            price = typed
        items.append(Item(product, row.quantity.data or 1, price))
    if not items and not form.lines.errors and not any(r.form.text.errors or r.form.price.errors for r in form.lines):
        first = form.lines.entries[0].form
        first.text.errors = [*first.text.errors, str(_("Choose at least one product."))]
    return items


def total(items: Sequence[Item]) -> Decimal:
    return sum((item.amount for item in items), Decimal(0)).quantize(CENT)


def address_choices(customer: Customer) -> list[tuple[str, str]]:
    """The customer's addresses, then one to type in."""
    known = [(str(a.id), " ".join(filter(None, (a.city, a.line, a.postcode, a.recipient)))) for a in customer.addresses]
    return [*known, (OWN_ADDRESS, str(_("Another address …")))]


@dataclass(frozen=True)
class Filters:
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    status: str = ""
    agent: str = ""
    call: str = ""


def read_filters(args: Mapping[str, str]) -> Filters:
    status = args.get("status", "")
    return Filters(
        since=moment(args.get("since", "").strip()),
        until=moment(args.get("until", "").strip()),
        text=one_line(args.get("q", ""), 64),
        status=status if status in LABELS["order_status"] else "",
        agent=valid_id(args.get("agent", "")),
        call=valid_id(args.get("call", "")),
    )
