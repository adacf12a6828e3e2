"""What it means for a call that a leg rang, was answered or was joined."""

from __future__ import annotations

from cti.domain.agents import ESTABLISHED, AgentState
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.machines.agent import AgentEvent
from cti.machines.connection import LegEvent
from cti.services.acd import Acd
from cti.services.answering import Answering
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.dialling import Dialling
from cti.services.listening import Listening
from cti.services.roles import conversation, is_own_phone, takes_callback, wants_partner
from cti.services.routing import Routing
from cti.services.together import let_off, offers


class Lifecycle:
    def __init__(self, centre: Centre, control: CallControl, acd: Acd, routing: Routing, dialling: Dialling) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._routing = routing
        self._dialling = dialling
        self.listening = Listening(centre, control, acd.agents)
        self.answering = Answering(centre, self._join_conversation, self._there)

    # ------------------------------------------------------------ ringing, answer

    def ringing(self, call: Call, leg: Leg) -> None:
        first = leg.alerting_at is None
        self._centre.leg_event(leg, LegEvent.RING)
        agent = self._centre.agent_of(leg)
        rejoining = agent is not None and agent.state in ESTABLISHED
        if agent is not None and not rejoining and not leg.released and not is_own_phone(call, leg):
            self._acd.agents.event(agent, AgentEvent.ALERT)
        self._centre.touch_agents(call)
        if first:
            self._centre.log_call("delivered", call)

    def answered(self, call: Call, leg: Leg) -> None:
        if leg.answered:
            return
        self._control.answered(leg)
        self._centre.touch_agents(call)
        if leg.released or leg.pending == "hangup":
            return
        if not self.answering.asks(call, leg):
            self._there(call, leg)

    def _there(self, call: Call, leg: Leg) -> None:
        """Somebody is at this end now: what comes next?"""
        if leg in offers(call):
            let_off(self._centre, self._control, call, leg)
        if leg.listens is not None:
            self.listening.answered(call, leg)
        elif leg.kind is LegKind.CUSTOMER:
            if call.direction is Direction.INBOUND:
                self._routing.caller_answered(call)
            else:
                self._join_conversation(call)
        elif leg.kind is LegKind.AGENT and takes_callback(call):
            call.phase = CallPhase.DIALLING
            self._dialling.call_partner(call, leg)
        elif leg.kind is LegKind.AGENT and wants_partner(call):
            self._dialling.call_partner(call, leg)
        elif leg.kind is LegKind.CONSULTED:
            self._join_consultation(call, leg)
        elif leg.kind is LegKind.AGENT and call.waiting_for_agent:
            self._agent_back(call, leg)
        elif not self.answering.greets(call, leg):
            self._join_conversation(call)

    def _agent_back(self, call: Call, leg: Leg) -> None:
        """The agent's phone was called anew in the conversation: on with it where it was."""
        call.waiting_for_agent = ""
        self._centre.stop_timer(f"rejoin:{call.call_id}")
        agent, target = self._centre.agent_of(leg), call.live(LegKind.CONSULTED)
        if call.room:
            self._control.confer(call, leg)
        elif target is not None and call.customer is not None:
            if target.there:
                self._control.join(call, leg, target)
        elif agent is not None and agent.state is AgentState.HOLD:
            self._centre.leg_event(leg, LegEvent.HOLD)
            self._control.settle(call)
        else:
            self._join_conversation(call)

    def _join_conversation(self, call: Call) -> None:
        pair = conversation(call)
        if pair is None:
            self._control.hangup_all(call, Cause.CANCELLED)
        elif all(leg.there for leg in pair):
            self._control.join(call, *pair)

    def _join_consultation(self, call: Call, target: Leg) -> None:
        agent_leg = call.live(LegKind.AGENT)
        if call.room:
            self._control.confer(call, target)
        elif agent_leg is None:
            self._control.hangup(call, target, Cause.CANCELLED)
        else:
            self._control.join(call, agent_leg, target)

    # ------------------------------------------------------------ joined

    def bridged(self, call: Call, channel: str, peer: str) -> None:
        if not self._control.bridged(call, channel, peer) or call.pair is None:
            return
        legs = [call.leg(leg_id) for leg_id in call.pair]
        for leg in legs:
            self._centre.leg_event(leg, LegEvent.JOIN)
            leg.joined = True
            agent = self._centre.agent_of(leg)
            if agent is not None:
                self._acd.agents.event(agent, AgentEvent.ESTABLISH)
        customer = call.customer
        if customer is not None and customer in legs:
            self._acd.last_agents.served(call, next((leg.agent_id for leg in legs if leg.agent_id), ""))
            self._acd.leave(call, answered=True)
            self._routing.callbacks.reached(call)
            call.phase, call.first_in_line = CallPhase.CONNECTED, False
            call.answered_at = call.answered_at or self._centre.now
            self._finish_transfers(call)
            self._control.remember(call)
        elif call.direction is Direction.INTERNAL:
            call.phase, call.answered_at = CallPhase.CONNECTED, call.answered_at or self._centre.now
        self._centre.touch_agents(call)
        self._centre.log_call("established", call)

    def conferenced(self, call: Call, leg: Leg, room: str) -> None:
        if not self._control.conferenced(call, leg, room):
            return
        for one in call.members():
            self._centre.leg_event(one, LegEvent.JOIN)
            one.joined = True
            agent = self._centre.agent_of(one)
            if agent is not None:
                self._acd.agents.event(agent, AgentEvent.ESTABLISH)
        for transfer in call.transfers:
            if transfer.kind == "conference" and transfer.result == "started":
                transfer.result = "completed"
        self._centre.touch_agents(call)
        self._centre.log_call("conferenced", call)

    def _finish_transfers(self, call: Call) -> None:
        for transfer in call.transfers:
            if transfer.kind == "conference" and transfer.result == "started":
                transfer.result = "failed"
            elif transfer.result == "started":
                transfer.result = "completed"
                agent_leg = call.live(LegKind.AGENT)
                transfer.to_agent = agent_leg.agent_id if agent_leg is not None else ""
                self._centre.log_call("transferred", call)
