"""Truth table: why a channel ended."""

from __future__ import annotations

import pytest

from cti.domain.switch.terms import Cause
from cti.switches.asterisk import causes

N, Y = False, True


@pytest.mark.parametrize(
    ("q850", "answered", "by_far_side", "incoming", "asked", "cause"),
    [
        ("16", Y, Y, Y, None, Cause.NORMAL),
        ("0", Y, Y, Y, None, Cause.NORMAL),
        ("127", N, Y, Y, None, Cause.CANCELLED),
        ("16", N, Y, Y, None, Cause.CANCELLED),
        ("17", N, Y, N, None, Cause.BUSY),
        ("21", N, Y, N, None, Cause.REJECTED),
        ("19", N, N, N, None, Cause.NO_ANSWER),
        ("18", N, Y, N, None, Cause.NO_ANSWER),
        ("20", N, N, N, None, Cause.UNREACHABLE),
        ("3", N, N, N, None, Cause.UNREACHABLE),
        ("1", N, Y, N, None, Cause.UNALLOCATED),
        ("34", N, Y, N, None, Cause.CONGESTION),
        ("44", N, N, N, None, Cause.CONGESTION),
        ("44", Y, N, Y, None, Cause.MEDIA_LOST),
        ("27", Y, Y, Y, None, Cause.MEDIA_LOST),
        ("27", N, Y, N, None, Cause.UNREACHABLE),
        ("", N, N, N, None, Cause.FAILED),
        ("x", Y, N, N, None, Cause.NORMAL),
        ("16", N, N, N, Cause.NORMAL, Cause.CANCELLED),
        ("17", N, N, Y, Cause.BUSY, Cause.BUSY),
        ("16", Y, N, Y, Cause.NORMAL, Cause.NORMAL),
    ],
)
def test_cause(q850: str, answered: bool, by_far_side: bool, incoming: bool, asked: Cause | None, cause: Cause) -> None:
    found = causes.ended(q850, answered=answered, by_far_side=by_far_side, incoming=incoming, asked=asked)
    assert found is cause


def test_every_cause_can_be_sent() -> None:
    assert set(causes.TO_Q850) == set(Cause)


@pytest.mark.parametrize(("reason", "cause"), [("0", Cause.UNREACHABLE), ("5", Cause.BUSY), ("3", Cause.NO_ANSWER)])
def test_no_channel_came_of_it(reason: str, cause: Cause) -> None:
    assert causes.not_originated(reason) is cause
