"""The form in which an order is taken, and what of it is asked of the computation. Must not know requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
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
from wtforms.validators import Length, NumberRange, Optional, Regexp

from cti.store.models import Customer, Product
from cti.store.quotes import Wanted
from webui.common import phones
from webui.common.amounts import parse_price
from webui.common.labels import choices
from webui.common.text import many_lines
from webui.customers.forms import Line, phone_number

LINES = 50
MOST_OF_ONE = 9_999
MOST_POINTS = 100_000_000
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
OWN_ADDRESS = "new"
TAX_NUMBER = r"^[0-9A-Za-z]{15,20}$"


class LineForm(Form):  # type: ignore[misc]
    """``product`` is the id picked, or ``text`` a code typed by hand; ``price`` empty is the usual one."""

    product = HiddenField()
    text = Line(_("Product"), 160)
    quantity = IntegerField(_("Quantity"), [Optional(), NumberRange(1, MOST_OF_ONE)], default=1)
    price = Line(_("Price"), 16)
    redeemed = BooleanField(_("With points"))


class OrderForm(FlaskForm):  # type: ignore[misc]
    """``seen_total`` is what the agent read out: if it is not what would be saved, nothing is.

    ``phone`` is what was typed or, masked, the number that ``phone_token`` holds for who may not read it.
    """

    token = HiddenField()
    customer_id = HiddenField()
    call_id = HiddenField()
    ticket_id = HiddenField(id="order-ticket")
    instead = HiddenField(id="order-instead")
    seen_total = HiddenField()
    phone_token = HiddenField()
    phone = Line(_("Phone number"), 128)
    name = Line(lazy_pgettext("person", "Name"), 128)
    lines = FieldList(FormField(LineForm), min_entries=1, max_entries=LINES)
    address = SelectField(_("Ship to"), choices=[], validate_choice=False)
    city = Line(_("City"), 128)
    line = Line(_("Address"), 255)
    postcode = Line(_("Postcode"), 16)
    recipient = Line(_("Recipient"), 128)
    payment = SelectField(_("Payment"), choices=choices("payment"), default="cash_on_delivery")
    delivery = SelectField(_("Delivery"), choices=choices("delivery"), default="express")
    medium = SelectField(_("Seen where"), choices=[], validate_choice=False)
    discount = Line(_("Discount"), 16)
    points = IntegerField(_("Points"), [Optional(), NumberRange(0, MOST_POINTS)])
    invoice_title = Line(_("Invoice to"), 128)
    invoice_tax_no = Line(
        _("Tax number"), 32, [Optional(), Regexp(TAX_NUMBER, message=_("15 to 20 letters and digits."))]
    )
    remarks = TextAreaField(_("Remarks"), [Length(max=2000)], filters=[many_lines])

    def validate_token(self, field: Field) -> None:
        if not TOKEN.fullmatch(field.data or ""):
            raise ValidationError(_("This form is damaged. Open it again."))

    def validate_line(self, field: Field) -> None:
        if self.address.data == OWN_ADDRESS and not field.data:
            raise ValidationError(_("Enter an address."))

    def validate_discount(self, field: Field) -> None:
        if field.data and parse_price(field.data) is None:
            raise ValidationError(_("This is not an amount."))

    def validate_invoice_tax_no(self, field: Field) -> None:
        if field.data and not self.invoice_title.data:
            raise ValidationError(_("Say who the invoice is for."))


def show_number(form: OrderForm, number: str) -> None:
    """The number as the user may see it, and what it goes back as."""
    form.phone.data = phones.shown(number)
    form.phone_token.data = "" if phones.may_see() else phones.conceal(number)


def number_of(form: OrderForm) -> str:
    return number_in(form.phone.data or "", form.phone_token.data or "")


def number_in(text: str, token: str) -> str:
    """The normalised number: the token's while its masked text stands there, else what was typed; empty when none."""
    sealed = phone_number(token) if token else ""
    if sealed and text == phones.mask(phones.pretty(sealed)):
        return sealed
    return "" if phones.STARS in text else phone_number(text)


def check_customer(form: OrderForm, customer: Customer | None) -> bool:
    """Without a customer, name and number make one."""
    if customer is not None:
        return True
    if not form.name.data:
        form.name.errors = [*form.name.errors, lazy_pgettext("person", "Enter a name.")]
    if not number_of(form):
        form.phone.errors = [*form.phone.errors, _("This is not a phone number.")]
    return not form.name.errors and not form.phone.errors


def used_lines(form: OrderForm) -> list[Any]:
    """The rows in which something stands."""
    return [entry for entry in form.lines.entries if entry.form.product.data or entry.form.text.data]


def codes(form: OrderForm) -> list[str]:
    """The ids and codes that stand in the lines."""
    rows = [entry.form for entry in used_lines(form)]
    return [text for row in rows for text in (row.product.data or "", (row.text.data or "").split(" ")[0])]


def product_in(row: Any, found: Mapping[str, Product]) -> Product | None:
    """What a line names, if that is on sale. ``found``: products by id and by code."""
    product = found.get(row.product.data or "") or found.get((row.text.data or "").split(" ")[0].lower())
    return product if product is not None and product.active else None


def read_wanted(form: OrderForm, found: Mapping[str, Product], may_set_price: bool) -> list[tuple[Any, Wanted]]:
    """Each line of the form that can be computed, with what it asks for; what is wrong goes into the fields' errors."""
    wanted = []
    for entry in used_lines(form):
        row = entry.form
        product = product_in(row, found)
        if product is None:
            row.text.errors = [*row.text.errors, str(_("Choose a product from the list."))]
            continue
        price = parse_price(row.price.data) if row.price.data else None
        if row.price.data and price is None:
            row.price.errors = [*row.price.errors, str(_("This is not a price."))]
            continue
        if row.redeemed.data and product.points_price <= 0:
            row.text.errors = [*row.text.errors, str(_("This cannot be had for points."))]
            continue
        quantity = min(max(row.quantity.data or 1, 1), MOST_OF_ONE)
        wanted.append((row, Wanted(product, quantity, price if may_set_price else None, bool(row.redeemed.data))))
    return wanted


def refuse_prices(form: OrderForm, priced: list[tuple[Any, Decimal]]) -> None:
    """Without the right, a typed price must be the usual one. ``priced``: each line with its usual price."""
    for row, usual in priced:
        typed = parse_price(row.price.data) if row.price.data else None
        if typed is not None and typed != usual:
            row.price.errors = [*row.price.errors, str(_("You may not change prices."))]


def need_a_line(form: OrderForm) -> None:
    if used_lines(form) or form.lines.errors:
        return
    first = form.lines.entries[0].form
    first.text.errors = [*first.text.errors, str(_("Choose at least one product."))]


def wrong_lines(form: OrderForm) -> bool:
    return any(field.errors for entry in form.lines for field in entry.form)


def address_choices(customer: Customer | None) -> list[tuple[str, str]]:
    """The customer's addresses, then one to type in."""
    rows = customer.addresses if customer is not None else []
    known = [(str(a.id), " ".join(filter(None, (a.city, a.line, a.postcode, a.recipient)))) for a in rows]
    return [*known, (OWN_ADDRESS, str(_("Another address …")))]
