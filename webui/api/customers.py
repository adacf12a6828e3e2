"""Customers in the API."""

from __future__ import annotations

from typing import Any

from flask import abort
from flask_login import current_user
from sqlalchemy import select

from cti.domain.phones import normalise
from cti.store import custom, regions
from cti.store.initials import initials
from cti.store.models import Address, Customer, CustomerPhone, Sex
from webui.api import own, schemas, shown
from webui.api.access import once, record
from webui.api.base import Document, Refused, blueprint, listed, posts, problems
from webui.common import db, labels, scope
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.customers.forms import snapshot

CODED = ("source", "category", "level")


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
    values = custom.taken(None, own.values("customer", given["custom"], new=True))
    check_codes(given)
    row = Customer(name=given["name"], name_initials=initials(given["name"]), email=given["email"].lower())
    row.sex, row.remarks, row.birthday = Sex(given["sex"]), given["remarks"], given["birthday"]
    row.owner_user_id, row.custom = current_user.id, values
    for name in CODED:
        setattr(row, name, given[name])
    put_phones(row, given["phones"])
    put_addresses(row, given["addresses"])
    database = db.session()
    database.add(row)
    database.flush()
    record("customer.create", f"customer/{row.id}", None, {"name": row.name, "custom": values})
    return shown.customer(row), 201


@blueprint.route("/customers/<int:customer_id>", methods=["PATCH"])
@blueprint.arguments(schemas.CustomerChange)
@blueprint.response(200, schemas.CustomerOut)
@problems(_404="no such customer")
@requires(Permission.CUSTOMERS_WRITE)
def change_customer(given: Document, customer_id: int) -> Document:
    """Change what is given, leave the rest."""
    row = load_customer(customer_id)
    check_codes(given)
    own_before, own_after = own.put(row, own.values("customer", given.pop("custom", {})))
    before = {name: snapshot(row)[name] for name in given}
    for name, value in given.items():
        put(row, name, value)
    if "name" in given:
        row.name_initials = initials(row.name)
    if {"phones", "addresses"} & set(given):
        regions.settle(row)
    after = {name: snapshot(row)[name] for name in given}
    if (before, own_before) != (after, own_after):
        told = ({"custom": own_before}, {"custom": own_after}) if own_before != own_after else ({}, {})
        record("customer.change", f"customer/{row.id}", before | told[0], after | told[1])
    db.session().commit()
    return shown.customer(row)


def check_codes(given: Document) -> None:
    """Codes as the form offers them. ``Refused``."""
    wrong = {name: ["unknown"] for name in CODED if given.get(name) and given[name] not in dict(labels.pairs(name))}
    if wrong:
        raise Refused(422, "code", "Not a code of the code table", "Nothing was saved.", wrong)


def put(row: Customer, name: str, value: Any) -> None:
    if name == "phones":
        put_phones(row, value)
    elif name == "addresses":
        put_addresses(row, value)
    elif name == "email":
        row.email = value.lower()
    else:
        setattr(row, name, Sex(value) if name == "sex" else value)


def put_phones(row: Customer, given: list[Document]) -> None:
    """Numbers that are there already stay the rows they are."""
    present = {phone.number: phone for phone in row.phones}
    wanted = {normalise(phone["number"]): phone["label"] for phone in given}
    row.phones[:] = [present.get(number) or CustomerPhone(number=number) for number in wanted]
    for phone in row.phones:
        phone.label = wanted[phone.number]


def put_addresses(row: Customer, given: list[Document]) -> None:
    """One of them is the default: the first that says so, else the first."""
    made = [Address(**address | {"phone": normalise(address["phone"])}) for address in given]
    default = next((address for address in made if address.is_default), made[0] if made else None)
    for address in made:
        address.is_default = address is default
    row.addresses[:] = made


def load_customer(customer_id: int) -> Customer:
    row = db.session().get(Customer, customer_id) if valid_number(customer_id) else None
    while row is not None and row.merged_into_id is not None:
        row = db.session().get(Customer, row.merged_into_id)
    if row is None:
        abort(404)
    scope.must_see(row.owner_user_id, Kind.CUSTOMERS)
    return row
