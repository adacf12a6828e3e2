"""Customers that may be one: same number, mail or ID number, or same name at the same address. Must not know pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from cti.store.models import Address, Customer, CustomerPhone

FEW = 8
CANDIDATES = 40
"""So many numbers that stand twice are read at a time, out of the index alone; who was merged away is left out then."""


@dataclass(slots=True)
class Likely:
    """``why`` holds ``phone``, ``email``, ``id_number`` or ``address`` (with the name)."""

    customer: Customer
    why: list[str] = field(default_factory=list)


def like(session: Session, customer: Customer, limit: int = FEW) -> list[Likely]:
    """Who may be the same person as ``customer``, the most reasons first."""
    found: dict[int, Likely] = {}
    for why, condition in _reasons(customer):
        query = select(Customer).where(condition, Customer.id != customer.id, Customer.merged_into_id.is_(None))
        for other in session.scalars(query.order_by(Customer.id).limit(limit)):
            found.setdefault(other.id, Likely(other)).why.append(why)
    return sorted(found.values(), key=lambda one: (-len(one.why), one.customer.name != customer.name))[:limit]


def _reasons(customer: Customer) -> list[tuple[str, ColumnElement[bool]]]:
    reasons: list[tuple[str, ColumnElement[bool]]] = []
    if numbers := [phone.number for phone in customer.phones]:
        holders = select(CustomerPhone.customer_id).where(CustomerPhone.number.in_(numbers))
        reasons.append(("phone", Customer.id.in_(holders)))
    if customer.id_number:
        same = Customer.id_number == customer.id_number
        reasons.append(("id_number", same & (Customer.name == customer.name)))
    if customer.email:
        reasons.append(("email", Customer.email == customer.email))
    if lines := [address.line for address in customer.addresses if address.line]:
        namesake = aliased(Customer)
        there = (
            select(Address.customer_id)
            .join(namesake, namesake.id == Address.customer_id)
            .where(namesake.name == customer.name, Address.line.in_(lines))
        )
        reasons.append(("address", Customer.id.in_(there)))
    return reasons


def sharing_a_number(session: Session, after: str = "", limit: int = 20) -> list[tuple[str, Sequence[Customer]]]:
    """(number, those who have it) for numbers of several customers, in the order of numbers, beyond ``after``."""
    found: list[tuple[str, Sequence[Customer]]] = []
    several = select(CustomerPhone.number).group_by(CustomerPhone.number).having(func.count() > 1)
    while len(found) < limit:
        beyond = several.where(CustomerPhone.number > after).order_by(CustomerPhone.number).limit(CANDIDATES)
        numbers = session.scalars(beyond).all()
        for number in numbers:
            if len(holders := _holders(session, number)) > 1 and len(found) < limit:
                found.append((number, holders))
        if len(numbers) < CANDIDATES:
            break
        after = numbers[-1]
    return found


def _holders(session: Session, number: str) -> Sequence[Customer]:
    query = (
        select(Customer)
        .join(CustomerPhone, CustomerPhone.customer_id == Customer.id)
        .where(CustomerPhone.number == number, Customer.merged_into_id.is_(None))
    )
    return session.scalars(query.order_by(Customer.id).limit(FEW)).all()


def same_name_and_address(session: Session, limit: int = 50) -> list[tuple[str, Sequence[Customer]]]:
    """(address, namesakes there); the most first."""
    count = func.count(Customer.id.distinct())
    groups = (
        select(Customer.name, Address.line)
        .join(Address, Address.customer_id == Customer.id)
        .where(Customer.merged_into_id.is_(None), Address.line != "")
        .group_by(Customer.name, Address.line)
        .having(count > 1)
        .order_by(count.desc(), Customer.name)
        .limit(limit)
    )
    found = []
    for name, line in session.execute(groups).all():
        there = select(Address.customer_id).where(Address.line == line)
        of_that_name = select(Customer).where(Customer.name == name, Customer.merged_into_id.is_(None))
        namesakes = of_that_name.where(Customer.id.in_(there)).order_by(Customer.id).limit(FEW)
        found.append((line, session.scalars(namesakes).all()))
    return found
