"""From a tree to rows: conditions, how many there are, the first page. Takes what the user may see into account.

A query that finds few reads the table once; one that finds many is counted up to ``COUNTED`` only, and its page comes
in the order of the key, which is quick because every few rows are one. So a million customers answer within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, text, true, union
from sqlalchemy.orm import Session

from cti.store.database import for_large_reads
from cti.store.models import Customer, CustomerPhone, Order, Ticket
from webui.common import scope
from webui.common.rights import Kind
from webui.finder.document import Node
from webui.finder.fields import Field, WrongValue, all_fields, build

COUNTED = 100_000
PAGE = 50
BIGGEST = 2**62
PATIENCE = 15
"""Seconds that PostgreSQL may take."""


class WrongQuery(Exception):
    """``paths``: the leaves that cannot be understood."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(", ".join(paths))
        self.paths = paths


@dataclass(frozen=True)
class Result:
    """``many``: there are more than ``count``. ``older``: from which key the next page goes on, 0 at the end."""

    rows: Sequence[Customer]
    count: int
    many: bool
    older: int


def condition(root: Node, *, by_key: bool = False) -> ColumnElement[bool]:
    """Raises ``WrongQuery``. A leaf without a field is not filled in yet and asks nothing.

    ``by_key``: it is asked of one customer after the other, few of them, instead of all.
    """
    wrong: list[str] = []
    made = _group(root, "0", all_fields(), wrong, "", by_key=by_key)
    if wrong:
        raise WrongQuery(wrong)
    return made if made is not None else true()


def _group(
    node: Node, path: str, fields: dict[str, dict[str, Field]], wrong: list[str], things: str, *, by_key: bool
) -> ColumnElement[bool] | None:
    """``things``: what the items speak of, empty for the customer itself."""
    if node.things and things:
        wrong.append(path)
        return None
    inside = node.things or things
    parts = []
    for place, item in enumerate(node.items):
        at = f"{path}-{place}"
        if item.is_group:
            part = _group(item, at, fields, wrong, inside, by_key=by_key)
        else:
            part = _leaf(item, at, fields[inside], wrong)
        if part is not None:
            parts.append(part)
    if node.things:
        return _orders(node, parts, by_key=by_key) if node.things == "orders" else _tickets(node, parts)
    if not parts:
        return None
    return or_(*parts) if node.kind == "any" else and_(*parts)


def _leaf(node: Node, path: str, fields: dict[str, Field], wrong: list[str]) -> ColumnElement[bool] | None:
    if not node.name:
        return None
    try:
        return build(fields[node.name], node.operator, node.value, node.second)
    except (KeyError, WrongValue):
        wrong.append(path)
        return false()


def _orders(node: Node, parts: list[ColumnElement[bool]], *, by_key: bool) -> ColumnElement[bool]:
    holders = select(Order.customer_id).where(*parts)
    theirs = select(Order.id).where(Order.customer_id == Customer.id, *parts).correlate(Customer)
    if node.kind == "no_orders":
        return ~theirs.exists()  # NOT IN would be asked once for every customer
    if node.least > 1 and by_key:
        return theirs.offset(node.least - 1).limit(1).exists()
    if node.least > 1:
        holders = holders.group_by(Order.customer_id).having(func.count() >= node.least)
    return Customer.id.in_(holders)


def _tickets(node: Node, parts: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Of the customer that a ticket names, or whose number it is."""
    named = select(Ticket.customer_id.label("who"), Ticket.id.label("ticket")).where(Ticket.customer_id.is_not(None))
    numbered = select(CustomerPhone.customer_id, Ticket.id).join(Ticket, Ticket.number == CustomerPhone.number)
    held = union(named.where(*parts), numbered.where(*parts)).subquery()
    holders = select(held.c.who).group_by(held.c.who).having(func.count() >= node.least)
    return Customer.id.not_in(holders) if node.kind == "no_tickets" else Customer.id.in_(holders)


def run(session: Session, root: Node, before: int = 0) -> Result:
    query = customers(condition(root))
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}s'"))
        for_large_reads(session)
    found = query.limit(COUNTED + 1).cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
    counted = select(func.count()).select_from(found).scalar_subquery()
    page = select(found.c.id, counted).where(found.c.id < (before or BIGGEST)).order_by(found.c.id.desc())
    first = session.execute(page.limit(PAGE + 1)).all()
    ids, count = [row[0] for row in first], first[0][1] if first else 0
    if not first and before:
        count = session.scalar(select(counted)) or 0
    many = count > COUNTED
    if many:
        newest = customers(condition(root, by_key=True)).where(Customer.id < (before or BIGGEST))
        ids = list(session.scalars(newest.order_by(Customer.id.desc()).limit(PAGE + 1)))
    rows = session.scalars(select(Customer).where(Customer.id.in_(ids[:PAGE])).order_by(Customer.id.desc())).all()
    return Result(rows, min(count, COUNTED), many, ids[PAGE - 1] if len(ids) > PAGE else 0)


def customers(wanted: ColumnElement[bool]) -> Select[tuple[int]]:
    """Ids of those that the user may see."""
    return scope.visible(select(Customer.id).where(wanted, merged_away()), Customer.owner_user_id, Kind.CUSTOMERS)


def merged_away() -> ColumnElement[bool]:
    return Customer.merged_into_id.is_(None)
