"""Order pages: the list and one order; taking one is ``entry.py``, what follows is ``webui.review``."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cti.store.models import Order
from webui.common import db, fields, labels, scope
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.finder.fields import own_conditions
from webui.orders import entry, entry_media, queries
from webui.orders.forms import (
    read_filters,
)

blueprint = Blueprint("orders", __name__, url_prefix="/orders")
entry.attach(blueprint)


def install(app: Flask) -> None:
    labels.install(app)
    app.jinja_env.globals["product_name"] = entry.product_name
    app.jinja_env.globals["seen_words"] = entry_media.seen_words


@blueprint.get("")
@requires(Permission.ORDERS_READ)
def index() -> ResponseReturnValue:
    filters = read_filters(request.args)
    group = scope.user_ids(Kind.ORDERS)
    found = queries.listing(
        db.session(),
        since=filters.since,
        until=filters.until,
        text=filters.text,
        status=filters.status,
        agent=filters.agent if group is None or filters.agent in group else "",
        seen=scope.seen(Order.agent_user_id, Kind.ORDERS),
        call=filters.call,
        more=own_conditions("order", Order.custom, request.args),
        cursor=request.args.get("before", ""),
    )
    sellers = queries.sellers(db.session(), group) if group != {current_user.id} else []
    return render_template("orders/index.html", page=found, filters=filters, sellers=sellers, args=request.args)


@blueprint.get("/<int:order_id>")
@requires(Permission.ORDERS_READ)
def show(order_id: int) -> ResponseReturnValue:
    return render_template("orders/show.html", order=load(order_id))


@blueprint.post("/<int:order_id>/fields")
@requires(Permission.ORDERS_WRITE)
def change_fields(order_id: int) -> ResponseReturnValue:
    """Own fields, which may become known after the order was taken."""
    order = load(order_id)
    sent = fields.change("order", order, request.form, "order.change", f"order/{order.id}")
    if sent.errors:
        return render_template("orders/show.html", order=order, sent=sent), 422
    db.session().commit()
    return redirect(url_for("orders.show", order_id=order.id), 303)


def load(order_id: int) -> Order:
    order = queries.get(db.session(), order_id) if valid_number(order_id) else None
    if order is None:
        abort(404)
    return own(order)


def own(order: Order) -> Order:
    """The order, unless it is of somebody whose orders the user may not see."""
    scope.must_see(order.agent_user_id, Kind.ORDERS)
    return order
