"""Orders in the API: computed and stored as on the page."""

from __future__ import annotations

import secrets
from decimal import Decimal

from flask import abort
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from cti.domain.phones import normalise
from cti.store import custom, shop
from cti.store.models import Airing, Customer, Delivery, Order, OrderLine, OrderStatus, Payment, Product, utc_now
from cti.store.points import NotEnoughPoints
from cti.store.quotes import Quote, Wanted, quote
from cti.store.stock import OutOfStock, StockChanged
from webui.api import own, schemas, shown
from webui.api.access import once, record
from webui.api.base import Document, Refused, blueprint, listed, posts, problems
from webui.api.customers import load_customer
from webui.common import db, scope
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.orders import entry_data
from webui.tickets import ordering


@blueprint.route("/orders")
@blueprint.arguments(schemas.OrderQuery, location="query")
@blueprint.response(200, schemas.page_of(schemas.OrderOut))
@problems()
@requires(Permission.ORDERS_READ)
def orders(asked: Document) -> Document:
    """Orders, newest first."""
    query = scope.visible(select(Order), Order.agent_user_id, Kind.ORDERS)
    for condition in (
        Order.created_at >= asked["since"] if "since" in asked else None,
        Order.created_at < asked["until"] if "until" in asked else None,
        Order.status == OrderStatus(asked["status"]) if "status" in asked else None,
        Order.customer_id == asked["customer_id"] if "customer_id" in asked else None,
    ):
        query = query if condition is None else query.where(condition)
    query = query.options(selectinload(Order.lines).joinedload(OrderLine.product))
    return listed(query, (Order.created_at, Order.id), asked, shown.order)


@blueprint.route("/orders/<int:order_id>")
@blueprint.response(200, schemas.OrderOut)
@problems(_404="no such order")
@requires(Permission.ORDERS_READ)
def order(order_id: int) -> Document:
    """One order."""
    return shown.order(load_order(order_id))


def load_order(order_id: int) -> Order:
    row = db.session().get(Order, order_id, options=[joinedload(Order.customer)]) if valid_number(order_id) else None
    if row is None:
        abort(404)
    scope.must_see(row.agent_user_id, Kind.ORDERS)
    return row


@blueprint.route("/orders", methods=["POST"])
@posts
@blueprint.arguments(schemas.OrderIn)
@problems(_404="no such customer", _409="not enough stock, or the same request is being done")
@blueprint.response(201, schemas.OrderOut)
@requires(Permission.ORDERS_WRITE)
@once
def create_order(given: Document) -> tuple[Document, int]:
    """A new order, at the prices of now, with gifts, bundles and stock as on the page."""
    database, who = db.session(), load_customer(given["customer_id"])
    values = custom.taken(None, own.values("order", given["custom"], new=True))
    airing = airing_numbered(given.get("airing"))
    made = quoted(given, who, airing)
    row = Order(
        token=secrets.token_urlsafe(24),
        customer_id=who.id,
        agent_user_id=current_user.id,
        recipient=given["recipient"] or who.name,
        phone=normalise(given["phone"]) if "phone" in given else who.phones[0].number if who.phones else "",
        city=given["city"],
        line=given["line"],
        postcode=given["postcode"],
        payment=Payment(given["payment"]),
        delivery=Delivery(given["delivery"]),
        medium_id=airing.medium_id if airing else None,
        airing_id=airing.id if airing else None,
        remarks=given["remarks"],
        custom=values,
    )
    try:
        row, _fresh = entry_data.save(database, row, made)
    except (OutOfStock, NotEnoughPoints, StockChanged) as error:
        raise Refused(409, "order.changed", "Somebody was quicker", str(error)) from error
    ordering.done(row, given.get("ticket_id", ""), "")
    told = {"number": row.number, "total": f"{row.total:.2f}", "custom": values}
    record("order.create", f"order/{row.id}", None, told)
    database.flush()
    return shown.order(row), 201


@blueprint.route("/orders/<int:order_id>", methods=["PATCH"])
@blueprint.arguments(schemas.OrderChange)
@blueprint.response(200, schemas.OrderOut)
@problems(_404="no such order")
@requires(Permission.ORDERS_WRITE)
def change_order(given: Document, order_id: int) -> Document:
    """Own fields, which may become known after the order was taken; those not given stay."""
    row = load_order(order_id)
    own.change("order", row, given["custom"])
    return shown.order(row)


def quoted(given: Document, who: Customer, airing: Airing | None) -> Quote:
    """What it costs; a problem for what cannot be had so."""
    database, may_set = db.session(), current_user.can(Permission.ORDERS_SET_PRICE)
    asked = {line["product"].upper() for line in given["lines"]}
    products = database.scalars(select(Product).where(Product.active, func.upper(Product.code).in_(sorted(asked))))
    found = {product.code.upper(): product for product in products}
    wanted, errors = [], {}
    for at, line in enumerate(given["lines"]):
        product = found.get(line["product"].upper())
        if product is None:
            errors[f"lines.{at}.product"] = ["no such product on sale"]
        elif "price" in line and not may_set:
            errors[f"lines.{at}.price"] = ["the key may not set prices"]
        else:
            price = Decimal(line["price"]) if "price" in line else None
            wanted.append(Wanted(product, line["quantity"], price))
    if errors:
        raise Refused(422, "order.lines", "Lines are wrong", "Nothing was saved.", errors)
    made = quote(
        database,
        wanted,
        shop.parameters(database),
        utc_now(),
        role=str(current_user.role),
        customer_id=who.id,
        medium_id=airing.medium_id if airing else None,
        discount=Decimal(given["discount"]),
    )
    if made.short:
        short = {line.product.code: [f"{max(0, line.left or 0)} left"] for line in made.short}
        raise Refused(409, "order.stock", "Not enough stock", "Nothing was saved.", short)
    if made.problems:
        limits = {name: [f"at most {most}"] for name, most in made.problems.items()}
        raise Refused(422, "order.limits", "Beyond a limit", "Nothing was saved.", limits)
    if "total" in given and Decimal(given["total"]) != made.total:
        raise Refused(422, "order.total", "Another total", f"It comes to {made.total:.2f}.", {"total": ["not so"]})
    return made


def airing_numbered(number: int | None) -> Airing | None:
    if number is None:
        return None
    row = db.session().scalars(select(Airing).where(Airing.number == number)).first()
    if row is None:
        raise Refused(422, "order.airing", "No such airing", "Nothing was saved.", {"airing": ["unknown"]})
    return row
