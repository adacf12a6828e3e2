"""An agent whose page was reloaded in a call: a new leg to the phone takes the place of the old one."""

from __future__ import annotations

from dataclasses import replace

from cti.domain.agents import ON_CALL, Agent
from cti.domain.calls import Call
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.services.acd import DEFAULT_RING
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.documents import shown_number
from cti.services.own_call import must_be_up
from cti.services.roles import is_own_phone

REJOIN_RING = 10.0


class Rejoining:
    def __init__(self, centre: Centre, control: CallControl) -> None:
        self._centre = centre
        self._control = control

    def rejoin(self, agent: Agent, device: str) -> None:
        """Raises ``NotAllowedNow`` or ``BadRequest`` and then has changed nothing."""
        found = self._centre.agent_call(agent)
        if found is None or agent.state not in ON_CALL:
            raise NotAllowedNow("there is no call")
        call, old = found
        if device not in (agent.number, f"{agent.number}-web"):
            raise BadRequest("this phone does not belong to the agent", device=device)
        must_be_up(self._centre, call.switch)
        if not old.joined and call.waiting_for_agent != agent.agent_id:
            self._ring_again(call, old, agent, device)
            return
        customer = call.customer
        leg = self._another_leg(call, old, agent, device)
        leg.joined = True
        if leg.kind is LegKind.AGENT:
            call.waiting_for_agent = agent.agent_id
            self._centre.start_timer(f"rejoin:{call.call_id}", REJOIN_RING * 2)
            if customer is not None:
                customer.wants = Audio.MUSIC
        self._control.hangup(call, old)
        caller, target = shown_number(call, leg), self._centre.device_target(call, device)
        self._control.originate(call, leg, target, caller=caller, name=call.ani_name, ring=REJOIN_RING, auto=True)

    def _another_leg(self, call: Call, old: Leg, agent: Agent, device: str) -> Leg:
        """A leg to ``device`` that takes the place of the agent's ``old`` one."""
        old.released = True
        leg = self._centre.new_leg(call, old.kind, device=device, number=agent.number, agent_id=agent.agent_id)
        leg.listens = replace(old.listens, asked=("", "")) if old.listens is not None else None
        agent.device, agent.leg_id = device, leg.leg_id
        agent.registered = self._centre.device_registered(device)
        return leg

    def _ring_again(self, call: Call, old: Leg, agent: Agent, device: str) -> None:
        """Reloaded while it rang: ring the new page; the offer's time starts anew."""
        leg = self._another_leg(call, old, agent, device)
        self._control.hangup(call, old, Cause.CANCELLED)
        self._control.originate(
            call,
            leg,
            self._centre.device_target(call, device),
            caller=shown_number(call, leg),
            name=call.ani_name,
            ring=DEFAULT_RING,
            auto=is_own_phone(call, leg),
        )
