"""Why a call ended, in the words of lines, of SIP (RFC 3261, RFC 3398) and of ITU-T Q.850. Pure tables."""

from __future__ import annotations

from dataclasses import dataclass

from cti.domain.switch.terms import Cause


@dataclass(frozen=True, slots=True)
class Refusal:
    """``code`` and ``phrase`` refuse an INVITE; ``q850`` goes into Reason, in BYE and CANCEL too."""

    code: int
    phrase: str
    q850: int


REFUSALS: dict[Cause, Refusal] = {
    Cause.NORMAL: Refusal(480, "Temporarily Unavailable", 16),
    Cause.BUSY: Refusal(486, "Busy Here", 17),
    Cause.NO_ANSWER: Refusal(480, "Temporarily Unavailable", 19),
    Cause.REJECTED: Refusal(403, "Forbidden", 21),
    Cause.UNALLOCATED: Refusal(404, "Not Found", 1),
    Cause.CONGESTION: Refusal(503, "Service Unavailable", 34),
    Cause.CANCELLED: Refusal(487, "Request Terminated", 16),
    Cause.MEDIA_LOST: Refusal(502, "Bad Gateway", 27),
    Cause.UNREACHABLE: Refusal(503, "Service Unavailable", 20),
    Cause.FAILED: Refusal(500, "Server Internal Error", 41),
}

_BY_Q850: dict[int, Cause] = {
    **dict.fromkeys((16, 31), Cause.NORMAL),
    17: Cause.BUSY,
    **dict.fromkeys((18, 19), Cause.NO_ANSWER),
    21: Cause.REJECTED,
    **dict.fromkeys((1, 28), Cause.UNALLOCATED),
    **dict.fromkeys((34, 38, 42), Cause.CONGESTION),
    **dict.fromkeys((3, 20, 27), Cause.UNREACHABLE),
}
_BY_CODE: dict[int, Cause] = {
    **dict.fromkeys((486, 600), Cause.BUSY),
    **dict.fromkeys((408, 480), Cause.NO_ANSWER),
    **dict.fromkeys((403, 603), Cause.REJECTED),
    **dict.fromkeys((404, 410, 484, 604), Cause.UNALLOCATED),
    487: Cause.CANCELLED,
    503: Cause.CONGESTION,
}


def cause_of(code: int, q850: int | None) -> Cause:
    """Of a final answer, or of a BYE (code 0); Reason says more than the code."""
    if q850 in _BY_Q850:
        return _BY_Q850[q850]
    if q850 is None and not code:
        return Cause.NORMAL
    return _BY_CODE.get(code, Cause.FAILED)
