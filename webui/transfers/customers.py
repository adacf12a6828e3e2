"""Customers out of a file: recognised by customer number, then by telephone. An empty cell changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_login import current_user
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cti.store import custom, regions
from cti.store.initials import initials
from cti.store.models import Address, Customer, CustomerPhone, Sex
from webui.common import audit, phones
from webui.common.permissions import Permission
from webui.customers.forms import changes, snapshot
from webui.transfers.cells import CUSTOM
from webui.transfers.registry import MODES

SIMPLE = ("name", "birthday", "id_number", "email", "source", "category", "level", "remarks")
PLACE = ("city", "line", "postcode")
PHONES = ("phone", "phone2")


class CustomerImporter:
    permission = Permission.CUSTOMERS_WRITE
    modes = MODES

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        number = values.get("number")
        numbers = [("phone", values[name]) for name in PHONES if values.get(name)]
        return (*([("number", number)] if number else []), *numbers)

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        """Most rows of a large file are new: customers are read only for numbers that stand somewhere."""
        keys = {key for values in rows for key in self.keys(values)}
        numbers = [value for kind, value in keys if kind == "number"]
        spelt = [value for kind, value in keys if kind == "phone"]
        owned: dict[int, list[str]] = {}
        held = select(CustomerPhone.customer_id, CustomerPhone.number).where(CustomerPhone.number.in_(spelt))
        for customer_id, number in session.execute(held) if spelt else ():
            owned.setdefault(customer_id, []).append(number)
        if not numbers and not owned:
            return {}
        there = select(Customer).where(Customer.merged_into_id.is_(None))
        meant = there.where(or_(Customer.number.in_(numbers), Customer.id.in_(owned)))
        found: dict[Any, Any] = {}
        for customer in session.scalars(meant.order_by(Customer.updated_at, Customer.id)):
            found["number", customer.number] = customer
            found.update({("phone", number): customer for number in owned.get(customer.id, ())})
        return found

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        return ""

    def make(self, session: Session, values: Mapping[str, Any]) -> Customer:
        customer = Customer(name="", owner_user_id=current_user.id, custom={})
        session.add(customer)
        self._fill(customer, values)
        return customer

    def made(self, row: Customer) -> None:
        audit.record("customer.create", f"customer/{row.id}", None, snapshot(row))

    def change(self, session: Session, present: Customer, values: Mapping[str, Any]) -> None:
        before = snapshot(present)
        self._fill(present, values)
        told = changes(before, snapshot(present))
        if told[1]:
            audit.record("customer.change", f"customer/{present.id}", *told)

    def _fill(self, customer: Customer, values: Mapping[str, Any]) -> None:
        for name in SIMPLE:
            if values.get(name) is not None and (name != "id_number" or phones.may_see() or not customer.id_number):
                setattr(customer, name, values[name])
        customer.email = (customer.email or "").lower()
        if values.get("sex"):
            customer.sex = Sex(values["sex"])
        customer.name_initials = initials(customer.name)
        own = {k.removeprefix(CUSTOM): v for k, v in values.items() if k.startswith(CUSTOM) and v is not None}
        if own:
            customer.custom = custom.taken(customer.custom, own)
        held = {phone.number for phone in customer.phones}
        for name in PHONES:
            number = values.get(name)
            if number and number not in held:
                customer.phones.append(CustomerPhone(number=number, label="mobile"))
                held.add(number)
        self._address(customer, values)

    def _address(self, customer: Customer, values: Mapping[str, Any]) -> None:
        given = {name: values[name] for name in PLACE if values.get(name)}
        if not given:
            return
        if not customer.addresses:
            customer.addresses.append(Address(line="", is_default=True))
        for name, value in given.items():
            setattr(customer.addresses[0], name, value)
        regions.settle(customer)
