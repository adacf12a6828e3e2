"""What a board can do, and why not where it is closed. Data and one rule.

HOLD_EVENTS is the flash key. What is CLOSED holds for every analog board; where a vendor's can do one of them all the
same, its host says so.
"""

from __future__ import annotations

from collections.abc import Collection

from cti.domain.switch.terms import Capability

CLOSED: dict[Capability, str] = {
    Capability.REMOTE_ANSWER: "nothing on an analog line makes a telephone pick up",
    Capability.AUTO_ANSWER: "nothing on an analog line asks a telephone to pick up by itself",
    Capability.DECLINE: "an analog telephone can be left to ring, it cannot refuse",
    Capability.SPY: "this board cannot let one of two who talk hear what the other does not",
    Capability.TEST_CALL: "a board places calls, it cannot make its own line ring; a simulated one can",
    Capability.SILENCE_END: "a board does not tell how loud a line is while it records it",
    Capability.CALLER_NAME: "the vendor's interface gives the number only",
    Capability.WATCH: "this board has no recording channel",
}

OPEN = frozenset(Capability) - frozenset(CLOSED)


def of_host(named: Collection[object]) -> frozenset[Capability]:
    """The open capabilities of a board whose host names these besides."""
    return OPEN | frozenset(one for one in Capability if one.value in named)
