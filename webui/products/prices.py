"""Prices of periods, all products and media in one list: what holds when and for whom, a new one, one taken away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import FormField
from wtforms.validators import DataRequired

from cti.store import media
from cti.store.models import ProductPrice, utc_now
from webui.common import audit, db
from webui.common.ids import row_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.forms import Line
from webui.orders.queries import products_named
from webui.products import queries
from webui.products.forms import PriceForm, media_choices, price_of, show_media

blueprint = Blueprint("prices", __name__, url_prefix="/prices")


class NewPriceForm(FlaskForm):  # type: ignore[misc]
    """One price of one product."""

    product = Line(_("Product"), 160, [DataRequired()])
    row = FormField(PriceForm)


@blueprint.get("")
@requires(Permission.ORDERS_READ)
def index() -> ResponseReturnValue:
    return show(NewPriceForm(formdata=None))


@blueprint.post("")
@requires(Permission.PRODUCTS_WRITE)
def create() -> ResponseReturnValue:
    form, database = NewPriceForm(), db.session()
    show_media([form.row.form], media.media(database))
    form.validate_on_submit()
    code = (form.product.data or "").split(" ")[0].lower()
    product = products_named(database, [code]).get(code)
    if product is None:
        form.product.errors = [*form.product.errors, gettext("There is no product with this code.")]
    price = price_of(form.row.form)
    if price is None and not form.row.form.price.errors:
        form.row.form.price.errors = [gettext("This is not a price.")]
    if product is None or price is None or form.errors:
        return show(form), 422
    price.product = product
    database.add(price)
    database.flush()
    audit.record("price.create", f"product/{product.id}", None, told(price))
    database.commit()
    flash(gettext("Saved."), "success")
    return redirect(url_for("products.prices.index", medium=price.medium_id or "all"), 303)


@blueprint.post("/<int:price_id>/remove")
@requires(Permission.PRODUCTS_WRITE)
def remove(price_id: int) -> ResponseReturnValue:
    database = db.session()
    price = database.get(ProductPrice, price_id) if valid_number(price_id) else None
    if price is None:
        abort(404)
    audit.record("price.remove", f"product/{price.product_id}", told(price), {})
    database.delete(price)
    database.commit()
    flash(gettext("Removed."), "success")
    return redirect(url_for("products.prices.index"), 303)


def show(form: NewPriceForm) -> str:
    database = db.session()
    every = media.media(database)
    show_media([form.row.form], every)
    text, wanted = one_line(request.args.get("q", ""), 64), request.args.get("medium", "")
    since = None if request.args.get("old") else utc_now()
    rows = queries.prices(database, text, row_id(wanted), everybody=wanted == "all", since=since)
    return render_template(
        "products/prices.html",
        rows=rows,
        form=form,
        media=media_choices(every),
        names={row.id: row.name for row in every},
        now=utc_now(),
        args=request.args,
        q=text,
    )


def told(price: ProductPrice) -> dict[str, Any]:
    """The price as the audit keeps it."""
    return {
        "product": price.product.code,
        "price": str(price.price),
        "starts_at": price.starts_at.isoformat(),
        "ends_at": price.ends_at.isoformat() if price.ends_at else "",
        "medium": price.medium_id or "",
    }
