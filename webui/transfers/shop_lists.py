"""What rules, places and partners the shop has, and what its calls cost: small lists, to be kept and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from cti.store import charging
from cti.store.models import Call, CallLeg, Carrier, GiftRule, PickList, PointRule, Tariff, User, Warehouse
from webui.common import db
from webui.common.permissions import Permission
from webui.finance import forms as finance
from webui.transfers.lists import plain, words_of
from webui.transfers.registry import Cell, Column, ListSpec, declare

FINE = 10_000
BEGINS, ENDS = lazy_pgettext("moment", "From"), lazy_pgettext("moment", "until")


def fine_money(amount: int | None) -> Decimal | None:
    return None if amount is None else Decimal(amount) / FINE


def code_of(product: Any) -> str:
    return product.code if product is not None else ""


def gift_columns() -> Sequence[Column]:
    return [
        plain("name", _("Name")),
        Column("product", _("Product"), lambda rule: code_of(rule.product)),
        Column("pieces", _("Pieces"), lambda rule: rule.min_quantity if rule.product else None, Cell.WHOLE),
        plain("min_total", _("Total"), Cell.MONEY),
        plain("repeat", _("each time"), Cell.YES_NO),
        Column("gift", _("Gift"), lambda rule: f"{rule.gift.code} ×{rule.gift_quantity}"),
        plain("starts_at", BEGINS, Cell.TIME),
        plain("ends_at", ENDS, Cell.TIME),
        plain("active", _("In use"), Cell.YES_NO),
    ]


def point_rule_columns() -> Sequence[Column]:
    return [
        plain("name", _("Name")),
        plain("kind", _("Kind"), codes="point_rule"),
        plain("points", _("Points"), Cell.WHOLE),
        plain("spend", _("Amount"), Cell.MONEY),
        Column("product", _("Product"), lambda rule: code_of(rule.product)),
        plain("starts_at", BEGINS, Cell.TIME),
        plain("ends_at", ENDS, Cell.TIME),
        plain("valid_days", _("Valid, days"), Cell.WHOLE),
        plain("active", _("In use"), Cell.YES_NO),
    ]


def warehouse_columns() -> Sequence[Column]:
    return [
        plain("code", _("Code")),
        plain("name", _("Name")),
        plain("position", _("Place in the order"), Cell.WHOLE),
        plain("active", _("In use"), Cell.YES_NO),
    ]


def carrier_columns() -> Sequence[Column]:
    return [
        plain("code", _("Code")),
        plain("name", _("Name")),
        plain("phone", _("Phone number")),
        plain("active", _("In use"), Cell.YES_NO),
    ]


def tariff_columns() -> Sequence[Column]:
    return [
        plain("name", _("Name")),
        plain("trunk", _("Trunk")),
        plain("prefix", _("Number begins with")),
        plain("since", _("Holds from"), Cell.DATE),
        plain("unit_seconds", _("Unit (s)"), Cell.WHOLE),
        Column("price", _("Price of a unit"), lambda row: fine_money(row.price), Cell.NUMBER),
        Column("setup", _("Price of the connection"), lambda row: fine_money(row.setup), Cell.NUMBER),
    ]


def pick_list_columns() -> Sequence[Column]:
    return [
        plain("number", _("No."), Cell.WHOLE),
        Column("warehouse", _("Warehouse"), words_of(Warehouse, "warehouse_id")),
        plain("created_at", _("Time"), Cell.TIME),
        Column("user", lazy_pgettext("who did it", "By"), words_of(User, "user_id")),
    ]


def charge_columns() -> Sequence[Column]:
    """One row for each leg that is charged; the page shows their sums."""
    known, people, zone = charging.rates(db.session()), charging.talkers(db.session()), finance.zone()

    def dialled(leg: CallLeg) -> str:
        return leg.call.number if leg.kind == "customer" else leg.number

    def priced(leg: CallLeg) -> tuple[float, int | None]:
        if leg.answered_at is None or leg.ended_at is None:
            return 0.0, None
        return charging.priced(known, dialled(leg), leg.call.trunk, leg.answered_at, leg.ended_at, zone)

    def talker(leg: CallLeg) -> tuple[str, str]:
        return people.get(leg.agent_id or leg.call.agent_id, ("", ""))

    return [
        plain("answered_at", _("Time"), Cell.TIME),
        Column("trunk", _("Trunk"), lambda leg: leg.call.trunk),
        Column("agent", _("Agent"), lambda leg: talker(leg)[0]),
        Column("department", _("Department"), lambda leg: talker(leg)[1]),
        Column("number", _("Number"), dialled, Cell.PHONE),
        Column("seconds", _("Talk time (s)"), lambda leg: ceil(priced(leg)[0]), Cell.WHOLE),
        Column("amount", _("Charges"), lambda leg: fine_money(priced(leg)[1]), Cell.NUMBER),
    ]


def charge_query(args: Mapping[str, str]) -> Select[Any]:
    period = finance.period(args)
    legs = select(CallLeg).join(Call, CallLeg.call_id == Call.id)
    return legs.where(*charging.charged(period.since, period.until))


def whole(table: Any) -> Callable[[Mapping[str, str]], Select[Any]]:
    """A list without filters."""
    return lambda _args: select(table)


def install() -> None:
    orders, finance_read, fulfil = Permission.ORDERS_READ, Permission.FINANCE_READ, Permission.ORDERS_FULFIL
    customers, stock = Permission.CUSTOMERS_READ, Permission.STOCK_WRITE
    for name, title, permission, columns, table, home in (
        ("gifts", _("Gift rules"), orders, gift_columns, GiftRule, "products.gifts.index"),
        ("point_rules", _("Point rules"), customers, point_rule_columns, PointRule, "points.rules"),
        ("warehouses", _("Warehouses"), stock, warehouse_columns, Warehouse, "stock.warehouses"),
        ("carriers", _("Carriers"), fulfil, carrier_columns, Carrier, "fulfilment.carriers"),
        ("tariffs", _("Tariffs"), finance_read, tariff_columns, Tariff, "finance.tariffs"),
        ("pick_lists", _("Pick lists"), fulfil, pick_list_columns, PickList, "fulfilment.index"),
    ):
        declare(ListSpec(name, title, permission, columns, whole(table), table.id, home=home))
    declare(
        ListSpec(
            "charges",
            _("Call charges"),
            finance_read,
            charge_columns,
            charge_query,
            CallLeg.id,
            home="finance.charges",
            options=(joinedload(CallLeg.call),),
        )
    )
