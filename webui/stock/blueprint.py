"""Stock pages: levels by warehouse, one form for every movement, the ledger, warehouses."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store import stock
from cti.store.models import Product, User, Warehouse
from webui.calls.forms import moment
from webui.common import audit, db, labels
from webui.common.ids import row_id, valid_number
from webui.common.labels import LABELS
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.forms import changes
from webui.orders.entry import product_name
from webui.orders.queries import products_named
from webui.stock import queries
from webui.stock.forms import KINDS, MovementForm, WarehouseForm, snapshot

blueprint = Blueprint("stock", __name__, url_prefix="/stock")


@blueprint.get("")
@requires(Permission.ORDERS_READ)
def index() -> ResponseReturnValue:
    database, text = db.session(), one_line(request.args.get("q", ""), 64)
    low = bool(request.args.get("low"))
    rows, houses = queries.listing(database, text, low=low), queries.warehouses(database, active=True)
    return render_template("stock/index.html", rows=rows, houses=houses, q=text, low=low)


@blueprint.get("/ledger")
@requires(Permission.ORDERS_READ)
def ledger() -> ResponseReturnValue:
    database, args = db.session(), request.args
    kind = args.get("kind", "")
    found = queries.ledger(
        database,
        text=one_line(args.get("q", ""), 64),
        kind=kind if kind in LABELS["movement"] else "",
        warehouse_id=row_id(args.get("warehouse", "")),
        since=moment(args.get("since", "").strip()),
        until=moment(args.get("until", "").strip()),
        cursor=args.get("before", ""),
    )
    ids = {row.user_id for row in found.rows if row.user_id}
    users = {user_id: user.name for user_id in ids if (user := database.get(User, user_id))}
    return render_template("stock/ledger.html", page=found, args=args, houses=queries.warehouses(database), users=users)


@blueprint.get("/products")
@requires(Permission.STOCK_WRITE)
def products() -> ResponseReturnValue:
    """Suggestions for the product of a movement."""
    found = queries.suggest(db.session(), one_line(request.args.get("q", ""), 64))
    rows = [
        {
            "code": row.product.code,
            "name": product_name(row.product),
            "stock": _("%(count)s left", count=max(0, row.total.available)),
        }
        for row in found
    ]
    return jsonify(ok=True, products=rows)


@blueprint.get("/level")
@requires(Permission.STOCK_WRITE)
def level() -> ResponseReturnValue:
    """What a warehouse has of the product as typed."""
    product = of_code(one_line(request.args.get("product", ""), 160))
    if product is None:
        abort(404)
    found = queries.at(db.session(), product.id, row_id(request.args.get("warehouse", "")))
    return jsonify(ok=True, on_hand=found.on_hand, text=there(found))


@blueprint.get("/move")
@requires(Permission.STOCK_WRITE)
def move() -> ResponseReturnValue:
    form = movement_form()
    kind = request.args.get("kind", "")
    form.kind.data = kind if kind in KINDS else "in"
    form.product.data = one_line(request.args.get("product", ""), 64)
    form.warehouse.data = request.args.get("warehouse", "") or form.warehouse.data
    return show_movement(form)


@blueprint.post("/move")
@requires(Permission.STOCK_WRITE)
def book() -> ResponseReturnValue:
    form, database = movement_form(), db.session()
    valid = form.validate_on_submit()
    product = named(form)
    if not valid or product is None:
        return show_movement(form), 422
    place = Place(form, product)
    try:
        place.book()
    except (stock.OutOfStock, stock.StockChanged) as error:
        database.rollback()
        return refused(form, error), 409
    audit.record(f"stock.{form.kind.data}", f"product/{product.id}", place.before, place.after())
    database.commit()
    flash(place.told(), "success")
    return redirect(url_for("stock.move", kind=form.kind.data, warehouse=form.warehouse.data), 303)


class Place:
    """One movement of the form: how it is booked, and what of it is told and kept."""

    def __init__(self, form: MovementForm, product: Product) -> None:
        self.form, self.product = form, product
        self.warehouse_id = int(form.warehouse.data)
        self.before = self.after()

    def after(self) -> dict[str, Any]:
        level = queries.at(db.session(), self.product.id, self.warehouse_id)
        house = db.session().get_one(Warehouse, self.warehouse_id).code
        return {"product": self.product.code, "warehouse": house, "on_hand": level.on_hand}

    def book(self) -> None:
        form, database, count = self.form, db.session(), int(self.form.count.data)
        facts = {"user_id": current_user.id, "reason": form.reason.data or ""}
        if form.kind.data == "in":
            stock.bring_in(database, self.product, self.warehouse_id, count, **facts)
        elif form.kind.data == "out":
            stock.take_out(database, self.product, self.warehouse_id, count, **facts)
        elif form.kind.data == "transfer":
            stock.transfer(database, self.product, self.warehouse_id, int(form.target.data), count, **facts)
        else:
            expected = int(form.expected.data) if (form.expected.data or "").isdecimal() else self.before["on_hand"]
            stock.count(database, self.product, self.warehouse_id, count, expected, **facts)
        database.flush()
        database.expire_all()

    def told(self) -> str:
        now = self.after()["on_hand"]
        text = _("Booked: %(product)s, now %(count)s in the warehouse.", product=self.product.code, count=now)
        return text + (f" ({now - self.before['on_hand']:+d})" if self.form.kind.data == "count" else "")


@blueprint.get("/warehouses")
@requires(Permission.STOCK_WRITE)
def warehouses() -> ResponseReturnValue:
    return render_template("stock/warehouses.html", houses=queries.warehouses(db.session()))


@blueprint.get("/warehouses/new")
@requires(Permission.STOCK_WRITE)
def new_warehouse() -> ResponseReturnValue:
    return render_template("stock/warehouse.html", form=WarehouseForm(), house=None)


@blueprint.post("/warehouses/new")
@requires(Permission.STOCK_WRITE)
def create_warehouse() -> ResponseReturnValue:
    return save_warehouse(None)


@blueprint.get("/warehouses/<int:house_id>")
@requires(Permission.STOCK_WRITE)
def edit_warehouse(house_id: int) -> ResponseReturnValue:
    house = load(house_id)
    return render_template("stock/warehouse.html", form=WarehouseForm(formdata=None, obj=house), house=house)


@blueprint.post("/warehouses/<int:house_id>")
@requires(Permission.STOCK_WRITE)
def change_warehouse(house_id: int) -> ResponseReturnValue:
    return save_warehouse(load(house_id))


def save_warehouse(house: Warehouse | None) -> ResponseReturnValue:
    form, database = WarehouseForm(), db.session()
    valid = form.validate_on_submit()
    if valid and any(row.code == form.code.data and row is not house for row in queries.warehouses(database)):
        form.code.errors = [_("Another warehouse has this code.")]
        valid = False
    if not valid:
        return render_template("stock/warehouse.html", form=form, house=house), 422
    before = snapshot(house) if house else None
    house = house or Warehouse()
    house.code, house.name = str(form.code.data), str(form.name.data)
    house.position, house.active = form.position.data or 0, bool(form.active.data)
    database.add(house)
    database.flush()
    if before is None:
        audit.record("warehouse.create", f"warehouse/{house.id}", None, snapshot(house))
    else:
        audit.record("warehouse.change", f"warehouse/{house.id}", *changes(before, snapshot(house)))
    database.commit()
    return redirect(url_for("stock.warehouses"), 303)


def movement_form() -> MovementForm:
    form = MovementForm()
    houses = [(str(row.id), f"{row.code} {row.name}") for row in queries.warehouses(db.session(), active=True)]
    form.warehouse.choices = labels.options(houses)
    form.target.choices = labels.options([("", "—"), *houses])
    return form


def show_movement(form: MovementForm) -> str:
    """With what is there now, which is what a count is compared with."""
    product, house = named(form, quiet=True), row_id(form.warehouse.data or "")
    house = house or next((row_id(choice[0]) for choice in form.warehouse.iter_choices()), 0)
    found = queries.at(db.session(), product.id, house) if product is not None else None
    form.expected.data = str(found.on_hand) if found is not None else ""
    return render_template("stock/move.html", form=form, there=there(found) if found is not None else "")


def there(found: stock.Level) -> str:
    return _("There are %(there)s, %(promised)s of them promised.", there=found.on_hand, promised=found.reserved)


def named(form: MovementForm, *, quiet: bool = False) -> Product | None:
    """The product as typed, if its stock is kept."""
    product = of_code(form.product.data or "")
    if product is None and not quiet and form.product.data:
        form.product.errors = [*form.product.errors, _("No stock is kept of this product.")]
    return product


def of_code(text: str) -> Product | None:
    """The product whose code begins what was typed or chosen, if its stock is kept."""
    code = text.split(" ")[0].lower()
    product = products_named(db.session(), [code]).get(code) if code else None
    return product if product is not None and product.track_stock and not product.bundle else None


def refused(form: MovementForm, error: Exception) -> str:
    if isinstance(error, stock.OutOfStock):
        text = _("Only %(count)s can leave: the rest is promised to orders, or not there.", count=error.left)
    else:
        text = _("The stock moved while you counted. Look at what is there now, then enter the count again.")
    form.count.errors = [*form.count.errors, text]
    return show_movement(form)


def load(house_id: int) -> Warehouse:
    house = db.session().get(Warehouse, house_id) if valid_number(house_id) else None
    if house is None:
        abort(404)
    return house
