"""Periods and amounts out of addresses and forms; ``None`` or ``MoneyRefused`` for what is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from cti.domain.errors import MoneyRefused
from cti.domain.tariffs import ONE
from webui.common.amounts import parse_price
from webui.common.i18n import choose_timezone
from webui.review.forms import day_of

HIGHEST = Decimal("999999999.99")
FINE = re.compile(r"\d{1,6}(\.\d{1,4})?")


def amount(text: str) -> Decimal:
    """Money with at most two places, not below 0. Raises ``MoneyRefused``."""
    read = parse_price(text.strip(), HIGHEST)
    if read is None:
        raise MoneyRefused("not an amount", why="amount")
    return read


def fine(text: str) -> int:
    """A price of calls in ten-thousandths. Raises ``MoneyRefused``."""
    plain = text.strip() or "0"
    if not FINE.fullmatch(plain) or not plain.isascii():
        raise MoneyRefused("not an amount", why="amount")
    return int(Decimal(plain) * ONE)


@dataclass(frozen=True)
class Period:
    """Whole days of the user's zone."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return begin(self.first)

    @property
    def until(self) -> datetime:
        return begin(self.last + timedelta(days=1))


def begin(day: date) -> datetime:
    return datetime.combine(day, time(), zone())


def zone() -> ZoneInfo:
    return ZoneInfo(choose_timezone())


def period(args: Mapping[str, str], today: date | None = None) -> Period:
    """What the address names, or this month so far; never backwards."""
    today = today or datetime.now(zone()).date()
    first, last = (day_of(args.get(name, "")) for name in ("since", "until"))
    first = first if first and 2000 <= first.year <= 2200 else today.replace(day=1)
    last = last if last and 2000 <= last.year <= 2200 else max(today, first)
    return Period(first, last if last >= first else first)
