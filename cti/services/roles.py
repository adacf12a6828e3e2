"""What a leg is in its call, and which legs talk with each other. Only reads."""

from __future__ import annotations

from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.legs import Leg, LegKind


def is_own_phone(call: Call, leg: Leg) -> bool:
    """The leg of the agent who dials: it rings only to start the call."""
    return call.phase is CallPhase.DIALLING and leg.kind is LegKind.AGENT


def is_offer(call: Call, leg: Leg) -> bool:
    """The leg of an agent who was chosen for a customer and has not talked yet: another one can take the call."""
    return leg.kind is LegKind.AGENT and not leg.joined and call.phase is not CallPhase.DIALLING


def wants_partner(call: Call) -> bool:
    return call.phase is CallPhase.DIALLING and call.customer is None and call.live(LegKind.CONSULTED) is None


def takes_callback(call: Call) -> bool:
    """Who answers is to talk with a customer who keeps a place in the queue: now that one is called."""
    waits = call.direction is Direction.OUTBOUND and call.phase is CallPhase.QUEUED
    return waits and bool(call.place) and call.customer is None


def conversation(call: Call) -> tuple[Leg, Leg] | None:
    """The two legs that talk when nobody consults: customer and agent (or outside party), or two colleagues."""
    first = call.customer or call.live(LegKind.AGENT)
    second = call.live(LegKind.AGENT) or call.live(LegKind.OUTSIDE)
    if first is second:
        second = call.live(LegKind.CONSULTED)
    return (first, second) if first is not None and second is not None else None


def heard(call: Call, agent_id: str) -> Leg | None:
    """The leg on which this agent talks in the call."""
    own = (leg for leg in reversed(call.live_legs()) if leg.agent_id == agent_id and leg.listens is None)
    return next((leg for leg in own if leg.joined and not leg.released and leg.pending != "hangup"), None)
