"""Reading products. Takes a session; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cti.store.models import Product

MOST = 500


def listing(session: Session, text: str) -> Sequence[Product]:
    """At most 500, by code."""
    query = select(Product).order_by(Product.active.desc(), Product.code).limit(MOST)
    if text:
        query = query.where(
            or_(
                Product.code.istartswith(text, autoescape=True),
                Product.name.contains(text, autoescape=True),
                Product.name_en.icontains(text, autoescape=True),
            )
        )
    return session.scalars(query).all()


def code_taken(session: Session, code: str, but: int | None = None) -> bool:
    """Another product has this code, whatever its case."""
    found = session.scalars(select(Product.id).where(func.lower(Product.code) == code.lower())).all()
    return any(product_id != but for product_id in found)
