"""Reading products and gift rules. Takes a session; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from cti.store import stock
from cti.store.models import GiftRule, Product, ProductPicture, ProductPrice, utc_now
from cti.store.prices import prices_at

MOST = 500


@dataclass(frozen=True, slots=True)
class Row:
    """``price`` is that of this moment; ``left`` is ``None`` where no stock is kept."""

    product: Product
    price: Decimal
    left: int | None
    pictured: bool

    @property
    def low(self) -> bool:
        return self.left is not None and self.left <= self.product.low_stock


def listing(session: Session, text: str, *, low: bool = False) -> list[Row]:
    """At most 500, by code; ``low``: only those of which little is left."""
    query = select(Product).order_by(Product.active.desc(), Product.code).limit(MOST)
    products = session.scalars(query.where(matching(text)) if text else query).all()
    costs, levels = prices_at(session, products, utc_now()), stock.levels(session, [p.id for p in products])
    pictured = set(session.scalars(select(ProductPicture.product_id)))
    rows = [Row(p, costs[p.id], levels[p.id].available if p.id in levels else None, p.id in pictured) for p in products]
    return [row for row in rows if row.low] if low else rows


def matching(text: str) -> ColumnElement[bool]:
    """By code, initials, either name, or the whole category."""
    return or_(
        Product.code.istartswith(text, autoescape=True),
        Product.initials.startswith(text.upper(), autoescape=True),
        Product.name.contains(text, autoescape=True),
        Product.name_en.icontains(text, autoescape=True),
        Product.category == text,
    )


def get(session: Session, product_id: int) -> Product | None:
    wanted = select(Product).where(Product.id == product_id)
    return session.scalars(wanted.options(selectinload(Product.prices), selectinload(Product.parts))).first()


def categories(session: Session) -> Sequence[str]:
    found = select(Product.category).where(Product.category != "").distinct().order_by(Product.category)
    return session.scalars(found.limit(MOST)).all()


def code_taken(session: Session, code: str, but: int | None = None) -> bool:
    """Another product has this code, whatever its case."""
    found = session.scalars(select(Product.id).where(func.lower(Product.code) == code.lower())).all()
    return any(product_id != but for product_id in found)


def gifts(session: Session) -> Sequence[GiftRule]:
    return session.scalars(select(GiftRule).order_by(GiftRule.active.desc(), GiftRule.id.desc()).limit(MOST)).all()


def prices(
    session: Session, text: str, medium_id: int, *, everybody: bool, since: datetime | None
) -> Sequence[ProductPrice]:
    """By product, the newest first; of one medium, or only those for ``everybody``; ``since``: not over by then."""
    query = select(ProductPrice).join(ProductPrice.product).options(contains_eager(ProductPrice.product))
    if text:
        query = query.where(matching(text))
    if medium_id:
        query = query.where(ProductPrice.medium_id == medium_id)
    elif everybody:
        query = query.where(ProductPrice.medium_id.is_(None))
    if since is not None:
        query = query.where(or_(ProductPrice.ends_at.is_(None), ProductPrice.ends_at > since))
    return session.scalars(
        query.order_by(Product.code, ProductPrice.starts_at.desc(), ProductPrice.id).limit(MOST)
    ).all()
