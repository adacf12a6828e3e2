"""Why a channel ended, out of what Asterisk says (Q.850, ITU-T) and what we know. Numbers in, ``Cause`` out."""

from __future__ import annotations

from cti.domain.switch.terms import Cause

_Q850: dict[int, Cause] = {
    1: Cause.UNALLOCATED,
    3: Cause.UNREACHABLE,
    16: Cause.NORMAL,
    17: Cause.BUSY,
    18: Cause.NO_ANSWER,
    19: Cause.NO_ANSWER,
    20: Cause.UNREACHABLE,
    21: Cause.REJECTED,
    22: Cause.UNREACHABLE,  # so says another switch of ours of a phone that is not registered there
    26: Cause.NORMAL,
    27: Cause.UNREACHABLE,
    28: Cause.UNALLOCATED,
    31: Cause.NORMAL,
    34: Cause.CONGESTION,
    38: Cause.CONGESTION,
    41: Cause.CONGESTION,
    42: Cause.CONGESTION,
    44: Cause.CONGESTION,
}
_UNSAID = (0, 127)
BROKEN = 27  # the line itself, as a gateway says of one that is unplugged

TO_Q850: dict[Cause, int] = {
    Cause.NORMAL: 16,
    Cause.BUSY: 17,
    Cause.NO_ANSWER: 19,
    Cause.REJECTED: 21,
    Cause.UNALLOCATED: 1,
    Cause.CONGESTION: 34,
    Cause.CANCELLED: 16,
    Cause.MEDIA_LOST: 16,
    Cause.UNREACHABLE: 20,
    Cause.FAILED: 41,
}

_REASON: dict[str, Cause] = {"1": Cause.NO_ANSWER, "3": Cause.NO_ANSWER, "5": Cause.BUSY, "8": Cause.CONGESTION}


def ended(
    q850: str, *, answered: bool, by_far_side: bool, incoming: bool, asked: Cause | None, relayed: bool = False
) -> Cause:
    """The cause of a ``Hangup`` event. ``asked`` is ours if we hung up; it wins.

    ``relayed``: the far side is a switch of ours, so that its word for a phone that was lost is taken.
    """
    if asked is not None:
        return Cause.CANCELLED if asked is Cause.NORMAL and not answered else asked
    code = int(q850) if q850.isdigit() else 0
    if answered:
        if code == 44 and (relayed or not by_far_side):
            return Cause.MEDIA_LOST
        if code == BROKEN:
            return Cause.MEDIA_LOST
        return Cause.NORMAL if code in _UNSAID else _Q850.get(code, Cause.FAILED)
    if incoming and by_far_side:
        return Cause.CANCELLED
    return _Q850.get(code, Cause.FAILED)


def not_originated(reason: str) -> Cause:
    """The cause of an Originate that failed before there was a channel (``Reason`` of OriginateResponse)."""
    return _REASON.get(reason, Cause.UNREACHABLE)
