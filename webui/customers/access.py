"""Which customers the signed-in user may open; one place for all pages of customers."""

from __future__ import annotations

from collections.abc import Iterable

from flask import abort

from cti.store.models import Customer
from webui.common import db, scope
from webui.common.ids import valid_number
from webui.common.rights import Kind


def load(customer_id: int) -> Customer:
    """404 for one who is not there, 403 (audited) for somebody else's."""
    customer = db.session().get(Customer, customer_id) if valid_number(customer_id) else None
    if customer is None:
        abort(404)
    scope.must_see(customer.owner_user_id, Kind.CUSTOMERS)
    return customer


def seen_customers(customers: Iterable[Customer]) -> list[Customer]:
    return [one for one in customers if scope.may_see(one.owner_user_id, Kind.CUSTOMERS)]
