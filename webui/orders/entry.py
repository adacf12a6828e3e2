"""Taking an order by keyboard: the form, what it costs while it is written, saving once. Drafts: ``entry_drafts``.

``attach`` hangs the views onto the orders' blueprint. All figures come from ``cti.store.quotes``; the browser shows
them and adds nothing up.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm

from cti.store import custom, divisions, shop
from cti.store.initials import initials
from cti.store.models import Address, Customer, CustomerPhone, Delivery, Order, OrderDraft, Payment, Product, utc_now
from cti.store.points import NotEnoughPoints
from cti.store.quotes import Quote, QuoteLine, quote
from cti.store.stock import OutOfStock, StockChanged
from webui.calls.access import may_describe
from webui.common import audit, db, fields, labels, phones, scope
from webui.common.amounts import parse_price
from webui.common.htmx import is_fragment, toast
from webui.common.ids import row_id, valid_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers.blueprint import link
from webui.customers.forms import snapshot
from webui.customers.queries import get as get_customer
from webui.orders import entry_data, entry_drafts, entry_media, queries, rewriting
from webui.orders.entry_form import (
    OWN_ADDRESS,
    OrderForm,
    address_choices,
    check_customer,
    codes,
    need_a_line,
    number_in,
    number_of,
    read_wanted,
    refuse_prices,
    show_number,
    wrong_lines,
)
from webui.tickets import ordering

NOTHING = Decimal("0.00")


def attach(blueprint: Blueprint) -> None:
    blueprint.get("/products")(products)
    blueprint.get("/places")(places)
    blueprint.get("/customers")(customers)
    blueprint.get("/new")(new)
    blueprint.post("/new")(create)
    blueprint.post("/quote")(preview)
    entry_drafts.attach(blueprint)


# ------------------------------------------------------------ suggestions


@requires(Permission.ORDERS_WRITE)
def products() -> ResponseReturnValue:
    """Suggestions for one line of the form."""
    medium_id, _airing = entry_media.ids(db.session(), request.args.get("medium", "")[:40])
    found = entry_data.suggest(db.session(), one_line(request.args.get("q", ""), 64), medium_id)
    rows = [
        {
            "id": offer.product.id,
            "code": offer.product.code,
            "name": product_name(offer.product),
            "price": f"{offer.price:.2f}",
            "left": offer.left,
            "stock": "" if offer.left is None else _("%(count)s left", count=max(0, offer.left)),
            "points": offer.product.points_price,
        }
        for offer in found
    ]
    return jsonify(ok=True, products=rows)


@requires(Permission.ORDERS_WRITE)
def places() -> ResponseReturnValue:
    """Cities by initials, postcode or name."""
    found = divisions.find(db.session(), one_line(request.args.get("q", ""), 64), 10)
    return jsonify(ok=True, places=[{"name": row.path, "postcode": row.postcode} for row in found])


@requires(Permission.ORDERS_WRITE)
def customers() -> ResponseReturnValue:
    """A piece: who has this number, or this name, to choose from."""
    phone = number_in(request.args.get("phone", "")[:128].strip(), request.args.get("phone_token", "")[:128])
    name = one_line(request.args.get("name", ""), 128)
    found = entry_data.customers_like(db.session(), phone, name)
    seen = [row for row in found if scope.may_see(getattr(row, "owner_user_id", None), "customers")]
    call_id = valid_id(request.args.get("call_id", ""))
    return render_template("orders/_customers.html", customers=seen, call_id=call_id)


# ------------------------------------------------------------ the form


@requires(Permission.ORDERS_WRITE)
def new() -> ResponseReturnValue:
    call_id = valid_id(request.args.get("call_id", ""))
    old = rewriting.replaced(request.args.get("instead"))
    wanted = old.customer_id if old else request.args.get("customer_id", 0, int)
    customer = load_customer(wanted)
    if customer is None and wanted:
        abort(404)
    number = phones.reveal(request.args.get("number", "")[:128])
    form = OrderForm(formdata=None, call_id=call_id, token=secrets.token_urlsafe(24))
    form.customer_id.data = str(customer.id) if customer else ""
    show_number(form, number)
    form.address.data = str(customer.addresses[0].id) if customer and customer.addresses else OWN_ADDRESS
    form.medium.data = entry_media.by_call(db.session(), call_id)
    ordering.begin(form, customer, valid_id(request.args.get("ticket_id", "")))
    if old is not None:
        rewriting.begin(form, old, priced=bool(current_user.can(Permission.ORDERS_SET_PRICE)))
    return show_form(form, customer, compute(form, customer))


@requires(Permission.ORDERS_WRITE)
def preview() -> ResponseReturnValue:
    """A piece: what the form as it stands costs. Nothing is stored, half a form is fine."""
    form = OrderForm()
    asked = compute(form, load_customer(row_id(form.customer_id.data)))
    return render_template("orders/_quote.html", **shown(asked))


@requires(Permission.ORDERS_WRITE)
def create() -> ResponseReturnValue:
    form, database = OrderForm(), db.session()
    customer = load_customer(row_id(form.customer_id.data))
    if customer is None and form.customer_id.data:
        abort(404)
    earlier = entry_data.by_token(database, form.token.data or "")
    if earlier is not None:
        return saved(own(earlier), key_of(form), new=False)
    valid = form.validate_on_submit()
    valid = check_customer(form, customer) and valid
    asked = compute(form, customer)
    need_a_line(form)
    ship_to = read_address(form, customer)
    mark_problems(form, asked)
    sent = fields.taken("order", request.form)
    if not valid or sent.errors or ship_to is None or wrong_lines(form) or form.errors or asked.warnings:
        return show_form(form, customer, asked, sent), 422
    call_id = valid_id(form.call_id.data or "")
    if call_id and not may_describe(database, call_id):
        abort(403)
    return store(form, customer, call_id, asked, ship_to, sent)


def store(
    form: OrderForm,
    customer: Customer | None,
    call_id: str,
    asked: Asked,
    to: entry_data.ShipTo,
    sent: fields.Taken,
) -> ResponseReturnValue:
    """Save once, with its audit entry, whatever happens at the same moment."""
    database = db.session()
    key = key_of(form)
    if customer is None:
        customer = new_customer(form, to)
        link(call_id, customer)
    medium_id, airing_id = entry_media.ids(database, form.medium.data or "")
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
        delivery=Delivery(form.delivery.data),
        invoice_title=form.invoice_title.data or "",
        invoice_tax_no=(form.invoice_tax_no.data or "").upper(),
        medium_id=medium_id,
        airing_id=airing_id,
        remarks=form.remarks.data or "",
        custom=custom.taken(None, sent.values),
    )
    old = rewriting.replaced(form.instead.data)
    rewriting.inherit(order, old)
    try:
        order, fresh = entry_data.save(database, order, asked.quote)
    except (OutOfStock, NotEnoughPoints, StockChanged) as error:
        database.rollback()
        again = load_customer(row_id(form.customer_id.data))
        return show_form(form, again, taken_meanwhile(form, error), sent), 409
    if fresh:
        ordering.done(order, valid_id(form.ticket_id.data or ""), call_id)
        told = {"number": order.number, "total": str(order.total)} | rewriting.follow(order, old)
        audit.record("order.create", f"order/{order.id}", None, told)
        entry_data.drop_draft(database, current_user.id, key)
        database.commit()
    return saved(own(order), key, new=fresh)


def new_customer(form: OrderForm, to: entry_data.ShipTo) -> Customer:
    """The caller, with number and address, by the same commit as the order."""
    name = form.name.data or ""
    customer = Customer(name=name, name_initials=initials(name))
    customer.phones.append(CustomerPhone(number=number_of(form)))
    customer.addresses.append(Address(city=to.city, line=to.line, postcode=to.postcode, is_default=True))
    database = db.session()
    database.add(customer)
    database.flush()
    audit.record("customer.create", f"customer/{customer.id}", None, snapshot(customer))
    return customer


def saved(order: Order, key: str, *, new: bool) -> Response:
    if not is_fragment():
        return make_response(redirect(url_for("orders.show", order_id=order.id), 303))
    full = queries.get(db.session(), order.id)
    response = make_response(render_template("orders/_saved.html", order=full, new=new, draft_key=key))
    response.headers["HX-Trigger"] = '{"cy:saved": true}'
    return toast(response, _("Order %(number)s is saved.", number=order.number))


# ------------------------------------------------------------ what it costs


@dataclass
class Asked:
    """The form as computed. ``rows`` are the names of its lines, each with its line of the quote."""

    quote: Quote = field(default_factory=Quote)
    rows: list[tuple[Any, QuoteLine]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def compute(form: OrderForm, customer: Customer | None) -> Asked:
    """What the form costs now; lines that name no product are left out and get their errors."""
    rewriting.clear(form)
    database = db.session()
    parameters = shop.parameters(database)
    may_set = bool(current_user.can(Permission.ORDERS_SET_PRICE))
    found = queries.products_named(database, codes(form))
    wanted = read_wanted(form, found, may_set)
    medium_id, _airing = entry_media.ids(database, form.medium.data or "")
    made = quote(
        database,
        [item for _row, item in wanted],
        parameters,
        utc_now(),
        role=str(current_user.role),
        customer_id=customer.id if customer else None,
        medium_id=medium_id,
        discount=parse_price(form.discount.data or "") or NOTHING,
        points_for_money=form.points.data or 0,
    )
    rows = [(row, line) for (row, _item), line in zip(wanted, made.asked(), strict=True)]
    if not may_set:
        refuse_prices(form, [(row, line.usual) for row, line in rows])
    return Asked(made, rows)


def mark_problems(form: OrderForm, asked: Asked) -> None:
    """What breaks a limit goes to its field; a total that is not the one read out stops everything."""
    made = asked.quote
    for row, line in asked.rows:
        if any(short is line or short.parent is line for short in made.short):
            row.text.errors = [*row.text.errors, _("Only %(count)s left.", count=max(0, line.left or 0))]
    if "discount" in made.problems:
        most = f"{made.problems['discount']:.2f}"
        form.discount.errors = [*form.discount.errors, _("At most %(amount)s.", amount=most)]
    if "points" in made.problems:
        form.points.errors = [*form.points.errors, _("At most %(amount)s.", amount=made.problems["points"])]
    if "redeemed" in made.problems:
        form.points.errors = [*form.points.errors, _("The customer has %(count)s points.", count=made.points_left)]
    if form.medium.data and entry_media.load(db.session(), form.medium.data)[0] is None:
        form.medium.errors = [*form.medium.errors, _("Choose from the list.")]
    seen = parse_price(form.seen_total.data or "")
    if seen is not None and seen != made.total and not made.problems:
        text = _("The total is %(now)s now, it was %(before)s. Tell the customer, then save again.")
        asked.warnings.append(text % {"now": f"{made.total:,.2f}", "before": f"{seen:,.2f}"})
        form.seen_total.data = f"{made.total:.2f}"


def taken_meanwhile(form: OrderForm, error: Exception) -> Asked:
    """Somebody was quicker: the form again, as it can be had now."""
    asked = compute(form, load_customer(row_id(form.customer_id.data)))
    mark_problems(form, asked)
    if isinstance(error, OutOfStock):
        text = _("%(product)s was just sold: %(count)s left.", product=product_name(error.product), count=error.left)
        asked.warnings.append(text)
    elif isinstance(error, NotEnoughPoints):
        asked.warnings.append(_("The customer has %(count)s points.", count=error.left))
    else:
        asked.warnings.append(_("The stock has just changed. Save again."))
    return asked


def shown(asked: Asked) -> dict[str, Any]:
    """What the piece with the figures needs; amounts by the name of the line."""
    lines = {
        row.text.name.removesuffix("-text"): {
            "amount": f"{line.amount:,.2f}",
            "usual": f"{line.usual:.2f}",
            "points": line.points,
            "left": line.left,
        }
        for row, line in asked.rows
    }
    return {"asked": asked, "quote": asked.quote, "lines_json": lines}


# ------------------------------------------------------------ pieces of the above


def key_of(form: OrderForm) -> str:
    within = f"instead-{row_id(form.instead.data)}" if form.instead.data else valid_id(form.call_id.data or "")
    return f"{row_id(form.customer_id.data)}:{within}"


def load_customer(customer_id: int) -> Customer | None:
    customer = get_customer(db.session(), customer_id) if valid_number(customer_id) else None
    if customer is not None:
        scope.must_see(getattr(customer, "owner_user_id", None), "customers")
    return customer


def own(order: Order) -> Order:
    """The order, unless it is of somebody whose orders the user may not see."""
    scope.must_see(order.agent_user_id, "orders")
    return order


def read_address(form: OrderForm, customer: Customer | None) -> entry_data.ShipTo | None:
    """Where the order goes: one of the customer's addresses, or one typed in. None and an error when it is neither."""
    phone = customer.phones[0].number if customer and customer.phones else number_of(form)
    name = customer.name if customer else form.name.data or ""
    rows = customer.addresses if customer else []
    if form.address.data == OWN_ADDRESS or (customer is None and not form.address.data):
        if not form.line.data:
            form.line.errors = [*form.line.errors] or [_("Enter an address.")]
            return None
        recipient = form.recipient.data or name
        return entry_data.ShipTo(recipient, phone, form.city.data or "", form.line.data, form.postcode.data or "")
    chosen = next((a for a in rows if str(a.id) == form.address.data), None)
    if chosen is None:
        form.address.errors = [_("Choose an address.")]
        return None
    return entry_data.ShipTo(chosen.recipient or name, chosen.phone or phone, chosen.city, chosen.line, chosen.postcode)


def show_form(form: FlaskForm, customer: Customer | None, asked: Asked, sent: fields.Taken | None = None) -> str:
    database = db.session()
    form.address.choices = labels.options(address_choices(customer))
    form.medium.choices = labels.options(entry_media.choices(database, form.medium.data or ""))
    found = queries.products_named(database, codes(form))
    chosen: dict[str, Any] = {entry.name: found.get(entry.form.product.data or "") for entry in form.lines}
    kept = database.get(OrderDraft, (current_user.id, key_of(form)))
    parameters = shop.parameters(database)
    return render_template(
        "orders/_form.html" if is_fragment() else "orders/new.html",
        form=form,
        customer=customer,
        chosen=chosen,
        draft_key=key_of(form),
        draft_json=json.dumps(entry_data.draft_document(kept)),
        may_discount=parameters.discounts.get(str(current_user.role), 0) > 0,
        has_media=len(form.medium.choices) > 1,
        sent=sent,
        old=rewriting.replaced(form.instead.data),
        **shown(asked),
    )


def product_name(product: Product) -> str:
    """In the user's language, where the product has a name in it."""
    chinese = str(get_locale()).startswith("zh")
    return product.name if chinese or not product.name_en else product.name_en
