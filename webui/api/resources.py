"""What the API offers: customers, orders, tickets, calls. Rights and scopes are the user's whose key it is."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import abort
from flask_login import current_user
from flask_smorest import Blueprint
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from cti.domain.phones import normalise
from cti.store import callbacks, shop
from cti.store.initials import initials
from cti.store.models import (
    Address,
    Airing,
    Call,
    Customer,
    CustomerPhone,
    Delivery,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    Product,
    Sex,
    Ticket,
    TicketOrigin,
    TicketState,
    utc_now,
)
from cti.store.points import NotEnoughPoints
from cti.store.quotes import Quote, Wanted, quote
from cti.store.stock import OutOfStock, StockChanged
from webui.api import schemas, shown
from webui.api.access import REPEAT, limit, once, record
from webui.calls.access import may_see as sees_call
from webui.common import db, scope
from webui.common.ids import valid_id, valid_number
from webui.common.paging import decode, page
from webui.common.permissions import Permission, requires
from webui.common.problems import MIMETYPE, problem
from webui.common.rights import Kind
from webui.followup.access import queue_ids, sees_ticket, tickets_seen
from webui.orders import entry_data
from webui.tickets import ordering

blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1", description="Callyard")
blueprint.before_request(limit)

Document = dict[str, Any]
WRONG = {400: "not understood", 401: "no key", 403: "not allowed", 422: "a field is wrong", 429: "too many requests"}


class Refused(Exception):
    """A problem document instead of an answer; nothing is saved."""

    def __init__(self, status: int, code: str, title: str, detail: str, errors: Any = None) -> None:
        super().__init__(detail)
        self.told = (status, code, title, detail, errors)


@blueprint.errorhandler(Refused)
def refused(error: Refused) -> Any:
    db.session().rollback()
    return problem(*error.told)


def problems(**more: str) -> Callable[[Any], Any]:
    """Document what may go wrong; ``more`` as ``_404="…"``."""

    def mark(view: Any) -> Any:
        for status, text in (WRONG | {int(k[1:]): v for k, v in more.items()}).items():
            view = blueprint.alt_response(status, schema=schemas.Problem, description=text, content_type=MIMETYPE)(view)
        return view

    return mark


def posts(view: Any) -> Any:
    """Document the header with which a POST may be sent again."""
    header = {"in": "header", "name": REPEAT, "required": False, "schema": {"type": "string", "maxLength": 64}}
    return blueprint.doc(parameters=[header])(view)


def listed(query: Any, keys: tuple[Any, Any], asked: Document, show: Callable[[Any], Document]) -> Document:
    """One page, newest first."""
    cursor = asked.get("cursor", "")
    if cursor and decode(cursor) is None:
        raise Refused(422, "cursor", "Bad cursor", "Use what ``next`` of the page before said.", {"cursor": ["bad"]})
    at, unique = keys
    found = page(
        db.session(), query, keys, cursor, lambda r: (getattr(r, at.key), getattr(r, unique.key)), asked["limit"]
    )
    return {"items": [show(row) for row in found.rows], "next": found.older or None}


# ---------------------------------------------------------------- customers


@blueprint.route("/customers")
@blueprint.arguments(schemas.CustomerQuery, location="query")
@blueprint.response(200, schemas.page_of(schemas.CustomerOut))
@problems()
@requires(Permission.CUSTOMERS_READ)
def customers(asked: Document) -> Document:
    """Customers, the one changed last first; by telephone number or name."""
    query = select(Customer).where(Customer.merged_into_id.is_(None))
    condition = scope.seen(Customer.owner_user_id, Kind.CUSTOMERS)
    query = query if condition is None else query.where(condition)
    if "phone" in asked:
        owners = select(CustomerPhone.customer_id).where(CustomerPhone.number == normalise(asked["phone"]))
        query = query.where(Customer.id.in_(owners))
    if asked.get("name"):
        query = query.where(Customer.name.startswith(asked["name"], autoescape=True))
    return listed(query, (Customer.updated_at, Customer.id), asked, shown.customer)


@blueprint.route("/customers/<int:customer_id>")
@blueprint.response(200, schemas.CustomerOut)
@problems(_404="no such customer")
@requires(Permission.CUSTOMERS_READ)
def customer(customer_id: int) -> Document:
    """One customer."""
    return shown.customer(load_customer(customer_id))


@blueprint.route("/customers", methods=["POST"])
@posts
@blueprint.arguments(schemas.CustomerIn)
@problems(_409="the same request is being done")
@blueprint.response(201, schemas.CustomerOut)
@requires(Permission.CUSTOMERS_WRITE)
@once
def create_customer(given: Document) -> tuple[Document, int]:
    """A new customer."""
    row = Customer(name=given["name"], name_initials=initials(given["name"]), email=given["email"].lower())
    row.sex, row.remarks = Sex(given["sex"]), given["remarks"]
    row.owner_user_id = current_user.id
    for phone in {normalise(phone["number"]): phone for phone in given["phones"]}.values():
        row.phones.append(CustomerPhone(number=normalise(phone["number"]), label=phone["label"]))
    row.addresses.extend(Address(**address) for address in given["addresses"])
    database = db.session()
    database.add(row)
    database.flush()
    record("customer.create", f"customer/{row.id}", None, {"name": row.name})
    return shown.customer(row), 201


@blueprint.route("/customers/<int:customer_id>", methods=["PATCH"])
@blueprint.arguments(schemas.CustomerChange)
@blueprint.response(200, schemas.CustomerOut)
@problems(_404="no such customer")
@requires(Permission.CUSTOMERS_WRITE)
def change_customer(given: Document, customer_id: int) -> Document:
    """Change what is given, leave the rest."""
    row = load_customer(customer_id)
    before = {name: str(getattr(row, name)) for name in given}
    for name, value in given.items():
        setattr(row, name, Sex(value) if name == "sex" else value)
    if "name" in given:
        row.name_initials = initials(row.name)
    if before != {name: str(getattr(row, name)) for name in given}:
        record("customer.change", f"customer/{row.id}", before, {name: str(value) for name, value in given.items()})
    db.session().commit()
    return shown.customer(row)


def load_customer(customer_id: int) -> Customer:
    row = db.session().get(Customer, customer_id) if valid_number(customer_id) else None
    while row is not None and row.merged_into_id is not None:
        row = db.session().get(Customer, row.merged_into_id)
    if row is None:
        abort(404)
    scope.must_see(row.owner_user_id, Kind.CUSTOMERS)
    return row


# ---------------------------------------------------------------- orders


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
    row = db.session().get(Order, order_id, options=[joinedload(Order.customer)]) if valid_number(order_id) else None
    if row is None:
        abort(404)
    scope.must_see(row.agent_user_id, Kind.ORDERS)
    return shown.order(row)


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
    )
    try:
        row, _fresh = entry_data.save(database, row, made)
    except (OutOfStock, NotEnoughPoints, StockChanged) as error:
        raise Refused(409, "order.changed", "Somebody was quicker", str(error)) from error
    ordering.done(row, given.get("ticket_id", ""), "")
    record("order.create", f"order/{row.id}", None, {"number": row.number, "total": f"{row.total:.2f}"})
    database.flush()
    return shown.order(row), 201


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


# ---------------------------------------------------------------- tickets


@blueprint.route("/tickets")
@blueprint.arguments(schemas.TicketQuery, location="query")
@blueprint.response(200, schemas.page_of(schemas.TicketOut))
@problems()
@requires(Permission.FOLLOWUP_USE)
def tickets(asked: Document) -> Document:
    """Callback tickets, the latest loss first."""
    query = select(Ticket).where(*tickets_seen(db.session()))
    if "state" in asked:
        query = query.where(Ticket.state == TicketState(asked["state"]))
    if "number" in asked:
        query = query.where(Ticket.number == normalise(asked["number"]))
    return listed(query, (Ticket.lost_at, Ticket.id), asked, shown.ticket)


@blueprint.route("/tickets/<string:ticket_id>")
@blueprint.response(200, schemas.TicketOut)
@problems(_404="no such ticket")
@requires(Permission.FOLLOWUP_USE)
def ticket(ticket_id: str) -> Document:
    """One ticket."""
    row = db.session().get(Ticket, ticket_id) if valid_id(ticket_id) else None
    if row is None:
        abort(404)
    if not sees_ticket(db.session(), row):
        abort(403)
    return shown.ticket(row)


@blueprint.route("/tickets", methods=["POST"])
@posts
@blueprint.arguments(schemas.TicketIn)
@problems(_409="the same request is being done")
@blueprint.response(201, schemas.TicketOut)
@requires(Permission.FOLLOWUP_USE)
@once
def create_ticket(given: Document) -> tuple[Document, int]:
    """A customer to call back. Who is on the list already is not put there twice: that ticket learns and is shown."""
    database = db.session()
    seen = queue_ids(database)
    if given["queue_id"] and seen is not None and given["queue_id"] not in seen:
        raise Refused(422, "ticket.queue", "Not a queue of the user", "Nothing was saved.", {"queue_id": ["unknown"]})
    row, new = callbacks.make(database, callbacks.Wanted(**given), current_user.id, utc_now(), TicketOrigin.API)
    record("ticket.create", f"ticket/{row.id}", None, {"urgent": row.urgent, "new": new})
    database.flush()
    return shown.ticket(row), 201


# ---------------------------------------------------------------- calls


@blueprint.route("/calls")
@blueprint.arguments(schemas.CallQuery, location="query")
@blueprint.response(200, schemas.page_of(schemas.CallOut))
@problems()
@requires(Permission.CALLS_READ_OWN)
def calls(asked: Document) -> Document:
    """Calls, newest first."""
    own = scope.agent_ids(Kind.CALLS)
    query = select(Call) if own is None else select(Call).where(Call.agent_id.in_(sorted(own)), Call.agent_id != "")
    for condition in (
        Call.created_at >= asked["since"] if "since" in asked else None,
        Call.created_at < asked["until"] if "until" in asked else None,
        Call.number == normalise(asked["number"]) if "number" in asked else None,
        Call.direction == asked["direction"] if "direction" in asked else None,
    ):
        query = query if condition is None else query.where(condition)
    return listed(query, (Call.created_at, Call.id), asked, shown.call)


@blueprint.route("/calls/<string:call_id>")
@blueprint.response(200, schemas.CallOut)
@problems(_404="no such call")
@requires(Permission.CALLS_READ_OWN)
def call(call_id: str) -> Document:
    """One call."""
    row = db.session().get(Call, call_id) if valid_id(call_id) else None
    if row is None:
        abort(404)
    if not sees_call(db.session(), row):
        abort(403)
    return shown.call(row)
