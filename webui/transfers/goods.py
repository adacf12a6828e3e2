"""Prices of a period, counted stock and arrivals out of a file. Stock moves only through its ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cti.store import stock
from cti.store.models import Medium, Product, ProductPrice, Stock, Warehouse
from webui.common import audit
from webui.common.permissions import Permission
from webui.customers.forms import changes
from webui.transfers.registry import MODES

MOST = 1_000_000


def products_of(session: Session, rows: Sequence[Mapping[str, Any]], name: str = "code") -> dict[str, Product]:
    """By code in capitals, for the codes of the rows."""
    codes = sorted({str(values[name]).upper() for values in rows if values.get(name)})
    return {
        row.code.upper(): row for row in session.scalars(select(Product).where(func.upper(Product.code).in_(codes)))
    }


def media_by_name(session: Session) -> dict[str, int]:
    return {name.lower(): medium_id for medium_id, name in session.execute(select(Medium.id, Medium.name))}


class PriceImporter:
    """A period is recognised by product, beginning and medium."""

    permission = Permission.PRODUCTS_WRITE
    modes: tuple[str, ...] = MODES

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}
        self._media: dict[str, int] = {}

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return ((str(values["code"]).upper(), values["starts_at"], str(values.get("medium") or "").lower()),)

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        self._products, self._media = products_of(session, rows), media_by_name(session)
        ids = {product.id: code for code, product in self._products.items()}
        names = {medium_id: name for name, medium_id in self._media.items()} | {None: ""}
        held = session.scalars(select(ProductPrice).where(ProductPrice.product_id.in_(ids)))
        return {(ids[one.product_id], one.starts_at, names.get(one.medium_id, "")): one for one in held}

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        if str(values["code"]).upper() not in self._products:
            return _("There is no product %(code)s.", code=values["code"])
        if values.get("medium") and str(values["medium"]).lower() not in self._media:
            return _("There is no medium “%(name)s”.", name=values["medium"])
        if values.get("ends_at") and values["ends_at"] <= values["starts_at"]:
            return _("The end is not after the beginning.")
        return ""

    def make(self, session: Session, values: Mapping[str, Any]) -> ProductPrice:
        product = self._products[str(values["code"]).upper()]
        medium = self._media.get(str(values.get("medium") or "").lower())
        row = ProductPrice(product_id=product.id, medium_id=medium, starts_at=values["starts_at"])
        row.price, row.ends_at = values["price"], values.get("ends_at")
        session.add(row)
        return row

    def made(self, row: ProductPrice) -> None:
        audit.record("price.create", f"product/{row.product_id}", None, price_words(row))

    def change(self, session: Session, present: ProductPrice, values: Mapping[str, Any]) -> None:
        before = price_words(present)
        present.price, present.ends_at = values["price"], values.get("ends_at") or present.ends_at
        told = changes(before, price_words(present))
        if told[1]:
            audit.record("product.change", f"product/{present.product_id}", *told)


def price_words(row: ProductPrice) -> dict[str, Any]:
    ends = row.ends_at.isoformat() if row.ends_at else ""
    times = {"starts_at": row.starts_at.isoformat(), "ends_at": ends}
    return {"price": str(row.price), "medium": row.medium_id or ""} | times


class StockImporter:
    """What was counted is what is there; or what came in is added. A row that is there is always changed."""

    permission = Permission.STOCK_WRITE
    modes: tuple[str, ...] = ("update",)

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}
        self._houses: dict[str, int] = {}

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return ((str(values["code"]).upper(), str(values["warehouse"]).upper()),)

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        self._products = products_of(session, rows)
        houses = {house_id: code.upper() for house_id, code in session.execute(select(Warehouse.id, Warehouse.code))}
        self._houses = {code: house_id for house_id, code in houses.items()}
        ids = {product.id: code for code, product in self._products.items()}
        held = select(Stock).where(Stock.product_id.in_(ids)).execution_options(populate_existing=True)
        return {(ids[row.product_id], houses[row.warehouse_id]): row for row in session.scalars(held)}

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        product = self._products.get(str(values["code"]).upper())
        if product is None:
            return _("There is no product %(code)s.", code=values["code"])
        if product.bundle or not product.track_stock:
            return _("No stock is kept of this product.")
        if str(values["warehouse"]).upper() not in self._houses:
            return _("There is no warehouse “%(code)s”.", code=values["warehouse"])
        given = [values[name] for name in ("on_hand", "arrived") if values.get(name) is not None]
        if len(given) != 1:
            return _("Either what was counted or what came in is wanted.")
        return "" if 0 <= given[0] <= MOST else _("Between 0 and %(most)s pieces.", most=MOST)

    def make(self, session: Session, values: Mapping[str, Any]) -> Stock:
        return self._book(session, values)

    def made(self, row: Stock) -> None:
        """Told with the booking: the row may be booked again by a later one of the file."""

    def change(self, session: Session, present: Stock, values: Mapping[str, Any]) -> None:
        self._book(session, values)

    def _book(self, session: Session, values: Mapping[str, Any]) -> Stock:
        product = self._products[str(values["code"]).upper()]
        place = (product.id, self._houses[str(values["warehouse"]).upper()])
        held = session.get(Stock, place, populate_existing=True)
        before = held.on_hand if held is not None else 0
        facts = {"user_id": current_user.id, "reason": values.get("reason") or ""}
        if values.get("on_hand") is not None:
            kind = "count"
            stock.count(session, product, place[1], values["on_hand"], before, **facts)
        else:
            kind = "in"
            stock.bring_in(session, product, place[1], values["arrived"], **facts)
        row = session.get_one(Stock, place, populate_existing=True)
        place_words = {"product": product.code, "warehouse": place[1]}
        told = [place_words | {"on_hand": count} for count in (before, row.on_hand)]
        audit.record(f"stock.{kind}", f"product/{product.id}", *told)
        return row
