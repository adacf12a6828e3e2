"""What the far side's answer to a call was, as one key that pages put into words. RFC 3261 and its additions."""

from __future__ import annotations

from typing import Final

from cti.domain.switch.terms import Cause

_STATUS: Final[dict[int, str]] = {
    401: "wrong_password",
    402: "refused",
    403: "forbidden",
    404: "no_such_number",
    406: "codec",
    407: "wrong_password",
    408: "no_reply",
    410: "number_changed",
    415: "codec",
    420: "not_understood",
    480: "unavailable",
    481: "cut_off",
    482: "loop",
    483: "loop",
    484: "incomplete",
    485: "no_such_number",
    486: "busy",
    487: "cancelled",
    488: "codec",
    493: "encryption",
    500: "trouble",
    501: "not_understood",
    502: "trouble",
    503: "congestion",
    504: "no_reply",
    505: "not_understood",
    513: "not_understood",
    580: "trouble",
    600: "busy",
    603: "declined",
    604: "no_such_number",
    606: "codec",
    607: "declined",
    608: "declined",
}
_CLASS: Final[dict[int, str]] = {3: "moved", 4: "refused", 5: "trouble", 6: "declined"}
_CAUSE: Final[dict[Cause, str]] = {
    Cause.NORMAL: "cut_off",
    Cause.BUSY: "busy",
    Cause.NO_ANSWER: "no_answer",
    Cause.REJECTED: "declined",
    Cause.UNALLOCATED: "no_such_number",
    Cause.CONGESTION: "congestion",
    Cause.CANCELLED: "cancelled",
    Cause.MEDIA_LOST: "no_sound",
    Cause.UNREACHABLE: "no_reply",
    Cause.FAILED: "failed",
}
ANSWERED: Final = "answered"
KEYS: Final = frozenset({ANSWERED, *_STATUS.values(), *_CLASS.values(), *_CAUSE.values()})


def explain(status: int, cause: str, *, answered: bool = False) -> str:
    """The key for a call that ended with ``status`` (0: none was given) and ``cause``."""
    if answered:
        return ANSWERED
    if status:
        return _STATUS.get(status) or _CLASS.get(status // 100, "failed")
    try:
        return _CAUSE[Cause(cause)]
    except ValueError:
        return "failed"
