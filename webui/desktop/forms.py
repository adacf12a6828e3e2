"""What the page may ask of the engine: each operation with its arguments, checked one by one. No HTML forms here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cti.domain.errors import BadRequest
from webui.common.phones import diallable

Arguments = dict[str, Any]
LONGEST_WRAPUP = 600


def digits(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9*#]{1,40}", value):
        raise BadRequest("digits are 0-9, * and #", field="digits")
    return value


def number(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 128:
        raise BadRequest("a number is wanted", field="number")
    return diallable(value)


def reason(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", value):
        raise BadRequest("a reason code is wanted", field="reason")
    return value


def seconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= LONGEST_WRAPUP:
        raise BadRequest(f"1 to {LONGEST_WRAPUP} seconds", field="seconds")
    return int(value)


def page_id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f-]{36}", value):
        raise BadRequest("a page id is wanted", field="page")
    return value


OPERATIONS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "state": {},
    "login": {},
    "logout": {},
    "ready": {},
    "not_ready": {"reason": reason},
    "answer": {},
    "hangup": {},
    "hold": {},
    "retrieve": {},
    "digits": {"digits": digits},
    "dial": {"number": number},
    "transfer": {"number": number},
    "consult": {"number": number},
    "complete": {},
    "conference": {},
    "take_back": {},
    "wrapup_done": {},
    "wrapup_extend": {"seconds": seconds},
    "rejoin": {},
}
WITH_DEVICE = frozenset({"login", "rejoin"})


def command(body: Any) -> tuple[str, Arguments]:
    """The operation and its checked arguments; anything else in the body is left out. Raises ``BadRequest``."""
    if not isinstance(body, dict) or body.get("op") not in OPERATIONS:
        raise BadRequest("unknown operation", field="op")
    op = str(body["op"])
    return op, {name: check(body.get(name)) for name, check in OPERATIONS[op].items()}
