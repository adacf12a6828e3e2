"""Products out of a file, recognised by their code. An empty cell changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.initials import initials
from cti.store.models import Product
from webui.common import audit
from webui.common.permissions import Permission
from webui.customers.forms import changes
from webui.transfers.registry import MODES

SIMPLE = ("name", "name_en", "category", "unit", "price", "active")


class ProductImporter:
    permission = Permission.PRODUCTS_WRITE
    modes = MODES

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return (str(values["code"]).upper(),) if values.get("code") else ()

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        codes = {str(values["code"]) for values in rows if values.get("code")}
        spelled = sorted(codes | {code.upper() for code in codes} | {code.lower() for code in codes})
        return {p.code.upper(): p for p in session.scalars(select(Product).where(Product.code.in_(spelled)))}

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        return ""

    def make(self, session: Session, values: Mapping[str, Any]) -> Product:
        product = Product(code=str(values["code"]))
        session.add(product)
        self._fill(product, values)
        return product

    def made(self, row: Product) -> None:
        audit.record("product.create", f"product/{row.id}", None, document(row))

    def change(self, session: Session, present: Product, values: Mapping[str, Any]) -> None:
        before = document(present)
        self._fill(present, values)
        told = changes(before, document(present))
        if told[1]:
            audit.record("product.change", f"product/{present.id}", *told)

    def _fill(self, product: Product, values: Mapping[str, Any]) -> None:
        for name in SIMPLE:
            if values.get(name) is not None:
                setattr(product, name, values[name])
        product.initials = initials(product.name)


def document(product: Product) -> dict[str, Any]:
    return {"code": product.code} | {name: str(getattr(product, name)) for name in SIMPLE}
