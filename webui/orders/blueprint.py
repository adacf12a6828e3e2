"""Order pages: the entry form (a fragment in the agent's page, or a page), the list, one order and its status."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Customer, Order, Payment, Product
from webui.calls.access import may_describe
from webui.common import audit, db, labels, scope
from webui.common.htmx import is_fragment, toast
from webui.common.ids import row_id, valid_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.common.text import one_line
from webui.customers.queries import get as get_customer
from webui.orders import queries
from webui.orders.forms import (
    OWN_ADDRESS,
    Item,
    OrderForm,
    address_choices,
    read_filters,
    read_items,
    total,
    used_lines,
)

blueprint = Blueprint("orders", __name__, url_prefix="/orders")


def install(app: Flask) -> None:
    labels.install(app)
    app.jinja_env.globals["product_name"] = product_name


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
        cursor=request.args.get("before", ""),
    )
    sellers = queries.sellers(db.session(), group) if group != {current_user.id} else []
    return render_template("orders/index.html", page=found, filters=filters, sellers=sellers, args=request.args)


@blueprint.get("/products")
@requires(Permission.ORDERS_WRITE)
def products() -> ResponseReturnValue:
    """Suggestions for one line of the form."""
    found = queries.suggest(db.session(), one_line(request.args.get("q", ""), 64))
    rows = [{"id": p.id, "code": p.code, "name": product_name(p), "price": f"{p.price:.2f}"} for p in found]
    return jsonify(ok=True, products=rows)


@blueprint.get("/new")
@requires(Permission.ORDERS_WRITE)
def new() -> ResponseReturnValue:
    call_id = valid_id(request.args.get("call_id", ""))
    customer = load_customer(request.args.get("customer_id", 0, int))
    if customer is None:
        return render_template("orders/no_customer.html", call_id=call_id)
    form = OrderForm(formdata=None, customer_id=customer.id, call_id=call_id, token=secrets.token_urlsafe(24))
    form.address.data = str(customer.addresses[0].id) if customer.addresses else OWN_ADDRESS
    return show_form(form, customer)


@blueprint.post("/new")
@requires(Permission.ORDERS_WRITE)
def create() -> ResponseReturnValue:
    form, database = OrderForm(), db.session()
    customer = load_customer(row_id(form.customer_id.data))
    if customer is None:
        abort(404)
    earlier = queries.by_token(database, form.token.data or "")
    if earlier is not None:
        return saved(own(earlier), new=False)
    valid = form.validate_on_submit()
    found = queries.products_named(database, codes(form))
    items = read_items(form, found, bool(current_user.can(Permission.ORDERS_SET_PRICE)))
    ship_to = read_address(form, customer)
    if not valid or ship_to is None or not items or any(e.form.text.errors or e.form.price.errors for e in form.lines):
        return show_form(form, customer), 422
    call_id = valid_id(form.call_id.data or "")
    if call_id and not may_describe(database, call_id):
        abort(403)
    return store(form, customer, call_id, items, ship_to)


def store(form: OrderForm, customer: Customer, call_id: str, items: list[Item], to: queries.ShipTo) -> Response:
    """Save once, with its audit entry, whatever happens at the same moment."""
    order = Order(
        token=form.token.data,
        customer_id=customer.id,
        call_id=call_id or None,
        agent_user_id=current_user.id,
        recipient=to.recipient,
        phone=to.phone,
        city=to.city,
        line=to.line,
        postcode=to.postcode,
        payment=Payment(form.payment.data),
        remarks=form.remarks.data or "",
        total=total(items),
    )
    database = db.session()
    order, fresh = queries.save(database, order, [(i.product, i.quantity, i.price, i.amount) for i in items])
    if fresh:
        audit.record("order.create", f"order/{order.id}", None, {"number": order.number, "total": str(order.total)})
        database.commit()
    return saved(own(order), new=fresh)


@blueprint.get("/<int:order_id>")
@requires(Permission.ORDERS_READ)
def show(order_id: int) -> ResponseReturnValue:
    return render_template("orders/show.html", order=load(order_id))


def load(order_id: int) -> Order:
    order = queries.get(db.session(), order_id) if valid_number(order_id) else None
    if order is None:
        abort(404)
    return own(order)


def own(order: Order) -> Order:
    """The order, unless it is of somebody whose orders the user may not see."""
    scope.must_see(order.agent_user_id, Kind.ORDERS)
    return order


def load_customer(customer_id: int) -> Customer | None:
    return get_customer(db.session(), customer_id) if valid_number(customer_id) else None


def codes(form: OrderForm) -> list[str]:
    rows = [entry.form for entry in used_lines(form)]
    return [text for row in rows for text in (row.product.data or "", (row.text.data or "").split(" ")[0])]


def read_address(form: OrderForm, customer: Customer) -> queries.ShipTo | None:
    """Where the order goes: one of the customer's addresses, or one typed in. None and an error when it is neither."""
    phone = customer.phones[0].number if customer.phones else ""
    if form.address.data == OWN_ADDRESS:
        if not form.line.data:
            return None
        recipient = form.recipient.data or customer.name
        return queries.ShipTo(recipient, phone, form.city.data or "", form.line.data, form.postcode.data or "")
    chosen = next((a for a in customer.addresses if str(a.id) == form.address.data), None)
    if chosen is None:
        form.address.errors = [_("Choose an address.")]
        return None
    recipient = chosen.recipient or customer.name
    return queries.ShipTo(recipient, chosen.phone or phone, chosen.city, chosen.line, chosen.postcode)


def show_form(form: OrderForm, customer: Customer) -> str:
    form.address.choices = labels.options(address_choices(customer))
    template = "orders/_form.html" if is_fragment() else "orders/new.html"
    found = queries.products_named(db.session(), codes(form))
    shown: dict[str, Any] = {entry.name: found.get(entry.form.product.data or "") for entry in form.lines}
    return render_template(template, form=form, customer=customer, chosen=shown)


def saved(order: Order, *, new: bool) -> Response:
    if not is_fragment():
        return make_response(redirect(url_for("orders.show", order_id=order.id), 303))
    full = queries.get(db.session(), order.id)
    response = make_response(render_template("orders/_saved.html", order=full, new=new))
    response.headers["HX-Trigger"] = '{"cy:saved": true}'
    return toast(response, _("Order %(number)s is saved.", number=order.number))


def product_name(product: Product) -> str:
    """In the user's language, where the product has a name in it."""
    chinese = str(get_locale()).startswith("zh")
    return product.name if chinese or not product.name_en else product.name_en
