"""What a call costs. Prices are whole ten-thousandths of the currency, so that sums are exact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil

ONE = 10_000
"""How many of the units of price make one of the currency."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``setup`` once and ``price`` for each ``unit_seconds`` begun, for numbers that begin with ``prefix``.

    ``trunk`` empty: through any. It holds from the day ``since`` until a later one for the same trunk and prefix.
    """

    prefix: str
    since: date
    unit_seconds: int
    price: int
    setup: int = 0
    trunk: str = ""
    name: str = ""


def spellings(number: str) -> tuple[str, ...]:
    """How a number may be written in a tariff: as stored, and a Chinese one as dialled within the country."""
    if not number.startswith("+86"):
        return (number, number.replace("+", "00", 1)) if number.startswith("+") else (number,)
    inland = number[3:]
    return (number, inland if inland.startswith("1") and len(inland) == 11 else f"0{inland}")


def choose(rates: Iterable[Rate], number: str, trunk: str, day: date) -> Rate | None:
    """The rate that holds: of the own trunk before any trunk, then the longest prefix, then the newest."""
    written = spellings(number)
    fitting = [
        rate
        for rate in rates
        if rate.since <= day and rate.trunk in ("", trunk) and any(w.startswith(rate.prefix) for w in written)
    ]
    return max(fitting, key=lambda rate: (bool(rate.trunk), len(rate.prefix), rate.since), default=None)


def charge(rate: Rate, seconds: float) -> int:
    """In ten-thousandths. What lasted no time at all costs nothing."""
    return rate.setup + rate.price * ceil(seconds / rate.unit_seconds) if seconds > 0 else 0


def as_money(amount: int) -> Decimal:
    return Decimal(amount) / ONE
