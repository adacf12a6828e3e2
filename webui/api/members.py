"""Members in the API: a web site registers its visitors and shows them their points by period."""

from __future__ import annotations

from datetime import timedelta

from flask import abort
from sqlalchemy import select

from cti.domain.phones import normalise
from cti.store import points
from cti.store.customer_search import by_phone
from cti.store.initials import initials
from cti.store.models import Customer, CustomerPhone, Member, Sex, utc_now
from webui.api import schemas, shown
from webui.api.access import once, record
from webui.api.base import Document, Refused, blueprint, listed, posts, problems
from webui.common import db, scope
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind

PERIOD = timedelta(days=92)
SAME_NUMBER = 100  # customers with one number who are looked through for the name


@blueprint.route("/members")
@blueprint.arguments(schemas.MemberQuery, location="query")
@blueprint.response(200, schemas.page_of(schemas.MemberOut))
@problems()
@requires(Permission.CUSTOMERS_READ)
def members(asked: Document) -> Document:
    """Members, the newest first; by telephone number."""
    query = select(Member)
    condition = scope.seen(Customer.owner_user_id, Kind.CUSTOMERS)
    if condition is not None:
        query = query.where(Member.customer_id.in_(select(Customer.id).where(condition)))
    if "phone" in asked:
        owners = select(CustomerPhone.customer_id).where(CustomerPhone.number == normalise(asked["phone"]))
        query = query.where(Member.customer_id.in_(owners))
    return listed(query, (Member.joined_at, Member.customer_id), asked, shown.member)


@blueprint.route("/members/<string:number>")
@blueprint.response(200, schemas.MemberOut)
@problems(_404="no such member")
@requires(Permission.CUSTOMERS_READ)
def member(number: str) -> Document:
    """One member with the balance of now."""
    return shown.member(load_member(number))


@blueprint.route("/members/<string:number>/statement")
@blueprint.arguments(schemas.StatementQuery, location="query")
@blueprint.response(200, schemas.StatementOut)
@problems(_404="no such member")
@requires(Permission.CUSTOMERS_READ)
def statement(asked: Document, number: str) -> Document:
    """What changed in a period, without one in the last three months; ``until`` itself does not belong to it."""
    row = load_member(number)
    until = asked.get("until") or utc_now()
    since = asked.get("since") or until - PERIOD
    if since > until:
        raise Refused(422, "period", "Bad period", "``since`` is before ``until``.", {"since": ["after until"]})
    told = points.statement(db.session(), row.customer_id, since, until)
    (period,) = points.periods(db.session(), row.customer_id, [since, until])
    return shown.statement(row, since, until, period, told.entries)


@blueprint.route("/members", methods=["POST"])
@posts
@blueprint.arguments(schemas.MemberIn)
@problems(_409="the same request is being done")
@blueprint.alt_response(200, schema=schemas.MemberOut, description="a member already")
@blueprint.response(201, schemas.MemberOut)
@requires(Permission.CUSTOMERS_WRITE)
@once
def register(given: Document) -> tuple[Document, int]:
    """Who registers becomes a member: the customer with this number and name, else a new one who is nobody's."""
    database = db.session()
    customer = known(given["phone"], given["name"]) or new_customer(given)
    there = points.member(database, customer.id)
    if there is None:
        points.ensure_member(database, customer.id, "web")
        record("points.join", f"customer/{customer.id}", None, {"name": customer.name})
    return shown.member(database.get_one(Member, customer.id)), 200 if there else 201


def known(phone: str, name: str) -> Customer | None:
    """Only one with the same name: a number alone proves nobody."""
    found = by_phone(db.session(), phone, SAME_NUMBER)
    same = (one for one in found if bare(one.name) == bare(name))
    return next((one for one in same if scope.may_see(one.owner_user_id, Kind.CUSTOMERS)), None)


def bare(name: str) -> str:
    return "".join(name.split()).casefold()


def new_customer(given: Document) -> Customer:
    row = Customer(name=given["name"], name_initials=initials(given["name"]), email=given["email"].lower())
    row.sex, row.birthday = Sex(given["sex"]), given["birthday"]
    row.phones.append(CustomerPhone(number=normalise(given["phone"])))
    database = db.session()
    database.add(row)
    database.flush()
    record("customer.create", f"customer/{row.id}", None, {"name": row.name})
    return row


def load_member(number: str) -> Member:
    asked = select(Member).where(Member.number == number)
    row = db.session().scalars(asked).one_or_none() if number.isascii() and number.isalnum() else None
    if row is None:
        abort(404)
    scope.must_see(row.customer.owner_user_id, Kind.CUSTOMERS)
    return row
