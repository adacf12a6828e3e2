"""Several phones that ring for one caller: whoever is there first has the caller, the others are let off.

Nobody is made busy for a call that somebody else took, and nobody has missed it. Decides neither who is rung nor what
comes after.
"""

from __future__ import annotations

from cti.domain.calls import Call
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.services.calls import CallControl
from cti.services.centre import Centre

TAKEN = "taken"
"""The notice of an agent whose phone rang for a call that somebody else took; ``Agent.taken_by`` says who."""


def offers(call: Call) -> list[Leg]:
    """Legs of those who are asked to take the caller and do not talk yet."""
    asked = (LegKind.AGENT, LegKind.OUTSIDE)
    return [leg for leg in call.live_legs() if leg.kind in asked and not leg.joined and not leg.released]


def let_off(centre: Centre, control: CallControl, call: Call, taken: Leg) -> None:
    """Somebody is there on the leg ``taken``: the other phones stop ringing, and who picked up too late is out."""
    winner = centre.agents.get(taken.agent_id)
    for leg in [leg for leg in offers(call) if leg is not taken]:
        leg.released, leg.taken_by = True, winner.name if winner is not None else taken.number
        control.hangup(call, leg, Cause.CANCELLED)
