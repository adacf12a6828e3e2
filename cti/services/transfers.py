"""Passing a customer on: at once, after a consultation, or all three together; and taking the customer back."""

from __future__ import annotations

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call, CallPhase, Transfer
from cti.domain.config.agents import is_outside
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.machines.agent import AgentEvent
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.dialling import Dialling
from cti.services.documents import handed_over
from cti.services.own_call import free_colleague, must_be_up, with_customer
from cti.services.phones import OWN_PHONE_RING, ring_time, target_of_leg, way_to
from cti.services.routing import resolve
from cti.services.together import offers
from cti.services.ways_out import way_out


class Transfers:
    """Operations of one agent. Each raises ``NotAllowedNow`` or ``BadRequest`` and then has changed nothing."""

    def __init__(self, centre: Centre, control: CallControl, acd: Acd, dialling: Dialling) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._dialling = dialling

    def transfer(self, agent: Agent, number: str) -> None:
        """Blind: the agent leaves at once, the customer goes on."""
        call, leg, customer = with_customer(self._centre, agent)
        if call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("a consultation is going on")
        destination = resolve(self._centre, number)
        colleague = free_colleague(self._centre, agent, destination.agent_id, call) if destination.agent_id else None
        if colleague is not None:
            way_to(self._centre, call.switch, colleague, call)
        way = way_out(self._centre, call.switch, destination.outside, agent, call) if destination.outside else None
        call.transfers.append(Transfer(self._centre.now, "blind", agent.agent_id, number[:40]))
        self._centre.handed_over[agent.agent_id] = call.call_id
        self._leave(call, leg)
        self._centre.log_call("diverted", call)
        if colleague is not None:
            call.phase = CallPhase.CONNECTED
            self._control.hear(call, customer, Audio.MUSIC)
            self._acd.offer(call, colleague)
        elif way is not None:
            self._control.hear(call, customer, Audio.MUSIC)
            self._dialling.call_outside(call, LegKind.OUTSIDE, way, destination.outside)
        else:
            self._acd.enqueue(call, destination.queue_id)

    def consult(self, agent: Agent, number: str) -> None:
        """Customer to music, then call the target."""
        call, leg, _ = with_customer(self._centre, agent)
        if call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("a consultation is going on")
        destination = resolve(self._centre, number)
        if destination.queue_id:
            raise BadRequest("a queue cannot be consulted", number=number[:40])
        colleague = free_colleague(self._centre, agent, destination.agent_id, call) if destination.agent_id else None
        if colleague is not None:
            way_to(self._centre, call.switch, colleague, call)
        way = way_out(self._centre, call.switch, destination.outside, agent, call) if destination.outside else None
        self._control.hold(call, leg)
        self._acd.agents.event(agent, AgentEvent.HOLD)
        self._control.hear(call, leg, Audio.RINGBACK)
        if colleague is not None:
            self._acd.offer(call, colleague, LegKind.CONSULTED)
        elif way is not None:
            self._dialling.call_outside(call, LegKind.CONSULTED, way, destination.outside)

    def complete(self, agent: Agent) -> None:
        """Customer to the consulted party; while that still rings the customer waits with music."""
        call, leg, _ = with_customer(self._centre, agent)
        target = call.live(LegKind.CONSULTED)
        if target is None:
            raise NotAllowedNow("nobody is consulted")
        self.hand_over(call, agent, leg, target)

    def conference(self, agent: Agent) -> None:
        """Customer, agent and the consulted party all together."""
        call, leg, customer = with_customer(self._centre, agent)
        target = call.live(LegKind.CONSULTED)
        if target is None or not target.there:
            raise NotAllowedNow("nobody is consulted")
        if call.room:
            raise NotAllowedNow("it is a conference already")
        transfer = Transfer(self._centre.now, "conference", agent.agent_id, target.number, target.agent_id)
        call.transfers.append(transfer)
        self._control.confer(call, customer, leg, target)

    def take_back(self, agent: Agent) -> None:
        """End the consultation, or drop the third of a conference; or fetch the customer of a blind transfer that
        nobody has answered yet. The customer comes back."""
        transferred = handed_over(self._centre, agent)
        if transferred is not None and not agent.call_id:
            self._fetch(agent, transferred)
            return
        call, leg, customer = with_customer(self._centre, agent)
        target = call.live(LegKind.CONSULTED)
        if target is not None:
            target.released = True
            self._control.hangup(call, target, Cause.NORMAL if target.answered else Cause.CANCELLED)
        elif agent.state is not AgentState.HOLD:
            raise NotAllowedNow("nobody is consulted")
        self._control.retrieve(call, leg, customer)

    def _fetch(self, agent: Agent, call: Call) -> None:
        must_be_up(self._centre, call.switch)
        if not agent.registered:
            raise NotAllowedNow("the phone is not registered", notice="device_lost")
        way_to(self._centre, call.switch, agent, call)
        ringing = offers(call)
        leg = self._centre.new_leg(
            call, LegKind.AGENT, device=agent.device, number=agent.number, agent_id=agent.agent_id
        )
        if not self._acd.agents.take(agent, call, leg):
            call.legs.remove(leg)
            self._centre.channels.pop(leg.channel, None)
            raise NotAllowedNow("not in this state", state=str(agent.state))
        target, caller = target_of_leg(self._centre, call, leg, agent)
        call.transfers[-1].result = "taken_back"
        self._acd.leave(call, answered=None)
        call.phase = CallPhase.CONNECTED
        for other in ringing:
            other.released = True
            self._control.hangup(call, other, Cause.CANCELLED)
        ring, auto = ring_time(agent, OWN_PHONE_RING), not is_outside(agent.device)
        self._control.originate(call, leg, target, caller=caller, name=call.ani_name, ring=ring, auto=auto)

    def hand_over(self, call: Call, agent: Agent, leg: Leg, target: Leg) -> None:
        call.transfers.append(Transfer(self._centre.now, "consult", agent.agent_id, target.number))
        self._leave(call, leg)
        self.promote(call, target)

    def promote(self, call: Call, target: Leg) -> None:
        """The consulted party takes over the customer, now or as soon as they answer."""
        target.kind = LegKind.AGENT if target.agent_id else LegKind.OUTSIDE
        call.phase = CallPhase.CONNECTED
        if target.agent_id:
            self._centre.dirty_agents.add(target.agent_id)
        customer = call.customer
        if customer is not None and target.there:
            self._control.join(call, customer, target)

    def _leave(self, call: Call, leg: Leg) -> None:
        leg.released = True
        call.pair = None
        self._control.hangup(call, leg)
