"""Orders by day, agent, department, region, payment and state; products; regions. The sums are those of the lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Date, Select, cast, func, select
from sqlalchemy.orm import Session

from cti.store import rollups
from cti.store.locations import path_code, path_of
from cti.store.models import Department, Order, OrderLine, Product, User
from webui.common.labels import LABELS
from webui.media.queries import order_sums, sums_of
from webui.reports.filters import Filters
from webui.reports.registry import NOT_STATED, Column, Figures, Report, Row, percent, register, share

MONEY = Decimal(0)
SUMS = ("orders", "amount", "void", "net")
COLUMNS = (
    Column("orders", _("Orders")),
    Column("amount", _("Amount"), "money"),
    Column("void", _("Came to nothing")),
    Column("net", _("Net amount"), "money"),
    Column("lost", _("Of these to nothing"), "percent", percent("void", "orders")),
    Column("average", _("Amount an order"), "money", share("amount", "orders")),
)
FILTERS = ("agent", "department", "product", "medium", "airing", "status", "payment")


def figures(values: Any) -> Figures:
    orders, amount, void, net = values
    return {"orders": int(orders), "amount": amount or MONEY, "void": int(void), "net": net or MONEY}


def grouped(session: Session, filters: Filters, *keys: Any) -> list[tuple[Any, Figures]]:
    """The sums by each value of ``keys``, which are columns of ``Order``."""
    query = select(*keys, *order_sums()).where(*filters.orders(session)).group_by(*keys)
    rows = session.execute(query).all()
    return [(row[0] if len(keys) == 1 else tuple(row[: len(keys)]), figures(row[len(keys) :])) for row in rows]


def by_column(session: Session, filters: Filters, name: str) -> dict[Any, Figures]:
    """The sums by each value of a column that days are summed by."""
    if not filters.by_days:
        return dict(grouped(session, filters, getattr(Order, name)))
    days = rollups.orders(session, filters.begin, filters.end)
    rows = session.execute(select(days.c[name], *sums_of(days)).where(*filters.of_days(days)).group_by(days.c[name]))
    return {row[0]: figures(row[1:]) for row in rows}


def whole(session: Session, filters: Filters) -> Figures:
    """The sums of everything asked for."""
    sums = by_column(session, filters, "status").values()
    return {name: sum((one[name] for one in sums), MONEY if name in ("amount", "net") else 0) for name in SUMS}


def folded(rows: list[tuple[Any, Figures]], key: Callable[[Any], Any]) -> dict[Any, Figures]:
    """Sums of sums, by what ``key`` makes of each value."""
    found: dict[Any, Figures] = {}
    for value, sums in rows:
        mine = found.setdefault(key(value), {name: MONEY if name in ("amount", "net") else 0 for name in SUMS})
        for name in SUMS:
            mine[name] += sums[name]
    return found


def largest_first(sums: dict[Any, Figures], words: Callable[[Any], str]) -> list[Row]:
    rows = [Row(words(value), mine) for value, mine in sums.items()]
    return sorted(rows, key=lambda row: (-row.figures["amount"], row.label))


# ---------------------------------------------------------------- orders


def orders(session: Session, filters: Filters) -> list[Row]:
    return GROUPED[filters.group](session, filters)


def by_day(session: Session, filters: Filters) -> list[Row]:
    """Every day of the period up to today, also those without an order."""
    zone = ZoneInfo(filters.zone)
    if session.get_bind().dialect.name == "postgresql":
        local = cast(func.timezone(filters.zone, Order.created_at), Date)
        sums = dict(grouped(session, filters, local))
    else:  # to the minute, since SQLite knows no zones
        rows = grouped(session, filters, func.substr(Order.created_at, 1, 16))
        sums = folded(rows, lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone).date())
    last = min(filters.until, max([*sums, filters.since, datetime.now(zone).date()]))
    days = [filters.since + timedelta(days=n) for n in range((last - filters.since).days + 1)]
    first = min([*sums, filters.since]) if len(days) > 400 else filters.since
    return [Row(str(day), sums.get(day) or figures((0, MONEY, 0, MONEY))) for day in days if day >= first]


def by_agent(session: Session, filters: Filters) -> list[Row]:
    names = {row[0]: row[1] for row in session.execute(select(User.id, User.name))}
    sums = folded(grouped(session, filters, Order.agent_user_id), lambda value: value)
    return largest_first(sums, lambda user: names.get(user, str(user)))


def by_department(session: Session, filters: Filters) -> list[Row]:
    of = {row[0]: row[1] for row in session.execute(select(User.id, User.department_id))}
    names = {row[0]: row[1] for row in session.execute(select(Department.id, Department.name))}
    sums = folded(grouped(session, filters, Order.agent_user_id), lambda user: of.get(user))
    return largest_first(sums, lambda department: names.get(department, str(NOT_STATED)))


def by_payment(session: Session, filters: Filters) -> list[Row]:
    return largest_first(by_column(session, filters, "payment"), lambda code: str(LABELS["payment"][code]))


def by_status(session: Session, filters: Filters) -> list[Row]:
    words = LABELS["order_status"]
    return largest_first(by_column(session, filters, "status"), lambda code: str(words.get(code, code)))


def by_region(session: Session, filters: Filters) -> list[Row]:
    return by_place(session, filters, 2)


def by_place(session: Session, filters: Filters, digits: int) -> list[Row]:
    """By so many digits of the division's code: two are a province, four a city."""
    sums = folded(grouped(session, filters, Order.city), lambda city: path_code(city or "")[:digits])
    return largest_first(sums, lambda code: place(code) or str(NOT_STATED))


