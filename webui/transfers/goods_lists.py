"""The lists of the shop: products, prices of a period, stock and its ledger, media, airings; filters as their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from cti.store.models import Airing, Medium, Product, ProductPrice, Stock, StockMovement, User, Warehouse, utc_now
from webui.calls.forms import moment
from webui.common import db
from webui.common.ids import row_id
from webui.common.labels import LABELS
from webui.common.permissions import Permission
from webui.common.text import one_line
from webui.products import queries as products
from webui.stock.queries import named as product_named
from webui.transfers.goods import PriceImporter, StockImporter
from webui.transfers.lists import plain, words_of
from webui.transfers.media import AiringImporter, MediumImporter
from webui.transfers.products import ProductImporter
from webui.transfers.registry import Cell, Column, ListSpec, declare

CODE = ("编码", "货号", "商品编号", "sku")


def product_columns() -> Sequence[Column]:
    return [
        plain("code", _("Code"), taken=True, required=True, limit=32, also=("编码", "货号", "商品编号", "sku")),
        plain("name", _("Name"), taken=True, required=True, limit=128, also=("名称", "商品名称")),
        plain("name_en", _("English name"), taken=True, limit=128, also=("英文名称",)),
        plain("category", _("Category"), taken=True, limit=64, also=("类别", "分类")),
        plain("unit", _("Unit"), taken=True, limit=16, also=("单位",)),
        plain("price", _("Price"), Cell.MONEY, taken=True, required=True, also=("价格", "单价", "售价")),
        plain("active", _("On sale"), Cell.YES_NO, taken=True, also=("在售", "上架")),
    ]


def product_query(args: Mapping[str, str]) -> Select[Any]:
    text = one_line(args.get("q", ""), 64)
    query = select(Product).where(products.matching(text)) if text else select(Product)
    if not args.get("low"):
        return query
    few = products.listing(db.session(), text, low=True)
    return query.where(Product.id.in_([row.product.id for row in few]))


def of_product(name: str) -> Any:
    """The value of the row's product."""
    return lambda row: getattr(row.product, name)


def price_columns() -> Sequence[Column]:
    return [
        Column("code", _("Code"), of_product("code"), taken=True, required=True, limit=32, also=CODE),
        Column("name", _("Name"), of_product("name")),
        plain("price", _("Price"), Cell.MONEY, taken=True, required=True, also=("价格", "单价")),
        plain("starts_at", lazy_pgettext("moment", "From"), Cell.TIME, taken=True, required=True, also=("开始",)),
        plain("ends_at", lazy_pgettext("moment", "until"), Cell.TIME, taken=True, also=("结束",)),
        Column("medium", _("Medium"), words_of(Medium, "medium_id"), taken=True, limit=128, also=("媒体",)),
    ]


def price_query(args: Mapping[str, str]) -> Select[Any]:
    text, medium = one_line(args.get("q", ""), 64), args.get("medium", "")
    wanted = (
        ProductPrice.product_id.in_(select(Product.id).where(products.matching(text))) if text else None,
        ProductPrice.medium_id.is_(None) if medium == "all" else None,
        ProductPrice.medium_id == row_id(medium) if row_id(medium) else None,
        None if args.get("old") else or_(ProductPrice.ends_at.is_(None), ProductPrice.ends_at > utc_now()),
    )
    return select(ProductPrice).where(*(condition for condition in wanted if condition is not None))


def stock_columns() -> Sequence[Column]:
    return [
        Column("code", _("Code"), lambda row: product_of(row).code, taken=True, required=True, limit=32, also=CODE),
        Column("name", _("Name"), lambda row: product_of(row).name),
        Column("warehouse", _("Warehouse"), house_of, taken=True, required=True, limit=32, also=("仓库",)),
        plain("on_hand", _("In stock"), Cell.WHOLE, taken=True, also=("库存", "实盘数", "盘点数")),
        plain("reserved", _("Reserved"), Cell.WHOLE),
        Column("available", _("Available"), lambda row: row.on_hand - row.reserved, Cell.WHOLE),
        Column("arrived", _("Came in"), lambda _row: None, Cell.WHOLE, taken=True, also=("入库数", "到货数")),
        Column("reason", _("Reason"), lambda _row: None, taken=True, also=("原因", "备注")),
    ]


def product_of(row: Stock) -> Product:
    return db.session().get_one(Product, row.product_id)


def house_of(row: Stock) -> str:
    return db.session().get_one(Warehouse, row.warehouse_id).code


def stock_query(args: Mapping[str, str]) -> Select[Any]:
    query, text = select(Stock), one_line(args.get("q", ""), 64)
    return query.where(Stock.product_id.in_(select(Product.id).where(product_named(text)))) if text else query


