"""One search box for customers: number, phone or its beginning, name, initials of its pinyin, e-mail.

Each way reads a bounded number of rows in the order of an index, so that a million customers answer as fast as a
thousand: whole matches first, then the newest; more than ``limit`` are not counted. Must not know pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from cti.domain.phones import normalise
from cti.store.models.customers import Customer, CustomerPhone
from cti.store.models.merges import CustomerKey
from cti.store.search_keys import BEGINS, INITIALS, folded

LONGEST = 64
LAST = "~"  # sorts after every character of a stored number
END_OF_TEXT = "\U0010ffff"
PAIRS = 3  # as many as narrow a long text down; the name itself is compared after
MAIL_FROM = 3  # letters without @ that are also looked for at the beginning of e-mail addresses
BIGGEST_NUMBER = 2**62
_PUNCTUATION = str.maketrans("", "", " -().")


@dataclass(frozen=True, slots=True)
class Found:
    """``more``: there are others that are not in ``rows``."""

    rows: Sequence[Customer]
    more: bool = False


def find(session: Session, text: str, limit: int = 50) -> Found:
    """Customers for what was typed, best first. Blank text finds nobody."""
    typed = " ".join(text[:LONGEST].replace("\x00", "").split())
    if not typed:
        return Found(())
    ids = list(islice(_distinct(_ways(session, typed, limit + 1)), limit + 1))
    rows = current(session, ids)
    return Found(rows[:limit], len(ids) > limit)


def by_phone(session: Session, number: str, limit: int = 10) -> Sequence[Customer]:
    """Customers with exactly this number, the one changed last first; with phones and addresses, by one statement."""
    wanted = normalise(number)
    if not wanted:
        return []
    holders = select(CustomerPhone.customer_id).where(CustomerPhone.number == wanted)
    query = select(Customer).where(Customer.id.in_(holders), Customer.merged_into_id.is_(None))
    query = query.order_by(Customer.updated_at.desc(), Customer.id).limit(limit)
    whole = query.options(joinedload(Customer.phones), joinedload(Customer.addresses))
    return session.scalars(whole).unique().all()


def current(session: Session, ids: Sequence[int]) -> list[Customer]:
    """The customers of ``ids`` in that order, those that were merged away left out."""
    rows = {row.id: row for row in session.scalars(select(Customer).where(Customer.id.in_(ids)))} if ids else {}
    return [rows[id] for id in ids if id in rows and rows[id].merged_into_id is None]


def _distinct(ids: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for id in ids:
        if id not in seen:
            seen.add(id)
            yield id


def _ways(session: Session, typed: str, limit: int) -> Iterator[int]:
    bare = typed.translate(_PUNCTUATION)
    if re.fullmatch(r"\+?[0-9*#]+", bare):
        found = list(_by_digits(session, bare, limit))
        yield from found
        if found:
            return
    if "@" in typed:
        yield from _by_mail(session, typed, limit)
        return
    letters = folded(typed)
    yield from session.scalars(_newest(select(Customer.id).where(Customer.name == typed), Customer.id, limit))
    if letters.isascii() and letters.isalpha():
        yield from session.scalars(_initials(letters.upper(), limit))
    yield from session.scalars(_containing(letters, limit))
    if letters.isascii() and len(letters) >= MAIL_FROM:
        yield from _by_mail(session, typed, limit)


def _by_digits(session: Session, digits: str, limit: int) -> Iterator[int]:
    if digits.isdecimal() and int(digits) < BIGGEST_NUMBER:
        query = select(func.coalesce(Customer.merged_into_id, Customer.id)).where(Customer.number == int(digits))
        yield from session.scalars(query)
    national = "" if digits.startswith("+") else f"+86{digits.removeprefix('0')}"
    for begins in dict.fromkeys((normalise(digits), national, digits)):
        if begins:
            inside = CustomerPhone.number.between(begins, begins + LAST)
            yield from session.scalars(
                select(CustomerPhone.customer_id).where(inside).order_by(CustomerPhone.number).limit(limit)
            )


def _by_mail(session: Session, typed: str, limit: int) -> list[int]:
    begins = Customer.email.startswith(typed.lower(), autoescape=True)
    some = select(Customer.id).where(begins, Customer.merged_into_id.is_(None)).limit(limit * 4)
    return sorted(session.scalars(some), reverse=True)


def _initials(letters: str, limit: int) -> Select[Any]:
    query = select(CustomerKey.customer_id).where(CustomerKey.key == BEGINS + letters[:INITIALS])
    if len(letters) > INITIALS:
        query = query.join(Customer, Customer.id == CustomerKey.customer_id).where(
            Customer.name_initials.startswith(letters, autoescape=True)
        )
    return _newest(query, CustomerKey.customer_id, limit)


def _containing(letters: str, limit: int) -> Select[Any]:
    """Names that contain ``letters``, blanks left out on both sides."""
    first = aliased(CustomerKey)
    query: Select[Any] = select(first.customer_id)
    if len(letters) == 1:
        inside = first.key.between(letters, letters + END_OF_TEXT)
        return _newest(query.where(inside).distinct(), first.customer_id, limit)
    pairs = list(dict.fromkeys(letters[at : at + 2] for at in range(len(letters) - 1)))
    query = query.where(first.key == pairs[0])
    for pair in pairs[1:PAIRS]:
        other = aliased(CustomerKey)
        query = query.join(other, other.customer_id == first.customer_id).where(other.key == pair)
    if len(letters) > len(pairs[0]):
        name = func.lower(func.replace(Customer.name, " ", ""))
        query = query.join(Customer, Customer.id == first.customer_id).where(name.contains(letters, autoescape=True))
    return _newest(query, first.customer_id, limit)


def named_like(text: str) -> Select[Any]:
    """Ids of the customers whose name contains ``text``, however many; for a condition on what is theirs."""
    letters = folded(text)
    if len(letters) < 2:
        return select(Customer.id).where(Customer.name.contains(text, autoescape=True))
    return _containing(letters, 1).order_by(None).limit(None)


def _newest(query: Select[Any], id: Any, limit: int) -> Select[Any]:
    return query.order_by(id.desc()).limit(limit)
