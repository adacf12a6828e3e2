"""Money as people type it."""

from __future__ import annotations

import re
from decimal import Decimal

CENT = Decimal("0.01")
HIGHEST_PRICE = Decimal("9999999.99")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")


def parse_price(text: str, highest: Decimal = HIGHEST_PRICE) -> Decimal | None:
    """An amount with at most two places, not below 0, or None for anything else (also NaN, 1e9, a minus)."""
    plain = text.replace(",", "")
    if not _AMOUNT.fullmatch(plain):
        return None
    amount = Decimal(plain).quantize(CENT)
    return amount if amount <= highest else None
