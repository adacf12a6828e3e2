"""The product's form: what it is, its stock, prices of periods, parts of a bundle, picture. Must not know requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    FileField,
    Form,
    FormField,
    IntegerField,
    SelectField,
    ValidationError,
)
from wtforms.validators import DataRequired, NumberRange, Optional, Regexp

from cti.store.initials import initials
from cti.store.models import BundlePart, Medium, Product, ProductPrice
from webui.calls.forms import moment
from webui.common import labels
from webui.common.amounts import parse_price
from webui.common.i18n import localtime
from webui.customers.forms import Line

ROWS = 30
PRICES = 200
MOST = 1_000_000
LARGEST_PICTURE = 300_000
PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
MINUTE = "yyyy-MM-dd'T'HH:mm"


class PriceForm(Form):  # type: ignore[misc]
    """A row without a price is none. Times in the user's zone; no end: for good. Without a medium: for everybody."""

    price = Line(_("Price"), 16)
    medium = SelectField(_("For whom"), choices=[], default="")
    starts = Line(lazy_pgettext("moment", "From"), 16)
    ends = Line(lazy_pgettext("moment", "until"), 16)

    def validate_price(self, field: Field) -> None:
        if field.data and parse_price(field.data) is None:
            raise ValidationError(_("This is not a price."))

    def validate_starts(self, field: Field) -> None:
        if self.price.data and moment(field.data or "") is None:
            raise ValidationError(_("This is not a time."))

    def validate_ends(self, field: Field) -> None:
        if not self.price.data or not field.data:
            return
        starts, ends = moment(self.starts.data or ""), moment(field.data)
        if ends is None or (starts is not None and ends <= starts):
            raise ValidationError(_("The end is not after the beginning."))


class PartForm(Form):  # type: ignore[misc]
    """A row without a code is none."""

    code = Line(_("Product"), 160)
    quantity = IntegerField(_("Quantity"), [Optional(), NumberRange(1, 9999)], default=1)


class ProductForm(FlaskForm):  # type: ignore[misc]
    code = Line(
        _("Code"), 32, [DataRequired(), Regexp(r"^[A-Za-z0-9._-]+$", message=_("Letters, digits, dot, dash only."))]
    )
    name = Line(_("Name"), 128, [DataRequired()])
    name_en = Line(_("English name"), 128)
    category = Line(_("Category"), 64)
    unit = Line(_("Unit"), 16)
    price = Line(_("Price"), 16, [DataRequired()])
    points_price = IntegerField(_("Points instead of money"), [Optional(), NumberRange(0, MOST)])
    active = BooleanField(_("On sale"), default=True)
    track_stock = BooleanField(_("Stock is kept"), default=True)
    backorder = BooleanField(_("May be sold before it is in stock"))
    low_stock = IntegerField(_("Low from"), [Optional(), NumberRange(0, MOST)])
    prices = FieldList(FormField(PriceForm), _("Prices of a period"), min_entries=1, max_entries=PRICES)
    parts = FieldList(FormField(PartForm), _("Sold as a bundle of"), min_entries=1, max_entries=ROWS)
    picture = FileField(_("Picture"))
    remove_picture = BooleanField(_("Remove the picture"))

    def validate_price(self, field: Field) -> None:
        if parse_price(field.data or "") is None:
            raise ValidationError(_("This is not a price."))


def media_choices(media: Sequence[Medium]) -> list[tuple[str, Any]]:
    return [("", _("Everybody")), *((str(row.id), row.name) for row in media)]


def show_media(rows: Iterable[Any], media: Sequence[Medium]) -> None:
    """What there is to choose from, before a form is checked or shown."""
    for row in rows:
        row.medium.choices = labels.options(media_choices(media))


