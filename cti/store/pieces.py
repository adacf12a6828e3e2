"""Pieces of an order as lines of another: for splitting, merging and replacing. Parts of a bundle go with it.

A line's discount goes along by share; what stays and what goes are together exactly what was.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from cti.store.models import LineKind, Order, OrderLine

CENT = Decimal("0.01")

ADDRESSED = ("customer_id", "call_id", "recipient", "phone", "city", "line", "postcode", "payment", "delivery")
NAMED = ("invoice_title", "invoice_tax_no", "medium_id", "airing_id")


def roots(order: Order) -> list[OrderLine]:
    """Lines that are chosen by themselves: everything but parts of bundles."""
    return [line for line in order.lines if line.kind is not LineKind.PART]


def parts(order: Order, line: OrderLine) -> list[OrderLine]:
    return [part for part in order.lines if part.kind is LineKind.PART and part.parent_id == line.id]


def share(amount: Decimal, pieces: int, of: int) -> Decimal:
    return (amount * pieces / of).quantize(CENT, ROUND_HALF_UP)


def twin(order: Order, agent_user_id: str) -> Order:
    """A new order to the same customer and address, without lines."""
    copied = {name: getattr(order, name) for name in (*ADDRESSED, *NAMED)}
    return Order(**copied, agent_user_id=agent_user_id, lines=[])


def copy(order: Order, chosen: Mapping[int, int], target: Order) -> list[tuple[OrderLine, OrderLine, int]]:
    """Add ``chosen`` pieces by line id to ``target``; (line here, line there, pieces) of each, parts as well."""
    made = []
    for line in roots(order):
        pieces = chosen.get(line.id, 0)
        if not pieces:
            continue
        root = _part_of(line, pieces)
        target.lines.append(root)
        made.append((line, root, pieces))
        for part in parts(order, line):
            number = part.quantity * pieces // line.quantity
            new = _part_of(part, number)
            new.parent = root
            target.lines.append(new)
            made.append((part, new, number))
    return made


def _part_of(line: OrderLine, pieces: int) -> OrderLine:
    discount = share(line.discount, pieces, line.quantity)
    return OrderLine(
        product_id=line.product_id,
        quantity=pieces,
        price=line.price,
        discount=discount,
        amount=share(line.amount + line.discount, pieces, line.quantity) - discount,
        kind=line.kind,
    )
