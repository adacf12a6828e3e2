"""Calls out: of agents, who dial at their desk or on the phone itself, and by the next trunk where one fails."""

from __future__ import annotations

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.config.agents import is_outside
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.own_call import free_colleague
from cti.services.phones import OWN_PHONE_RING, ring_time, target_of_leg, way_to
from cti.services.routing import OUTSIDE_RING, Destination, resolve
from cti.services.ways_out import WayOut, taken, way_out

TRUNK_FAILED = (Cause.CONGESTION, Cause.UNREACHABLE)


class Dialling:
    """What an agent asks for raises ``NotAllowedNow`` or ``BadRequest`` and then has changed nothing."""

    def __init__(self, centre: Centre, control: CallControl, acd: Acd) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd

    def dial(self, agent: Agent, number: str) -> None:
        """The agent's phone first, then the number: a colleague, or outside."""
        if agent.state not in (AgentState.READY, AgentState.NOT_READY, AgentState.WRAP_UP) or agent.call_id:
            raise NotAllowedNow("not in this state", state=str(agent.state))
        if not agent.registered:
            raise NotAllowedNow("the phone is not registered", notice="device_lost")
        switch = self._centre.device_home(agent.device)
        if not switch:
            raise NotAllowedNow("the switch of the phone cannot be reached", device=agent.device)
        destination = self._dial_destination(agent, number, switch)
        way_to(self._centre, switch, agent)
        call = self._new_call_out(agent, switch, destination)
        leg = self._centre.new_leg(
            call, LegKind.AGENT, device=agent.device, number=agent.number, agent_id=agent.agent_id
        )
        self._acd.agents.take(agent, call, leg)
        target, caller = target_of_leg(self._centre, call, leg, agent)
        outside = is_outside(agent.device)
        shown, ring = caller if outside else call.dnis, ring_time(agent, OWN_PHONE_RING)
        self._control.originate(call, leg, target, caller=shown, ring=ring, auto=not outside)
        self._centre.log_call("serviceInitiated", call)

    def _dial_destination(self, agent: Agent, number: str, switch: str) -> Destination:
        destination = resolve(self._centre, number)
        if destination.queue_id:
            raise BadRequest("a queue cannot be dialled", number=number)
        if destination.agent_id:
            free_colleague(self._centre, agent, destination.agent_id)
        else:
            way_out(self._centre, switch, destination.outside, agent)
        return destination

    def _new_call_out(self, agent: Agent, switch: str, destination: Destination) -> Call:
        direction = Direction.INTERNAL if destination.agent_id else Direction.OUTBOUND
        call = self._centre.new_call(switch, direction, CallPhase.DIALLING)
        call.ani = agent.number
        call.dnis = destination.outside or self._centre.agents[destination.agent_id].number
        return call

    def dialled_by_phone(self, agent: Agent, call: Call, leg: Leg) -> None:
        """The agent dialled on the phone itself: its channel is already there."""
        self._dial_destination(agent, call.dnis, call.switch)
        if not self._acd.agents.take(agent, call, leg):
            raise NotAllowedNow("not in this state", state=str(agent.state))
        leg.agent_id = agent.agent_id

    def call_partner(self, call: Call, agent_leg: Leg) -> None:
        """The dialling agent is on the phone: now call the other side."""
        if call.direction is Direction.INTERNAL:
            colleague = self._centre.agent_by_number(call.dnis)
            free = colleague is not None and self._centre.can_be_offered(colleague, call)
            if colleague is None or not free or self._acd.offer(call, colleague, LegKind.CONSULTED) is None:
                self._centre.notice(agent_leg, "target_failed")
                self._control.hangup_all(call)
            self._control.hear(call, agent_leg, Audio.RINGBACK)
            return
        try:
            way = way_out(self._centre, call.switch, call.dnis, self._centre.agents.get(agent_leg.agent_id))
        except (NotAllowedNow, BadRequest):
            self._centre.notice(agent_leg, "target_failed")
            self._control.hangup_all(call)
            return
        call.trunk = way.trunk
        self.call_outside(call, LegKind.CUSTOMER, way, call.dnis)
        self._centre.log_call("originated", call)
        self._control.hear(call, agent_leg, Audio.RINGBACK)

    def another_trunk(self, call: Call, leg: Leg, cause: Cause) -> bool:
        """The trunk failed before a phone rang: the same number by the next one. False: there is none to try."""
        waits = call.live(LegKind.AGENT) if leg.kind is not LegKind.OUTSIDE else call.customer
        dialled = leg.kind in (LegKind.CONSULTED, LegKind.OUTSIDE) or call.phase is CallPhase.DIALLING
        rang = leg.answered or leg.alerting_at is not None
        if not leg.trunk or not dialled or rang or leg.released or waits is None or cause not in TRUNK_FAILED:
            return False
        tried = {one.trunk for one in call.legs if one.number == leg.number}
        agent = self._centre.agents.get(waits.agent_id)
        passed = None if leg.kind is LegKind.CUSTOMER else call
        try:
            way = way_out(self._centre, call.switch, leg.number, agent, passed, tried)
        except (NotAllowedNow, BadRequest):
            return False
        if leg.kind is LegKind.CUSTOMER:
            call.trunk = way.trunk
        self.call_outside(call, leg.kind, way, leg.number)
        return True

    def call_outside(self, call: Call, kind: LegKind, way: WayOut, number: str) -> None:
        taken(self._centre, way)
        leg = self._centre.new_leg(call, kind, number=number, trunk=way.trunk)
        self._control.originate(call, leg, way.target, caller=way.caller, ring=self._outside_ring(call))

    def _outside_ring(self, call: Call) -> float:
        """Seconds; a number of a ring group rings as long as the group says."""
        groups = self._centre.config.groups if call.at_group else ()
        return next((g.ring_timeout for g in groups if g.id == call.group), OUTSIDE_RING)
