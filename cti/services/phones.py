"""How an agent's phone is rung: one of ours by its name, or the agent's number outside through a trunk.

A number outside is the one in the settings, never one that came with a request.
"""

from __future__ import annotations

from cti.domain.agents import Agent
from cti.domain.calls import Call
from cti.domain.config.agents import is_outside
from cti.domain.errors import NotAllowedNow
from cti.domain.legs import Leg
from cti.domain.switch.commands import Target
from cti.services.centre import Centre
from cti.services.documents import shown_number
from cti.services.ways_out import WayOut, way_out

LEAST_RING_OUTSIDE = 30.0
"""Seconds a number outside rings at least: a mobile network takes a while to find the phone."""

OWN_PHONE_RING = 20.0
"""Seconds that somebody's own phone rings, for a call that they asked for."""


def way_to(centre: Centre, switch: str, agent: Agent, call: Call | None = None) -> WayOut | None:
    """The trunk to an agent who is outside; ``None`` to a phone of ours. Raises as ``way_out``."""
    if not is_outside(agent.device):
        return None
    if not agent.outside:
        raise NotAllowedNow("no number outside is set for this agent", number=agent.number)
    return way_out(centre, switch, agent.outside, agent, call)


def target_of_leg(centre: Centre, call: Call, leg: Leg, agent: Agent) -> tuple[Target, str]:
    """What to dial for this leg of the agent, and the number to show. Raises as ``way_out``."""
    way = way_to(centre, call.switch, agent, call)
    if way is None:
        return centre.device_target(call, leg.device), shown_number(call, leg)
    leg.trunk = way.trunk
    return way.target, way.caller


def ring_time(agent: Agent, seconds: float) -> float:
    return max(seconds, LEAST_RING_OUTSIDE) if is_outside(agent.device) else seconds
