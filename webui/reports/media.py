"""What media and airings bring: calls and orders of the days asked for, the cost of the airings that began in them.

Orders without a medium and calls without an airing have rows of their own: the sums are those of the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cti.store import rollups
from cti.store.models import Airing, Medium, Order, Product
from cti.store.models.media import airing_products
from webui.common.i18n import localtime
from webui.media.queries import Brought, order_sums, sums_of
from webui.reports.filters import Filters
from webui.reports.registry import NOT_STATED, Column, Report, Row, percent, register, share

Key = tuple[int | None, Any]  # medium; what the airing is grouped by, none without an airing
Words = Callable[[str, Any], str]  # the medium's name and that value as a label
NOTHING: Key = (None, None)


@dataclass(frozen=True)
class Grouping:
    """``by``: the column of ``Airing`` whose values make the rows."""

    by: InstrumentedAttribute[Any]
    words: Callable[[Session, Collection[Any]], Words]


def media(session: Session, filters: Filters) -> list[Row]:
    found = {key: brought for key, brought in brought_by(session, filters).items() if wanted(key, filters)}
    names = {row[0]: row[1] for row in session.execute(select(Medium.id, Medium.name))}
    words = GROUPINGS[filters.group].words(session, {key[1] for key in found if key[1] is not None})
    sums: dict[str, Brought] = {}
    for (medium, value), brought in found.items():
        label = words(names.get(medium or 0, ""), value) or str(NOT_STATED)
        sums[label] = sums[label] + brought if label in sums else brought
    rows = [Row(label, dict(vars(one))) for label, one in sums.items()]
    return sorted(rows, key=lambda row: row.label) if filters.group == "airing" else sorted(rows, key=by_worth)


def wanted(key: Key, filters: Filters) -> bool:
    return not (filters.medium and key[0] != filters.medium)


def by_worth(row: Row) -> tuple[Any, ...]:
    return (-row.figures["net"], -row.figures["calls"], row.label)


# ---------------------------------------------------------------- sums


def brought_by(session: Session, filters: Filters) -> dict[Key, Brought]:
    """One entry for each medium and value of the grouping, summed by the database; one a medium for its orders without
    an airing, one for neither."""
    value = GROUPINGS[filters.group].by
    found = ordered(session, filters, value)
    for key, count in called(session, filters, value).items():
        found[key] = found.get(key, Brought()) + Brought(count)
    for key, cost in costs(session, filters, value).items():
        found[key] = found.get(key, Brought()) + Brought(cost=cost)
    return found


def ordered(session: Session, filters: Filters, value: Any) -> dict[Key, Brought]:
    """By airing first, so that only sums and not orders are joined with airings."""
    names = ("orders", "amount", "void", "net")
    if filters.by_days:
        days = rollups.orders(session, filters.begin, filters.end)
        keys, columns, conditions = (days.c.medium_id, days.c.airing_id), sums_of(days), filters.of_days(days)
    else:
        keys, columns, conditions = (Order.medium_id, Order.airing_id), order_sums(), filters.orders(session)
    labelled = [column.label(name) for name, column in zip(names, columns, strict=True)]
    each = select(*keys, *labelled).where(*conditions).group_by(*keys).subquery("sums")
    medium = func.coalesce(Airing.medium_id, each.c.medium_id)
    sums = [func.sum(each.c[name], type_=each.c[name].type) for name in names]
    joined = select(medium, value, *sums).select_from(each).outerjoin(Airing, Airing.id == each.c.airing_id)
    rows = session.execute(joined.group_by(medium, value)).all()
    return {
        (row[0], row[1]): Brought(0, int(row[2]), row[3] or Decimal(0), int(row[4]), row[5] or Decimal(0))
        for row in rows
    }


def called(session: Session, filters: Filters, value: Any) -> dict[Key, int]:
    """Calls of these days that an airing brought, and those from outside that none did."""
    days = rollups.calls(session, filters.begin, filters.end)
    each = select(days.c.airing_id, func.sum(days.c.calls).label("calls")).group_by(days.c.airing_id).subquery("sums")
    query = select(Airing.medium_id, value, func.sum(each.c.calls)).select_from(each)
    query = query.outerjoin(Airing, Airing.id == each.c.airing_id).group_by(Airing.medium_id, value)
    return {(row[0], row[1]): int(row[2]) for row in session.execute(query) if row[2]}


def costs(session: Session, filters: Filters, value: Any) -> dict[Key, Decimal]:
    begun = (Airing.starts_at >= filters.begin, Airing.starts_at < filters.end)
    cost = func.sum(Airing.cost, type_=Airing.cost.type)
    query = select(Airing.medium_id, value, cost).where(*begun).group_by(Airing.medium_id, value)
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


# ---------------------------------------------------------------- words


def no_airing(medium: str) -> str:
    return gettext("%(medium)s, no airing", medium=medium) if medium else ""


def of_medium(_session: Session, _values: Collection[Any]) -> Words:
    return lambda medium, _value: medium


def as_it_is(_session: Session, _values: Collection[Any]) -> Words:
    return lambda medium, value: no_airing(medium) if value is None else str(value)


def of_airing(session: Session, values: Collection[int]) -> Words:
    columns = (Airing.id, Airing.starts_at, Airing.programme, Airing.number)
    found = {row.id: row for row in session.execute(select(*columns).where(*among(Airing.id, values)))}

    def words(medium: str, value: int | None) -> str:
        if value is None:
            return no_airing(medium)
        row = found[value]
        return f"{localtime(row.starts_at, 'MM-dd HH:mm')} {row.programme} · {medium} · {row.number}"

    return words


def of_products(session: Session, values: Collection[int]) -> Words:
    airing = airing_products.c.airing_id
    shown = select(airing, Product.code, Product.name).join_from(airing_products, Product).where(*among(airing, values))
    found: dict[int, list[str]] = {}
    for id, code, name in session.execute(shown.order_by(Product.code)):
        found.setdefault(id, []).append(f"{code} {name}")
    return lambda medium, value: ", ".join(found.get(value or 0, ())) or no_airing(medium)


def among(column: Any, ids: Collection[int]) -> tuple[Any, ...]:
    """Rows from the first to the last id: ids grow with time, and a statement takes only so many values."""
    return (column.between(min(ids), max(ids)),) if ids else (column.is_(None),)


GROUPINGS: dict[str, Grouping] = {
    "medium": Grouping(Airing.medium_id, of_medium),
    "airing": Grouping(Airing.id, of_airing),
    "programme": Grouping(Airing.programme, as_it_is),
    "product": Grouping(Airing.id, of_products),
    "dnis": Grouping(Airing.dnis, as_it_is),
}


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
