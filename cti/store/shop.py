"""The shop's own parameters: what points are worth, what discount a role may give, what shipping costs.

One row of ``settings``; whatever is missing or damaged there is as in ``Parameters``. Must not know pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from sqlalchemy.orm import Session

from cti.store.models import Role, Setting
from cti.store.models.base import CENT

KEY = "shop"
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Parameters:
    """``points_per_unit``: how many points pay for 1.00. ``points_share``: the percent of the goods' price that points
    may pay. ``discounts``: the percent of the goods' price that a role may take off an order."""

    points_per_unit: int = 100
    points_share: int = 50
    discounts: Mapping[str, int] = field(default_factory=lambda: {Role.AGENT: 0, Role.SUPERVISOR: 20, Role.ADMIN: 100})
    shipping_fee: Decimal = Decimal("0.00")
    free_shipping_from: Decimal | None = None

    def worth(self, points: int) -> Decimal:
        """What so many points pay, whole cents."""
        return (Decimal(points) / self.points_per_unit).quantize(CENT, ROUND_DOWN)

    def most_points(self, goods_total: Decimal) -> int:
        """The most points that may be given for an order of this price."""
        return int(goods_total * self.points_share / HUNDRED * self.points_per_unit)

    def most_discount(self, role: str, goods_total: Decimal) -> Decimal:
        return (goods_total * self.discounts.get(role, 0) / HUNDRED).quantize(CENT, ROUND_DOWN)

    def shipping(self, goods_total: Decimal) -> Decimal:
        free = self.free_shipping_from is not None and goods_total >= self.free_shipping_from
        return Decimal("0.00") if free else self.shipping_fee

    def document(self) -> dict[str, Any]:
        """As stored, and as the audit keeps it."""
        free = self.free_shipping_from
        return {
            "points_per_unit": self.points_per_unit,
            "points_share": self.points_share,
            "discounts": {str(role): percent for role, percent in self.discounts.items()},
            "shipping_fee": str(self.shipping_fee),
            "free_shipping_from": None if free is None else str(free),
        }


def parameters(session: Session) -> Parameters:
    row = session.get(Setting, KEY)
    return read(row.value if row is not None else None)


def read(value: Any) -> Parameters:
    """Parameters out of a stored document."""
    given = value if isinstance(value, dict) else {}
    usual = Parameters()
    roles = given.get("discounts")
    discounts = {
        str(role): _whole((roles if isinstance(roles, dict) else {}).get(role), 0, 100, percent)
        for role, percent in usual.discounts.items()
    }
    return Parameters(
        points_per_unit=_whole(given.get("points_per_unit"), 1, 1_000_000, usual.points_per_unit),
        points_share=_whole(given.get("points_share"), 0, 100, usual.points_share),
        discounts=discounts,
        shipping_fee=_money(given.get("shipping_fee")) or usual.shipping_fee,
        free_shipping_from=_money(given.get("free_shipping_from")),
    )


def store(session: Session, wanted: Parameters) -> None:
    """The caller commits."""
    row = session.get(Setting, KEY)
    if row is None:
        session.add(Setting(key=KEY, value=wanted.document()))
    else:
        row.value = wanted.document()


def _whole(value: Any, least: int, most: int, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else otherwise


def _money(value: Any) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return amount.quantize(CENT) if amount is not None and amount.is_finite() and 0 <= amount < 10_000_000 else None
