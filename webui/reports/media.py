"""What media and airings bring: calls and orders of the days asked for, the cost of the airings that began in them.

Orders without a medium and calls without an airing have rows of their own: the sums are those of the lists.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cti.store import media as store
from cti.store.models import Airing, Call, Medium, Order
from webui.common.i18n import localtime
from webui.media.queries import Brought, order_sums
from webui.reports.filters import Filters
from webui.reports.registry import NOT_STATED, Column, Report, Row, percent, register, share

Key = tuple[int | None, int | None]  # medium, airing
NOTHING: Key = (None, None)


def media(session: Session, filters: Filters) -> list[Row]:
    found = {key: brought for key, brought in of_airings(session, filters).items() if wanted(key, filters)}
    airings = {a.id: a for a in session.scalars(select(Airing).where(Airing.id.in_([k[1] for k in found if k[1]])))}
    names = {row[0]: row[1] for row in session.execute(select(Medium.id, Medium.name))}
    sums: dict[str, Brought] = {}
    words = WORDS[filters.group]
    for (medium, airing), brought in found.items():
        label = words(names.get(medium or 0, ""), airings.get(airing or 0)) or str(NOT_STATED)
        sums[label] = sums.get(label, Brought()) + brought
    rows = [Row(label, dict(vars(one))) for label, one in sums.items()]
    return sorted(rows, key=lambda row: row.label) if filters.group == "airing" else sorted(rows, key=by_worth)


def wanted(key: Key, filters: Filters) -> bool:
    return not (filters.medium and key[0] != filters.medium)


def by_worth(row: Row) -> tuple[Any, ...]:
    return (-row.figures["net"], -row.figures["calls"], row.label)


def of_airings(session: Session, filters: Filters) -> dict[Key, Brought]:
    """One entry an airing, one a medium for its orders without an airing, one for neither."""
    found: dict[Key, Brought] = {}

    def add(key: Key, brought: Brought) -> None:
        found[key] = found.get(key, Brought()) + brought

    of_medium = {row[0]: row[1] for row in session.execute(select(Airing.id, Airing.medium_id))}
    keys = (Order.medium_id, Order.airing_id)
    sums = select(*keys, *order_sums()).where(*filters.orders(session)).group_by(*keys)
    for medium, airing, orders, amount, void, net in session.execute(sums):
        key = (of_medium.get(airing, medium), airing if airing in of_medium else None)
        add(key, Brought(0, orders, amount or Decimal(0), void, net or Decimal(0)))
    counted = 0
    for airing, calls in called(session, filters):
        add((of_medium[airing], airing), Brought(calls))
        counted += calls
    costs = select(Airing.id, Airing.cost).where(Airing.starts_at >= filters.begin, Airing.starts_at < filters.end)
    for airing, cost in session.execute(costs):
        add((of_medium[airing], airing), Brought(cost=cost))
    others = all_calls(session, filters) - counted
    if others:
        add(NOTHING, Brought(others))
    return found


def in_days(filters: Filters) -> tuple[Any, ...]:
    return (Call.created_at >= filters.begin, Call.created_at < filters.end)


def called(session: Session, filters: Filters) -> list[tuple[int, int]]:
    """Airing and calls of these days that it brought."""
    near = (Airing.starts_at < filters.end, Airing.counts_until > filters.begin)
    query = select(Airing.id, func.count()).join(Call, store.answers()).where(*near, *in_days(filters))
    return [(row[0], row[1]) for row in session.execute(query.group_by(Airing.id))]


def all_calls(session: Session, filters: Filters) -> int:
    """Calls from outside in these days."""
    inbound = (Call.direction == "inbound", Call.test.is_(False))
    return session.scalar(select(func.count()).select_from(Call).where(*in_days(filters), *inbound)) or 0


def airing_words(medium: str, airing: Airing | None) -> str:
    if airing is None:
        return gettext("%(medium)s, no airing", medium=medium) if medium else ""
    return f"{localtime(airing.starts_at, 'MM-dd HH:mm')} {airing.programme} · {medium} · {airing.number}"


WORDS: dict[str, Callable[[str, Airing | None], str]] = {
    "medium": lambda medium, _airing: medium,
    "airing": airing_words,
    "programme": lambda medium, airing: airing.programme if airing else airing_words(medium, None),
    "product": lambda medium, airing: product_words(medium, airing),
    "dnis": lambda medium, airing: airing.dnis if airing else airing_words(medium, None),
}


def product_words(medium: str, airing: Airing | None) -> str:
    if airing is None or not airing.products:
        return airing_words(medium, None)
    return ", ".join(f"{product.code} {product.name}" for product in airing.products)


MEDIA = register(
    Report(
        name="media",
        title=_("Media"),
        groups={
            "medium": _("Medium"),
            "airing": _("Airing"),
            "programme": _("Programme"),
            "product": _("Product on the air"),
            "dnis": lazy_pgettext("on screen", "Number shown"),
        },
        filters=("medium", "status"),
        columns=(
            Column("calls", _("Calls")),
            Column("orders", _("Orders")),
            Column("conversion", _("Conversion"), "percent", percent("orders", "calls")),
            Column("amount", _("Amount"), "money"),
            Column("void", _("Came to nothing")),
            Column("net", _("Net amount"), "money"),
            Column("cost", _("Cost"), "money"),
            Column("per_order", _("Cost an order"), "money", share("cost", "orders")),
            Column("back", _("Return on cost"), "ratio", share("net", "cost")),
        ),
        run=media,
        charted=("net", "cost"),
    )
)