def fill(form: ProductForm, product: Product) -> None:
    """The rows of a form that was not sent."""
    form.price.data = f"{product.price:.2f}"
    for rows in (form.prices, form.parts):
        while rows.entries:
            rows.pop_entry()
    for row in product.prices[-PRICES:]:
        times = {"starts": localtime(row.starts_at, MINUTE), "ends": localtime(row.ends_at, MINUTE)}
        form.prices.append_entry({"price": f"{row.price:.2f}", "medium": str(row.medium_id or ""), **times})
    for part in product.parts:
        form.parts.append_entry({"code": part.product.code, "quantity": part.quantity})
    for rows in (form.prices, form.parts):
        if not rows.entries:
            rows.append_entry()


def read_parts(form: ProductForm, found: dict[str, Product], product: Product | None) -> list[tuple[Product, int]]:
    """Parts by code; what is wrong goes into the fields' errors. A bundle holds no bundle."""
    parts: dict[int, tuple[Product, int]] = {}
    for entry in form.parts.entries:
        row = entry.form
        code = (row.code.data or "").split(" ")[0].lower()
        if not code:
            continue
        part = found.get(code)
        if part is None:
            row.code.errors = [*row.code.errors, _("There is no product with this code.")]
        elif part.bundle or (product is not None and part.id == product.id):
            row.code.errors = [*row.code.errors, _("A bundle cannot be part of a bundle.")]
        else:
            parts[part.id] = part, parts.get(part.id, (part, 0))[1] + (row.quantity.data or 1)
    return list(parts.values())


def read_picture(form: ProductForm) -> tuple[bytes, str] | None:
    """The picture that was sent, with its type as its bytes say; None and an error for what is none."""
    data = form.picture.data.read(LARGEST_PICTURE + 1) if form.picture.data else b""
    if not data:
        return None
    mime = next((kind for magic, kind in PICTURES.items() if data.startswith(magic)), "")
    if not mime or len(data) > LARGEST_PICTURE:
        form.picture.errors = [*form.picture.errors, _("A PNG, JPEG or GIF picture of at most 300 kB.")]
        return None
    return data, mime


def apply(form: ProductForm, product: Product, parts: list[tuple[Product, int]]) -> None:
    """Write a valid form to the product. The oldest of very many prices, which the form does not show, stay."""
    product.code, product.name = str(form.code.data), str(form.name.data)
    product.initials = initials(product.name)
    for name in ("name_en", "category", "unit"):
        setattr(product, name, getattr(form, name).data or "")
    for name in ("active", "backorder"):
        setattr(product, name, bool(getattr(form, name).data))
    product.price = parse_price(form.price.data or "") or Decimal(0)
    product.low_stock, product.points_price = form.low_stock.data or 0, form.points_price.data or 0
    product.bundle = bool(parts)
    product.track_stock = bool(form.track_stock.data) and not product.bundle
    held = {part.product_id: part for part in product.parts}
    for part, quantity in parts:
        row = held.get(part.id) or BundlePart(product=part)
        row.quantity = quantity
        held[part.id] = row
    product.parts[:] = [held[part.id] for part, _quantity in parts]
    product.prices[:] = [*product.prices[:-PRICES], *read_prices(form)]


def read_prices(form: ProductForm) -> list[ProductPrice]:
    rows = [price_of(entry.form) for entry in form.prices.entries]
    return [row for row in rows if row is not None]


def price_of(row: Any) -> ProductPrice | None:
    """The price of one row, if there is one in it."""
    price, starts = parse_price(row.price.data or ""), moment(row.starts.data or "")
    if price is None or starts is None:
        return None
    medium_id = int(row.medium.data) if row.medium.data else None
    return ProductPrice(price=price, starts_at=starts, ends_at=moment(row.ends.data or ""), medium_id=medium_id)


PLAIN = ("code", "name", "name_en", "category", "unit", "active", "track_stock", "backorder", "low_stock")


def snapshot(product: Product) -> dict[str, Any]:
    """The product as the audit keeps it."""
    return {
        **{name: getattr(product, name) for name in PLAIN},
        "price": str(product.price),
        "points_price": product.points_price,
        "prices": [f"{row.price} {row.starts_at.isoformat()} {row.medium_id or ''}".rstrip() for row in product.prices],
        "parts": [f"{part.product.code} × {part.quantity}" for part in product.parts],
    }
