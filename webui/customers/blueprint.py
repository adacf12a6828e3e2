"""Customer pages: the card that pops with a call, the list with one search box, create and change."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.domain.phones import normalise
from cti.store import callbacks, custom, divisions, duplicates, points
from cti.store import merging as merges
from cti.store.locations import CHINA, locate
from cti.store.models import CallNote, Customer, utc_now
from webui.calls.access import may_describe
from webui.common import audit, db, fields, labels, phones
from webui.common.htmx import announce, is_fragment
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.customers import history, merging, queries, statistics
from webui.customers.access import load, seen_customers
from webui.customers.forms import CustomerForm, apply, changes, fill, set_field, shown_token, snapshot, stamp

blueprint = Blueprint("customers", __name__, url_prefix="/customers")
merging.attach(blueprint)
statistics.attach(blueprint)
history.attach(blueprint)


def install(app: Flask) -> None:
    labels.install(app)
    app.jinja_env.filters["shown_token"] = shown_token
    app.jinja_env.filters["location"] = location


def location(number: str | None) -> str:
    """Where a number is from; nothing where only the country is known, and it is ours."""
    text = locate(number or "").text
    return "" if text == CHINA else text


@blueprint.get("")
@requires(Permission.CUSTOMERS_READ)
def index() -> ResponseReturnValue:
    text = request.args.get("q", "")
    found = queries.listing(db.session(), text, request.args.get("before", ""))
    template = "customers/_rows.html" if is_fragment() else "customers/index.html"
    return render_template(template, page=found, q=text)


@blueprint.get("/places")
@requires(Permission.CUSTOMERS_READ)
def places() -> ResponseReturnValue:
    """Provinces, cities and districts by initials, pinyin, postcode or name."""
    found = divisions.find(db.session(), one_line(request.args.get("q", ""), 64), 10)
    return jsonify(ok=True, places=[{"code": row.code, "name": row.path, "postcode": row.postcode} for row in found])


@blueprint.get("/pop")
@requires(Permission.CUSTOMERS_READ)
def pop() -> ResponseReturnValue:
    """What the agent sees with a call: the customer chosen before, else whom the number belongs to."""
    database, call_id = db.session(), valid_id(request.args.get("call_id", ""))
    number = normalise(phones.reveal(request.args.get("number", "")[:128]))
    chosen = None if request.args.get("all") else queries.linked(database, call_id) if call_id else None
    found = [chosen] if chosen else seen_customers(queries.by_number(database, number))
    if len(found) == 1 and not request.args.get("all"):
        return card(found[0], call_id, number)
    if found:
        return render_template("customers/pop_choose.html", customers=found, call_id=call_id, number=number)
    return render_template("customers/pop_form.html", form=empty_form(number, call_id), call_id=call_id, number=number)


@blueprint.post("/pop")
@requires(Permission.CUSTOMERS_READ)
def choose() -> ResponseReturnValue:
    """The agent says which customer this call is with."""
    call_id = valid_id(request.form.get("call_id", ""))
    customer = load(request.form.get("customer_id", 0, int))
    link(call_id, customer)
    db.session().commit()
    return card(customer, call_id, normalise(phones.reveal(request.form.get("number", "")[:128])))


@blueprint.get("/find")
@requires(Permission.CUSTOMERS_READ)
def find() -> ResponseReturnValue:
    """Search results to choose from within a call."""
    text, call_id = request.args.get("q", ""), valid_id(request.args.get("call_id", ""))
    rows = queries.found(db.session(), text, queries.MATCHES).rows
    return render_template("customers/_found.html", customers=rows, call_id=call_id)


@blueprint.get("/new")
@requires(Permission.CUSTOMERS_WRITE)
def new() -> ResponseReturnValue:
    call_id = valid_id(request.args.get("call_id", ""))
    number = phones.reveal(request.args.get("number", "")[:128])
    return show_form(empty_form(number, call_id), call_id)


@blueprint.post("/new")
@requires(Permission.CUSTOMERS_WRITE)
def create() -> ResponseReturnValue:
    form, own = CustomerForm(), fields.taken("customer", request.form)
    call_id = valid_id(form.call_id.data or "")
    if not form.validate_on_submit() or own.errors:
        return show_form(form, call_id, own=own), 422
    customer = Customer(name="", custom=custom.taken(None, own.values), owner_user_id=current_user.id)
    apply(form, customer)
    database = db.session()
    database.add(customer)
    database.flush()
    audit.record("customer.create", f"customer/{customer.id}", None, snapshot(customer))
    if call_id:
        link(call_id, customer)
    database.commit()
    return saved(customer, call_id)


@blueprint.get("/<int:customer_id>")
@requires(Permission.CUSTOMERS_READ)
def show(customer_id: int) -> ResponseReturnValue:
    customer = load(customer_id)
    if customer.merged_into_id is not None:
        now = merges.current_id(db.session(), customer.id)
        who = f"{customer.number} {customer.name}"
        flash(_("%(who)s was merged into this customer.", who=who), "info")
        return redirect(url_for("customers.show", customer_id=now), 303)
    if is_fragment():
        return card(customer, valid_id(request.args.get("call_id", "")), "")
    likely = duplicates.like(db.session(), customer)
    member = points.member(db.session(), customer.id)
    return render_template(
        "customers/show.html", customer=customer, likely=likely, member=member, **history.context(customer)
    )


@blueprint.get("/<int:customer_id>/edit")
@requires(Permission.CUSTOMERS_WRITE)
def edit(customer_id: int) -> ResponseReturnValue:
    customer = load(customer_id)
    call_id = valid_id(request.args.get("call_id", ""))
    form = CustomerForm(formdata=None, call_id=call_id, customer=customer)
    fill(form, customer)
    return show_form(form, call_id, customer)


@blueprint.post("/<int:customer_id>/edit")
@requires(Permission.CUSTOMERS_WRITE)
def change(customer_id: int) -> ResponseReturnValue:
    customer = load(customer_id)
    form, own = CustomerForm(customer=customer), fields.taken("customer", request.form)
    call_id = valid_id(form.call_id.data or "")
    if not form.validate_on_submit() or own.errors:
        return show_form(form, call_id, customer, own), 422
    if form.seen.data and form.seen.data != stamp(customer):
        form.form_errors.append(_("Somebody else has changed this customer meanwhile. Open it again."))
        return show_form(form, call_id, customer, own), 409
    before = snapshot(customer)
    apply(form, customer)
    customer.custom = custom.taken(customer.custom, own.values)
    audit.record("customer.change", f"customer/{customer.id}", *changes(before, snapshot(customer)))
    db.session().commit()
    return saved(customer, call_id)


@blueprint.post("/<int:customer_id>/field")
@requires(Permission.CUSTOMERS_WRITE)
def change_field(customer_id: int) -> ResponseReturnValue:
    """One field, changed where it is shown."""
    customer = load(customer_id)
    before = snapshot(customer)
    if not set_field(customer, request.form.get("field", ""), request.form.get("value", "")[:4000]):
        abort(422)
    audit.record("customer.change", f"customer/{customer.id}", *changes(before, snapshot(customer)))
    db.session().commit()
    return announce(make_response("", 204), _("Saved."))


@blueprint.get("/<int:customer_id>/history")
@requires(Permission.CUSTOMERS_READ)
def history_part(customer_id: int) -> ResponseReturnValue:
    """Orders and calls alone, for a card on which something was just saved."""
    call_id = valid_id(request.args.get("call_id", ""))
    return render_template("customers/_history.html", **recent(load(customer_id), call_id))


def link(call_id: str, customer: Customer) -> None:
    """Note that the call is with this customer, if it is the user's to say."""
    if not call_id:
        return
    database = db.session()
    if not may_describe(database, call_id):
        abort(403)
    note = database.get(CallNote, call_id)
    if note is None:
        note = CallNote(call_id=call_id, user_id=current_user.id)
        database.add(note)
    elif note.customer_id != customer.id:
        audit.record("call.note", f"call/{call_id}", {"customer_id": note.customer_id}, {"customer_id": customer.id})
    note.customer_id = customer.id


