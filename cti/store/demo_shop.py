"""The demo shop: products with stock in two warehouses, a bundle, gifts, a price of a season, points. All made up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from cti.store import demo_names as names
from cti.store import stock
from cti.store.initials import initials
from cti.store.models import (
    BundlePart,
    GiftRule,
    PointRule,
    Product,
    ProductPrice,
    RuleKind,
    Warehouse,
)

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SEASON = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
PLENTY, LOW = 500, 20
FEW = {"P010": 12, "P020": 0, "P025": 6}
"""What nearly nothing is left of, so that the list has something to show."""


def fill(session: Session) -> None:
    """Goes with the rest of the demo data; the caller commits."""
    houses = [Warehouse(code="BJ", name="北京仓"), Warehouse(code="SH", name="上海仓", position=1)]
    goods = {product.code: product for product in map(_product, range(len(names.PRODUCTS)))}
    session.add_all([*houses, *goods.values()])
    session.flush()
    for code, product in goods.items():
        count = FEW.get(code, PLENTY)
        for house, share in zip(houses, (count - count // 5, count // 5), strict=True):
            if share:
                stock.bring_in(session, product, house.id, share, reason="期初 Opening stock")
    _offers(session, goods)


def _product(n: int) -> Product:
    chinese, english, price = names.PRODUCTS[n]
    category, unit = next((kind, unit) for until, kind, unit in names.CATEGORIES_OF_PRODUCTS if n < until)
    return Product(
        code=f"P{n + 1:03d}",
        name=chinese,
        name_en=english,
        initials=initials(chinese),
        category=category,
        unit=unit,
        price=Decimal(price),
        track_stock=True,
        backorder=n == 29,
        low_stock=LOW,
    )


def _offers(session: Session, goods: dict[str, Product]) -> None:
    kitchen = Product(
        code="B001",
        name="演示厨房套装",
        name_en="Demo kitchen bundle",
        initials=initials("演示厨房套装"),
        category="厨房用品",
        unit="套",
        price=Decimal("369.00"),
        bundle=True,
    )
    kitchen.parts = [BundlePart(product=goods["P014"], quantity=1), BundlePart(product=goods["P015"], quantity=1)]
    goods["P013"].points_price = 6900
    coat, quilt, pillow, tea = goods["P019"], goods["P017"], goods["P018"], goods["P022"]
    began, ends = SEASON
    session.add_all(
        [
            kitchen,
            ProductPrice(product=coat, price=Decimal("469.00"), starts_at=began, ends_at=ends),
            GiftRule(name="买被送枕 Pillow with the quilt", product=quilt, gift=pillow, repeat=True, starts_at=BEGAN),
            GiftRule(name="满三千送茶具 Tea set from 3000", min_total=Decimal(3000), gift=tea, starts_at=BEGAN),
            PointRule(name="消费积分 Spending", spend=Decimal(1), points=1, valid_days=365, starts_at=BEGAN),
            PointRule(
                name="牙刷双倍 Toothbrush",
                kind=RuleKind.PRODUCT,
                product=goods["P029"],
                points=200,
                valid_days=365,
                starts_at=began,
                ends_at=ends,
            ),
            PointRule(name="参加回访 Survey", kind=RuleKind.ACTIVITY, points=50, starts_at=BEGAN),
        ]
    )
