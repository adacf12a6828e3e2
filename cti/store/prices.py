"""What a product costs at a moment, and what comes with it: prices of a period, contents of bundles, gifts by rule.

Must not know pages, orders that are stored, or what is in stock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cti.store.models import BundlePart, GiftRule, Product, ProductPrice


def prices_at(
    session: Session, products: Iterable[Product], moment: datetime, medium_id: int | None = None
) -> dict[int, Decimal]:
    """By product id: the medium's price of this moment, else the one for everybody, else the product's own.

    Of several periods the one that began last counts.
    """
    found = {product.id: product.price for product in products}
    in_force = select(ProductPrice).where(
        ProductPrice.product_id.in_(found),
        ProductPrice.starts_at <= moment,
        or_(ProductPrice.ends_at.is_(None), ProductPrice.ends_at > moment),
        or_(ProductPrice.medium_id.is_(None), ProductPrice.medium_id == medium_id),
    )
    rows = session.scalars(in_force).all()
    for row in sorted(rows, key=lambda row: (row.medium_id is not None, row.starts_at, row.id)):
        found[row.product_id] = row.price
    return found


def parts_of(session: Session, products: Iterable[Product]) -> dict[int, list[BundlePart]]:
    """What is in each bundle among the products."""
    ids = [product.id for product in products if product.bundle]
    found: dict[int, list[BundlePart]] = {}
    if ids:
        for part in session.scalars(select(BundlePart).where(BundlePart.bundle_id.in_(ids)).order_by(BundlePart.id)):
            found.setdefault(part.bundle_id, []).append(part)
    return found


def gift_rules(session: Session, moment: datetime) -> Sequence[GiftRule]:
    in_force = select(GiftRule).where(
        GiftRule.active,
        GiftRule.starts_at <= moment,
        or_(GiftRule.ends_at.is_(None), GiftRule.ends_at > moment),
    )
    return session.scalars(in_force.order_by(GiftRule.id)).all()


def gifts_by(rule: GiftRule, sold: int, goods_total: Decimal) -> int:
    """How many pieces of its gift a rule gives for ``sold`` pieces of its product in an order of ``goods_total``."""
    enough = rule.min_total is None or goods_total >= rule.min_total
    if rule.product_id is not None:
        times = sold // max(1, rule.min_quantity)
    elif rule.min_total:
        times = int(goods_total // rule.min_total)
    else:
        return 0
    if not enough or times <= 0 or not rule.gift.active:
        return 0
    return rule.gift_quantity * (times if rule.repeat else 1)
