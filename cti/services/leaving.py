"""Agents who have put down the phone are free before the switch has ended the leg. Must not know how calls end.

A phone that is rung again before the switch has answered its BYE may say that it is busy. That is not the agent's
doing: the call is offered anew, and this phone is never again rung so soon.
"""

from __future__ import annotations

from collections.abc import Callable

from cti.domain.agents import ESTABLISHED
from cti.domain.calls import Call
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.services.centre import Centre

SOON = 0.5
"""Seconds after a BYE in which a phone that says busy may mean the call before."""


class Leaving:
    """``let_go`` frees the agent of a leg."""

    def __init__(self, centre: Centre, let_go: Callable[[Call, Leg], None]) -> None:
        self._centre, self._let_go = centre, let_go
        self._left: dict[str, float] = {}  # by device, when its phone was put down
        self._slow: set[str] = set()

    def leaves(self, call: Call, leg: Leg) -> None:
        agent = self._centre.agents.get(leg.agent_id)
        present = agent is not None and agent.leg_id == leg.leg_id and agent.state in ESTABLISHED
        if not present or leg.kind is not LegKind.AGENT or not leg.joined or leg.device in self._slow:
            return
        self._left[leg.device] = self._centre.now
        self._let_go(call, leg)

    def rung_too_soon(self, leg: Leg, cause: Cause) -> bool:
        left = self._left.get(leg.device)
        if cause not in (Cause.BUSY, Cause.REJECTED) or left is None or not 0 <= self._centre.now - left < SOON:
            return False
        self._slow.add(leg.device)
        self._centre.counters["rung_too_soon"] += 1
        return True