def recent(customer: Customer, call_id: str = "") -> dict[str, Any]:
    """The last orders and calls, for the card of a call."""
    database = db.session()
    return {
        "customer": customer,
        "call_id": call_id,
        "orders": queries.recent_orders(database, customer.id),
        "calls": queries.recent_calls(database, customer, call_id),
    }


def card(customer: Customer, call_id: str, number: str) -> ResponseReturnValue:
    member = points.member(db.session(), customer.id)
    return render_template("customers/pop_card.html", number=number, member=member, **recent(customer, call_id))


def saved(customer: Customer, call_id: str) -> ResponseReturnValue:
    if is_fragment():
        return card(customer, call_id, "")
    return redirect(url_for("customers.show", customer_id=customer.id), 303)


def empty_form(number: str, call_id: str) -> CustomerForm:
    form = CustomerForm(formdata=None, call_id=call_id)
    form.phones[0].number.data = phones.conceal(number)
    form.phones[0].form.label.data = "home" if phones.is_landline(normalise(number)) else "mobile"
    form.addresses[0].is_default.data = True
    ticket = callbacks.held(db.session(), current_user.id, utc_now())
    if ticket is not None and ticket.number == normalise(number):
        form.name.data = ticket.name
    return form


def show_form(
    form: CustomerForm, call_id: str, customer: Customer | None = None, own: fields.Taken | None = None
) -> str:
    template = "customers/pop_form.html" if is_fragment() else "customers/edit.html"
    return render_template(template, form=form, call_id=call_id, customer=customer, number="", own=own)
