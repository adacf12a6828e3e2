"""Reading products and gift rules. Takes a session; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from cti.store import stock
from cti.store.models import GiftRule, Product, ProductPicture, utc_now
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
    if text:
        query = query.where(
            or_(
                Product.code.istartswith(text, autoescape=True),
                Product.initials.startswith(text.upper(), autoescape=True),
                Product.name.contains(text, autoescape=True),
                Product.name_en.icontains(text, autoescape=True),
                Product.category == text,
            )
        )
    products = session.scalars(query).all()
    costs, levels = prices_at(session, products, utc_now()), stock.levels(session, [p.id for p in products])
    pictured = set(session.scalars(select(ProductPicture.product_id)))
    rows = [Row(p, costs[p.id], levels[p.id].available if p.id in levels else None, p.id in pictured) for p in products]
    return [row for row in rows if row.low] if low else rows


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
