"""Review of orders, and every step of an order after it was taken; each step is ``cti.store.orders.advance``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.exceptions import BadRequest

from cti.domain.errors import CallyardError
from cti.domain.orders import OrderStatus
from cti.machines.order import REASONED, WHO, OrderEvent, possible
from cti.store import sorting
from cti.store.models import Carrier, Order, utc_now
from cti.store.order_effects import outstanding
from cti.store.orders import advance
from webui.common import db, labels, scope
from webui.common.acting import actor, attempt
from webui.common.errors import message_for
from webui.common.htmx import go
from webui.common.ids import row_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.common.text import one_line
from webui.review import forms, queries

blueprint = Blueprint("review", __name__, url_prefix="/orders")


def install(app: Flask) -> None:
    labels.install(app)
    app.jinja_env.globals["order_chain"] = order_chain


@blueprint.get("/review")
@requires(Permission.ORDERS_REVIEW)
def index() -> ResponseReturnValue:
    """The work list: what is to be reviewed, put aside, or ready for the warehouse."""
    database = db.session()
    status = forms.seen_of(request.args.get("status", "")) or OrderStatus.NEW
    if status not in queries.WORK:
        raise BadRequest
    seen = scope.seen(Order.agent_user_id, Kind.ORDERS)
    text = one_line(request.args.get("q", ""), 64)
    rows = queries.waiting(database, status, text, seen)
    found = sorting.flags(database, [order for order, _handling in rows])
    flag = request.args.get("flag", "")
    if flag in list(sorting.Flag):
        rows = [row for row in rows if flag in found[row[0].id]]
    return render_template(
        "review/index.html",
        rows=rows,
        flags=found,
        flag=flag,
        status=status,
        text=text,
        now=utc_now(),
        is_due=queries.is_due,
        counts=queries.counts(database, seen),
    )


@blueprint.post("/review/do")
@requires(Permission.ORDERS_REVIEW)
def do() -> ResponseReturnValue:
    """One event for several orders, each by itself: JSON from the list's script, ``{event, ids, reason, until}``."""
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict) or not isinstance(asked.get("ids"), list):
        raise BadRequest
    ids = [key for key in asked["ids"] if isinstance(key, int) and not isinstance(key, bool) and valid_number(key)]
    if not 0 < len(ids) <= forms.MOST_AT_ONCE or len(ids) != len(asked["ids"]):
        raise BadRequest
    if asked.get("event") == forms.MERGE:
        return jsonify(ok=True, results=[merged(ids)])
    event = forms.event_of(asked.get("event"))
    if event not in forms.BULK:
        raise BadRequest
    reason, until = forms.reason_of(asked.get("reason")), forms.until_of(asked.get("until"))
    return jsonify(ok=True, results=[moved(key, event, reason, until) for key in ids])


def moved(order_id: int, event: OrderEvent, reason: str, until: Any) -> dict[str, Any]:
    """What became of one order of many."""
    database = db.session()
    order = database.get(Order, order_id)
    if order is None or not scope.may_see(order.agent_user_id, Kind.ORDERS):
        return {"id": order_id, "ok": False, "number": "", "message": message_for("order.refused", {"why": "gone"})}
    number = order.number
    try:
        advance(database, order_id, event, actor(), reason=reason, until=until)
        database.commit()
    except CallyardError as error:
        database.rollback()
        return {"id": order_id, "ok": False, "number": number, "message": message_for(error.code, error.params)}
    return {"id": order_id, "ok": True, "number": number, "message": ""}


def merged(ids: list[int]) -> dict[str, Any]:
    """Several orders into the oldest of them, all or none."""
    database = db.session()
    orders = [load(key) for key in sorted(set(ids))]
    if len(orders) < 2:
        return {"ok": False, "number": orders[0].number, "message": _("Mark the orders to merge first.")}
    first = orders[0]
    try:
        for other in orders[1:]:
            sorting.merge(database, first.id, other.id, actor())
        database.commit()
    except CallyardError as error:
        database.rollback()
        return {"ok": False, "number": first.number, "message": message_for(error.code, error.params)}
    return {"ok": True, "number": first.number, "message": ""}


