"""Product pages: list for everybody who takes orders, create and change by right; pictures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.store import media
from cti.store.models import Product, ProductPicture
from webui.common import audit, db
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.forms import changes
from webui.orders.queries import products_named
from webui.products import gifts, prices, queries
from webui.products.forms import ProductForm, apply, fill, read_parts, read_picture, show_media, snapshot

blueprint = Blueprint("products", __name__, url_prefix="/products")
blueprint.register_blueprint(gifts.blueprint)
blueprint.register_blueprint(prices.blueprint)


@blueprint.get("")
@requires(Permission.ORDERS_READ)
def index() -> ResponseReturnValue:
    text, low = one_line(request.args.get("q", ""), 64), bool(request.args.get("low"))
    return render_template("products/index.html", rows=queries.listing(db.session(), text, low=low), q=text, low=low)


@blueprint.get("/new")
@requires(Permission.PRODUCTS_WRITE)
def new() -> ResponseReturnValue:
    return show_form(ProductForm(), None)


@blueprint.post("/new")
@requires(Permission.PRODUCTS_WRITE)
def create() -> ResponseReturnValue:
    return save(ProductForm(), None)


@blueprint.get("/<int:product_id>")
@requires(Permission.PRODUCTS_WRITE)
def edit(product_id: int) -> ResponseReturnValue:
    product = load(product_id)
    form = ProductForm(formdata=None, obj=product)
    fill(form, product)
    return show_form(form, product)


@blueprint.post("/<int:product_id>")
@requires(Permission.PRODUCTS_WRITE)
def change(product_id: int) -> ResponseReturnValue:
    return save(ProductForm(), load(product_id))


@blueprint.get("/<int:product_id>/picture")
@requires(Permission.ORDERS_READ)
def picture(product_id: int) -> ResponseReturnValue:
    found = db.session().get(ProductPicture, product_id) if valid_number(product_id) else None
    if found is None:
        abort(404)
    response = Response(found.data, mimetype=found.mime)
    response.set_etag(str(round(found.changed_at.timestamp() * 1000)))
    return response.make_conditional(request)


def save(form: ProductForm, product: Product | None) -> ResponseReturnValue:
    database = db.session()
    show_media((entry.form for entry in form.prices.entries), media.media(database))
    valid = form.validate_on_submit()
    if valid and queries.code_taken(database, str(form.code.data), product.id if product else None):
        form.code.errors = [_("Another product has this code.")]
    found = products_named(database, [(e.form.code.data or "").split(" ")[0] for e in form.parts.entries])
    parts, image = read_parts(form, found, product), read_picture(form)
    if not valid or form.errors or any(entry.form.code.errors for entry in form.parts.entries):
        return show_form(form, product), 422
    before = snapshot(product) if product else None
    product = product or Product(code="", name="", price=Decimal(0))
    database.add(product)
    with database.no_autoflush:
        apply(form, product, parts)
    database.flush()
    keep_picture(product, image, remove=bool(form.remove_picture.data))
    if before is None:
        audit.record("product.create", f"product/{product.id}", None, snapshot(product))
    else:
        audit.record("product.change", f"product/{product.id}", *changes(before, snapshot(product)))
    database.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("products.index"), 303)


def keep_picture(product: Product, image: tuple[bytes, str] | None, *, remove: bool) -> None:
    database = db.session()
    held = database.get(ProductPicture, product.id)
    if image is not None:
        held = held or ProductPicture(product_id=product.id)
        held.data, held.mime = image
        database.add(held)
    elif remove and held is not None:
        database.delete(held)


def show_form(form: ProductForm, product: Product | None) -> str:
    database = db.session()
    show_media((entry.form for entry in form.prices.entries), media.media(database))
    shown: dict[str, Any] = {
        "categories": queries.categories(database),
        "pictured": product is not None and database.get(ProductPicture, product.id) is not None,
    }
    return render_template("products/edit.html", form=form, product=product, **shown)


def load(product_id: int) -> Product:
    product = queries.get(db.session(), product_id) if valid_number(product_id) else None
    if product is None:
        abort(404)
    return product
