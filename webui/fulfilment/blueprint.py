"""Pages of the warehouse. Each step of an order is ``cti.store.orders.advance``; refusals are told above the page."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.domain.orders import OrderStatus, ParcelState, ReturnState
from cti.machines.order import OrderEvent
from cti.store import shipping
from cti.store.models import Order, PickList, utc_now
from cti.store.order_effects import Sent
from cti.store.orders import advance
from webui.common import db, labels
from webui.common.acting import actor, attempt
from webui.common.ids import row_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.fulfilment import carriers, queries

blueprint = Blueprint("fulfilment", __name__, url_prefix="/fulfilment")
MOST_IN_A_LIST = 200


def install(app: Flask) -> None:
    labels.install(app)


@blueprint.get("")
@requires(Permission.ORDERS_FULFIL)
def index() -> ResponseReturnValue:
    """What is to be picked, warehouse by warehouse, and the latest lists."""
    database = db.session()
    places = queries.warehouses(database)
    waiting = [
        (places.get(key) if key else None, queries.orders(database, ids[:MOST_IN_A_LIST]))
        for key, ids in sorted(shipping.to_pick(database).items(), key=lambda item: item[0] or 0)
    ]
    return render_template(
        "fulfilment/index.html",
        waiting=waiting,
        lists=queries.pick_lists(database),
        places=places,
        busy=queries.busy(database),
    )


@blueprint.post("/picks")
@requires(Permission.ORDERS_FULFIL)
def make_pick_list() -> ResponseReturnValue:
    ids = sorted({row_id(text) for text in request.form.getlist("order")} - {0})[:MOST_IN_A_LIST]
    warehouse = row_id(request.form.get("warehouse")) or None
    if not ids or (warehouse is not None and warehouse not in queries.warehouses(db.session())):
        flash(_("Mark the orders to pick first."), "warning")
        return redirect(url_for("fulfilment.index"), 303)
    made: list[PickList] = []
    if attempt(lambda: made.append(shipping.make_pick_list(db.session(), ids, warehouse, actor()))):
        return redirect(url_for("fulfilment.pick_list", list_id=made[0].id), 303)
    return redirect(url_for("fulfilment.index"), 303)


@blueprint.get("/picks/<int:list_id>")
@requires(Permission.ORDERS_FULFIL)
def pick_list(list_id: int) -> ResponseReturnValue:
    database = db.session()
    found = database.get(PickList, list_id) if valid_number(list_id) else None
    if found is None:
        abort(404)
    return render_template(
        "fulfilment/pick_list.html",
        found=found,
        place=queries.warehouses(database).get(found.warehouse_id or 0),
        content=shipping.content(database, found.id),
        orders=queries.orders_of_list(database, found.id),
    )


@blueprint.route("/pack", methods=["GET", "POST"])
@requires(Permission.ORDERS_FULFIL)
def pack() -> ResponseReturnValue:
    """Scan an order, look at what belongs into the parcel, confirm: both by Enter."""
    database = db.session()
    code = one_line(request.values.get("code", ""), 32)
    order = queries.by_number(database, code) if code else None
    if request.method == "POST" and order is not None:
        number, order_id = order.number, order.id
        if attempt(lambda: advance(database, order_id, OrderEvent.PACK, actor())):
            flash(_("Order %(number)s is packed.", number=number), "success")
        return redirect(url_for("fulfilment.pack"), 303)
    if code and order is None:
        flash(_("There is no order %(number)s.", number=code), "danger")
    elif order is not None and order.status is not OrderStatus.PICKING:
        flash(_("Order %(number)s is not being picked: %(status)s.", number=code, status=words(order)), "warning")
        order = None
    waiting = queries.of_status(database, OrderStatus.PICKING)
    return render_template("fulfilment/pack.html", order=order, waiting=waiting, busy=queries.busy(database))


@blueprint.route("/ship", methods=["GET", "POST"])
@requires(Permission.ORDERS_FULFIL)
def ship() -> ResponseReturnValue:
    """Scan an order, scan the waybill; the carrier stays chosen."""
    database, carrier = db.session(), row_id(request.values.get("carrier"))
    if request.method == "POST":
        code = one_line(request.form.get("code", ""), 32)
        sent = Sent(carrier, one_line(request.form.get("waybill", ""), 64))
        order = queries.by_number(database, code)
        if order is None:
            flash(_("There is no order %(number)s.", number=code), "danger")
        elif order.status is not OrderStatus.PACKED:
            flash(_("Order %(number)s is not packed: %(status)s.", number=code, status=words(order)), "warning")
        elif attempt(lambda: advance(database, order.id, OrderEvent.SHIP, actor(), sent=sent)):
            flash(_("Order %(number)s is on its way.", number=code), "success")
        return redirect(url_for("fulfilment.ship", carrier=carrier or None), 303)
    return render_template(
        "fulfilment/ship.html",
        waiting=queries.of_status(database, OrderStatus.PACKED),
        carriers=carriers.active(database),
        carrier=carrier,
        busy=queries.busy(database),
    )


def words(order: Order) -> str:
    return labels.label(order.status, "order_status")


@blueprint.get("/parcels")
@requires(Permission.ORDERS_FULFIL)
def parcels() -> ResponseReturnValue:
    database, state = db.session(), request.args.get("state", "")
    state = state if state in list(ParcelState) else ""
    carrier, waybill = row_id(request.args.get("carrier")), one_line(request.args.get("q", ""), 64)
    found = queries.parcels(
        database, carrier=carrier, state=state, waybill=waybill, cursor=request.args.get("before", "")
    )
    return render_template(
        "fulfilment/parcels.html",
        page=found,
        state=state,
        carrier=carrier,
        waybill=waybill,
        carriers=carriers.every(database),
        args=request.args,
        busy=queries.busy(database),
        now=utc_now(),
    )


@blueprint.get("/returns")
@requires(Permission.ORDERS_FULFIL)
def returns() -> ResponseReturnValue:
    state = request.args.get("state", ReturnState.AWAITED.value)
    state = state if state in list(ReturnState) else ""
    found = queries.returns(db.session(), state, request.args.get("before", ""))
    return render_template("fulfilment/returns.html", page=found, state=state, busy=queries.busy(db.session()))


carriers.attach(blueprint)
