"""What comes in with a step of an order: plain values out of a form, or ``BadRequest`` and ``OrderRefused``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from werkzeug.exceptions import BadRequest

from cti.domain.errors import OrderRefused
from cti.domain.orders import OrderStatus, ReturnKind
from cti.domain.phones import normalise
from cti.machines.order import OrderEvent
from cti.store.order_effects import Inspected, Sent, Wanted
from webui.common.i18n import choose_timezone
from webui.common.ids import row_id
from webui.common.text import one_line

MOST_PIECES = 9_999
BULK = (OrderEvent.CONFIRM, OrderEvent.HOLD, OrderEvent.RESUME, OrderEvent.VOID, OrderEvent.REOPEN)
MOST_AT_ONCE = 100
MERGE = "merge"
LONGEST = {"recipient": 128, "city": 128, "line": 255, "postcode": 16}


def event_of(text: Any) -> OrderEvent:
    try:
        return OrderEvent(text)
    except ValueError:
        raise BadRequest from None


def seen_of(text: str) -> OrderStatus | None:
    return OrderStatus(text) if text in list(OrderStatus) else None


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def until_of(text: Any) -> datetime | None:
    """The begin of a day of the user's, or nothing."""
    from zoneinfo import ZoneInfo

    day = day_of(text) if isinstance(text, str) else None
    if day is None or not 2000 <= day.year <= 2200:
        return None
    return datetime.combine(day, time(), ZoneInfo(choose_timezone()))


def pieces(form: Mapping[str, str], prefix: str) -> dict[int, int]:
    """Numbers of pieces by line, from fields ``<prefix>-<line id>``."""
    found: dict[int, int] = {}
    for name, text in form.items():
        if not name.startswith(f"{prefix}-") or not text.strip():
            continue
        if not text.strip().isdecimal() or len(text) > 6 or int(text) > MOST_PIECES:
            raise OrderRefused("not a number of pieces", why="pieces")
        if int(text):
            found[row_id(name.removeprefix(f"{prefix}-"))] = int(text)
    return found


def facts(event: OrderEvent, form: Mapping[str, str]) -> dict[str, Any]:
    """What ``advance`` needs for ``event``."""
    if event is OrderEvent.SHIP:
        return {"sent": Sent(row_id(form.get("carrier")), one_line(form.get("waybill", ""), 64))}
    if event is OrderEvent.RETURN:
        kind = ReturnKind.EXCHANGE if form.get("kind") == ReturnKind.EXCHANGE else ReturnKind.RETURN
        return {"wanted": Wanted(pieces(form, "take"), kind)}
    if event in (OrderEvent.RECEIVE, OrderEvent.RECEIVE_PART, OrderEvent.EXCHANGE):
        return {"inspected": Inspected(pieces(form, "good"), pieces(form, "bad"))}
    if event is OrderEvent.HOLD:
        return {"until": until_of(form.get("until", ""))}
    return {}


def reason_of(text: Any) -> str:
    return str(one_line(text, 255)) if isinstance(text, str) else ""


def address(form: Mapping[str, str]) -> dict[str, str]:
    """What was sent of an address; an empty phone number is left as it is, for who may not see it."""
    found = {name: one_line(form[name], longest) for name, longest in LONGEST.items() if name in form}
    phone = normalise(one_line(form.get("phone", ""), 32))
    return found | ({"phone": phone} if phone else {})