def place(code: str) -> str:
    return path_of(code.ljust(6, "0")) or path_of(code[:2].ljust(6, "0")) if code else ""


GROUPED: dict[str, Callable[[Session, Filters], list[Row]]] = {
    "day": by_day,
    "agent": by_agent,
    "department": by_department,
    "region": by_region,
    "payment": by_payment,
    "status": by_status,
}

ORDERS = register(
    Report(
        name="orders",
        title=_("Orders"),
        groups={
            "day": _("Day"),
            "agent": _("Agent"),
            "department": _("Department"),
            "region": _("Region"),
            "payment": _("Payment"),
            "status": _("Status"),
        },
        filters=FILTERS,
        columns=COLUMNS,
        run=orders,
        charted=("amount", "net"),
        pies=frozenset({"payment", "status"}),
    )
)

# ---------------------------------------------------------------- products and regions


def products(session: Session, filters: Filters) -> list[Row]:
    """The goods' own amounts; what orders cost besides, less discounts and points, is a row of its own, so that the
    total is that of the orders."""
    word = GOODS[filters.group](session)
    sums: dict[str, Figures] = {}
    for product, pieces, amount in session.execute(lines(session, filters)):
        mine = sums.setdefault(word(product), {"pieces": 0, "amount": MONEY})
        mine["pieces"] += int(pieces)
        mine["amount"] += amount or MONEY
    rows = [Row(label, mine) for label, mine in sums.items()]
    rest = whole(session, filters)["amount"] - sum((row.figures["amount"] for row in rows), MONEY)
    rows.sort(key=lambda row: (-row.figures["amount"], row.label))
    return rows if not rest else [*rows, Row(gettext("Shipping, discounts and points"), {"pieces": 0, "amount": rest})]


def product_words(session: Session) -> Callable[[int], str]:
    names = {row[0]: f"{row[1]} {row[2]}" for row in session.execute(select(Product.id, Product.code, Product.name))}
    return lambda product: names.get(product, str(product))


def category_words(session: Session) -> Callable[[int], str]:
    of = {row[0]: row[1] for row in session.execute(select(Product.id, Product.category))}
    return lambda product: of.get(product) or str(NOT_STATED)


GOODS: dict[str, Callable[[Session], Callable[[int], str]]] = {"product": product_words, "category": category_words}
"""What a product is called in the rows of each group."""


def lines(session: Session, filters: Filters) -> Select[Any]:
    """Products with their pieces and amounts."""
    if filters.by_days and not (filters.payment or filters.medium):
        days = rollups.products(session, filters.begin, filters.end)
        sums = (func.sum(days.c.pieces), func.sum(days.c.amount, type_=days.c.amount.type))
        return select(days.c.product_id, *sums).where(*filters.of_days(days)).group_by(days.c.product_id)
    sums = (func.sum(OrderLine.quantity), func.sum(OrderLine.amount, type_=OrderLine.amount.type))
    read = select(OrderLine.product_id, *sums).join(Order, Order.id == OrderLine.order_id)
    return read.where(*filters.orders(session)).group_by(OrderLine.product_id)


def regions(session: Session, filters: Filters) -> list[Row]:
    return by_place(session, filters, 2 if filters.group == "province" else 4)


PRODUCTS = register(
    Report(
        name="products",
        title=_("Products"),
        groups={"product": _("Product"), "category": _("Category")},
        filters=FILTERS,
        columns=(Column("pieces", _("Pieces")), Column("amount", _("Amount"), "money")),
        run=products,
        charted=("amount",),
    )
)

REGIONS = register(
    Report(
        name="regions",
        title=_("Regions"),
        groups={"province": _("Province"), "city": _("City")},
        filters=FILTERS,
        columns=COLUMNS,
        run=regions,
        charted=("amount", "net"),
    )
)
