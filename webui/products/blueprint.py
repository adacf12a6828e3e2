"""Product pages: list for everybody who takes orders, create and change by right."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.store.models import Product
from webui.common import audit, db
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.forms import changes
from webui.orders.forms import parse_price
from webui.products import queries
from webui.products.forms import ProductForm, snapshot

blueprint = Blueprint("products", __name__, url_prefix="/products")


@blueprint.get("")
@requires(Permission.ORDERS_READ)
def index() -> ResponseReturnValue:
    text = one_line(request.args.get("q", ""), 64)
    return render_template("products/index.html", products=queries.listing(db.session(), text), q=text)


@blueprint.get("/new")
@requires(Permission.PRODUCTS_WRITE)
def new() -> ResponseReturnValue:
    return render_template("products/edit.html", form=ProductForm(), product=None)


@blueprint.post("/new")
@requires(Permission.PRODUCTS_WRITE)
def create() -> ResponseReturnValue:
    return save(ProductForm(), None)


@blueprint.get("/<int:product_id>")
@requires(Permission.PRODUCTS_WRITE)
def edit(product_id: int) -> ResponseReturnValue:
    product = load(product_id)
    return render_template("products/edit.html", form=ProductForm(formdata=None, obj=product), product=product)


@blueprint.post("/<int:product_id>")
@requires(Permission.PRODUCTS_WRITE)
def change(product_id: int) -> ResponseReturnValue:
    return save(ProductForm(), load(product_id))


def save(form: ProductForm, product: Product | None) -> ResponseReturnValue:
    database = db.session()
    valid = form.validate_on_submit()
    if valid and queries.code_taken(database, str(form.code.data), product.id if product else None):
        form.code.errors = [_("Another product has this code.")]
        valid = False
    if not valid:
        return render_template("products/edit.html", form=form, product=product), 422
    before = snapshot(product) if product else None
    product = product or Product(code="", name="", price=Decimal(0))
    product.code, product.name = str(form.code.data), str(form.name.data)
    product.name_en, product.active = form.name_en.data or "", bool(form.active.data)
    product.price = parse_price(form.price.data or "") or Decimal(0)
    database.add(product)
    database.flush()
    if before is None:
        audit.record("product.create", f"product/{product.id}", None, snapshot(product))
    else:
        audit.record("product.change", f"product/{product.id}", *changes(before, snapshot(product)))
    database.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("products.index"), 303)


def load(product_id: int) -> Product:
    product = db.session().get(Product, product_id) if valid_number(product_id) else None
    if product is None:
        abort(404)
    return product
