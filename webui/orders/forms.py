"""The filters of the list, and prices as they are typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from webui.calls.forms import moment
from webui.common.ids import valid_id
from webui.common.labels import LABELS
from webui.common.text import one_line

HIGHEST_PRICE = Decimal("9999999.99")
CENT = Decimal("0.01")


def parse_price(text: str) -> Decimal | None:
    """A price with at most two places, or None for anything else (also NaN, 1e9, a minus)."""
    if not re.fullmatch(r"\d{1,8}(\.\d{1,2})?", text.replace(",", "")):
        return None
    try:
        price = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return price.quantize(CENT) if price <= HIGHEST_PRICE else None


@dataclass(frozen=True)
class Filters:
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    status: str = ""
    agent: str = ""
    call: str = ""


def read_filters(args: Mapping[str, str]) -> Filters:
    status = args.get("status", "")
    return Filters(
        since=moment(args.get("since", "").strip()),
        until=moment(args.get("until", "").strip()),
        text=one_line(args.get("q", ""), 64),
        status=status if status in LABELS["order_status"] else "",
        agent=valid_id(args.get("agent", "")),
        call=valid_id(args.get("call", "")),
    )
