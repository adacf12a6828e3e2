"""Causes of ITU-T Q.850 as they stand in Q.931, in the words of call control and back. Pure."""

from __future__ import annotations

from cards.gateway.causes import REFUSALS, cause_of
from cti.domain.switch.terms import Cause

NORMAL, NO_CIRCUIT, CHANNEL_NOT_AVAILABLE, OUT_OF_ORDER = 16, 34, 44, 27

_OF_E1 = {
    2: Cause.UNREACHABLE,
    22: Cause.UNALLOCATED,
    **dict.fromkeys((41, CHANNEL_NOT_AVAILABLE, 47), Cause.CONGESTION),
}


def from_q850(value: int) -> Cause:
    return _OF_E1.get(value) or cause_of(0, value)


def to_q850(cause: Cause) -> int:
    return REFUSALS[cause].q850