@blueprint.post("/<int:order_id>/step")
@requires(Permission.ORDERS_READ)
def step(order_id: int) -> ResponseReturnValue:
    """One event of one order; what it needs comes with the form. The right to it is looked at by ``advance``."""
    order, event = load(order_id), forms.event_of(request.form.get("event"))
    facts = forms.facts(event, request.form)
    if event is OrderEvent.RECEIVE and not everything(order, facts["inspected"]):
        event = OrderEvent.RECEIVE_PART
    seen, reason = forms.seen_of(request.form.get("seen", "")), forms.reason_of(request.form.get("reason"))
    attempt(lambda: advance(db.session(), order.id, event, actor(), reason=reason, seen=seen, **facts))
    return go(back_to(order_id))


def everything(order: Order, found: Any) -> bool:
    """Nothing stays with the customer."""
    left = outstanding(db.session(), order)
    return all(found.good.get(key, 0) + found.bad.get(key, 0) >= count for key, count in left.items())


def back_to(order_id: int) -> str:
    """The page that the form names, if it is one of ours that shows the order's next work."""
    place = request.form.get("back", "")
    known = {"review": "review.index", "pack": "fulfilment.pack", "ship": "fulfilment.ship"}
    return url_for(known[place]) if place in known else url_for("orders.show", order_id=order_id)


@blueprint.route("/<int:order_id>/split", methods=["GET", "POST"])
@requires(Permission.ORDERS_REVIEW)
def split(order_id: int) -> ResponseReturnValue:
    order, message = load(order_id), ""
    if request.method == "POST":
        database = db.session()
        try:
            chosen, seen = forms.pieces(request.form, "take"), forms.seen_of(request.form.get("seen", ""))
            new = sorting.split(database, order.id, chosen, actor(), seen)
            database.commit()
            flash(_("Order %(number)s was split off.", number=new.number), "success")
            return redirect(url_for("orders.show", order_id=new.id), 303)
        except CallyardError as error:
            database.rollback()
            order, message = load(order_id), message_for(error.code, error.params)
    page = render_template("review/split.html", order=order, left=outstanding(db.session(), order), message=message)
    return page, 422 if message else 200


@blueprint.post("/<int:order_id>/address")
@requires(Permission.ORDERS_REVIEW)
def address(order_id: int) -> ResponseReturnValue:
    load(order_id)
    database, fields = db.session(), forms.address(request.form)
    try:
        sorting.readdress(database, order_id, fields, actor())
        database.commit()
    except CallyardError as error:
        database.rollback()
        flash(message_for(error.code, error.params), "danger")
    return redirect(url_for("orders.show", order_id=order_id), 303)


@blueprint.get("/slips")
@requires(Permission.ORDERS_READ)
def slips() -> ResponseReturnValue:
    """Order slips to print, one a sheet."""
    ids = [row_id(text) for text in request.args.get("ids", "").split(",")][: forms.MOST_AT_ONCE]
    found = queries.several(db.session(), ids, scope.seen(Order.agent_user_id, Kind.ORDERS))
    if not found:
        abort(404)
    return render_template("review/slips.html", orders=found, now=utc_now())


def load(order_id: int) -> Order:
    order = db.session().get(Order, order_id) if valid_number(order_id) else None
    if order is None:
        abort(404)
    scope.must_see(order.agent_user_id, Kind.ORDERS)
    return order


def order_chain(order: Order) -> dict[str, Any]:
    """For the order's page: what happened to it and what this user may do next."""
    database, who = db.session(), actor()
    events = [event for event in possible(order.status) if who.can(WHO[event])]
    hidden = {OrderEvent.MERGE, OrderEvent.RECEIVE_PART, OrderEvent.REWRITE}
    if OrderEvent.VOID in events:
        hidden.add(OrderEvent.TAKE_BACK)
    carriers: Any = ()
    if OrderEvent.SHIP in events:
        carriers = database.scalars(select(Carrier).where(Carrier.active).order_by(Carrier.name)).all()
    return {
        "chain": queries.chain(database, order),
        "rewrite": OrderEvent.REWRITE in events,
        "events": [event for event in events if event not in hidden],
        "reasoned": REASONED,
        "carriers": carriers,
        "flags": sorting.flags(database, [order])[order.id],
    }