def ledger_columns() -> Sequence[Column]:
    return [
        plain("at", _("Time"), Cell.TIME),
        plain("kind", _("Kind"), codes="movement"),
        Column("code", _("Code"), of_product("code")),
        Column("name", _("Name"), of_product("name")),
        Column("warehouse", _("Warehouse"), lambda row: row.warehouse.code),
        plain("on_hand", _("In stock"), Cell.WHOLE),
        plain("reserved", _("Reserved"), Cell.WHOLE),
        plain("reason", _("Reason")),
        Column("user", lazy_pgettext("of a step", "Who"), words_of(User, "user_id")),
    ]


def ledger_query(args: Mapping[str, str]) -> Select[Any]:
    text, kind, house = one_line(args.get("q", ""), 64), args.get("kind", ""), row_id(args.get("warehouse", ""))
    since, until = (moment(args.get(name, "").strip()) for name in ("since", "until"))
    wanted = (
        StockMovement.product_id.in_(select(Product.id).where(product_named(text))) if text else None,
        StockMovement.kind == kind if kind in LABELS["movement"] else None,
        StockMovement.warehouse_id == house if house else None,
        StockMovement.at >= since if since else None,
        StockMovement.at < until if until else None,
    )
    return select(StockMovement).where(*(condition for condition in wanted if condition is not None))


def medium_columns() -> Sequence[Column]:
    return [
        plain("name", _("Medium"), taken=True, required=True, limit=128, also=("媒体", "名称")),
        plain("kind", _("Kind"), codes="medium_kind", taken=True, also=("类型",)),
        plain("remarks", _("Remarks"), taken=True, limit=1000, also=("备注",)),
        plain("active", _("In use"), Cell.YES_NO, taken=True, also=("使用",)),
    ]


def medium_query(_args: Mapping[str, str]) -> Select[Any]:
    return select(Medium)


def airing_goods(airing: Airing) -> str:
    return " ".join(product.code for product in airing.products)


def airing_columns() -> Sequence[Column]:
    shown = lazy_pgettext("on screen", "Number shown")
    return [
        plain("number", _("No."), Cell.WHOLE, taken=True, also=("编号",)),
        Column("medium", _("Medium"), lambda row: row.medium.name, taken=True, required=True, also=("媒体", "频道")),
        plain("programme", _("Programme"), taken=True, required=True, limit=128, also=("节目",)),
        plain("dnis", shown, taken=True, required=True, limit=40, also=("电话", "热线")),
        plain("starts_at", lazy_pgettext("moment", "From"), Cell.TIME, taken=True, required=True, also=("开始",)),
        plain("ends_at", lazy_pgettext("moment", "until"), Cell.TIME, taken=True, required=True, also=("结束",)),
        Column("products", _("Products"), airing_goods, taken=True, also=("商品",)),
        plain("cost", _("Cost"), Cell.MONEY, taken=True, also=("费用", "成本")),
        plain("remarks", _("Remarks"), taken=True, limit=1000, also=("备注",)),
    ]


def airing_query(args: Mapping[str, str]) -> Select[Any]:
    """Those that begin in a week, as the page shows it; without a day all."""
    day = moment(args.get("day", "").strip())
    query = select(Airing)
    return query.where(Airing.starts_at >= day, Airing.starts_at < day + timedelta(days=7)) if day else query


def install() -> None:
    read, media = Permission.ORDERS_READ, Permission.MEDIA_READ
    moved = (joinedload(StockMovement.product), joinedload(StockMovement.warehouse))
    priced, place = (joinedload(ProductPrice.product),), (Stock.product_id, Stock.warehouse_id)
    price, airing = _("Prices of a period"), _("Airings")
    for name, title, permission, columns, query, key, importer, home, options in (
        (
            "products",
            _("Products"),
            read,
            product_columns,
            product_query,
            Product.id,
            ProductImporter,
            "products.index",
            (),
        ),
        (
            "prices",
            price,
            read,
            price_columns,
            price_query,
            ProductPrice.id,
            PriceImporter,
            "products.prices.index",
            priced,
        ),
        ("stock", _("Stock"), read, stock_columns, stock_query, place, StockImporter, "stock.index", ()),
        (
            "ledger",
            _("Stock ledger"),
            read,
            ledger_columns,
            ledger_query,
            StockMovement.id,
            None,
            "stock.ledger",
            moved,
        ),
        ("media", _("Media"), media, medium_columns, medium_query, Medium.id, MediumImporter, "media.channels", ()),
        ("airings", airing, media, airing_columns, airing_query, Airing.id, AiringImporter, "media.index", ()),
    ):
        declare(ListSpec(name, title, permission, columns, query, key, importer, home, options))
