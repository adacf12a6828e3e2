"""A call that comes in: from a caller outside, or from one of our phones on which somebody dials."""

from __future__ import annotations

from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.errors import BadRequest, CallyardError
from cti.domain.legs import LegKind
from cti.domain.switch.commands import Answer
from cti.domain.switch.events import ChannelOffered
from cti.domain.switch.terms import Cause
from cti.domain.trunks import apply_rules
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.dialling import Dialling
from cti.services.requests import TEST_CALL_COMES_WITHIN, TEXT_LIMIT
from cti.services.routing import Routing
from cti.services.rules import target_of
from cti.services.watched import clean
from cti.services.ways_out import is_full


class Arrivals:
    def __init__(self, centre: Centre, control: CallControl, routing: Routing, dialling: Dialling) -> None:
        self._centre = centre
        self._control = control
        self._routing = routing
        self._dialling = dialling

    def offered(self, switch: str, event: ChannelOffered) -> None:
        if event.channel in self._centre.channels:
            return
        call = self._centre.new_call(switch, Direction.INBOUND, CallPhase.OFFERED)
        call.ani, call.ani_name = clean(event.caller_number, 64), clean(event.caller_name, TEXT_LIMIT)
        call.dnis, call.trunk = clean(event.dialed, 64), event.trunk
        trunk = next((trunk for trunk in self._centre.config.trunks if trunk.id == event.trunk), None)
        full = trunk is not None and is_full(self._centre, trunk)
        if trunk is not None:
            call.dnis, call.ani = apply_rules(trunk.did_rules, call.dnis), apply_rules(trunk.caller_rules, call.ani)
        call.test = self._centre.now - self._centre.test_callers.pop(call.ani, 0.0) < TEST_CALL_COMES_WITHIN
        agent = self._centre.agent_by_number(event.device.removesuffix("-web")) if event.device else None
        if event.device and target_of(self._centre.config, call.dnis) is None:
            self._dialled_by_phone(call, event, agent.agent_id if agent is not None else "")
            return
        leg = self._centre.new_leg(
            call, LegKind.CUSTOMER, event.channel, device=event.device, number=call.ani, trunk=event.trunk
        )
        leg.controlled = True
        self._centre.log_call("offered", call)
        if full:
            self._control.hangup_all(call, Cause.CONGESTION, "system")
            return
        self._routing.caller_offered(call, leg)
        self._control.remember(call)

    def _dialled_by_phone(self, call: Call, event: ChannelOffered, agent_id: str) -> None:
        agent = self._centre.agents.get(agent_id)
        call.phase, call.direction = CallPhase.DIALLING, Direction.OUTBOUND
        leg = self._centre.new_leg(call, LegKind.AGENT, event.channel, device=event.device, number=event.device)
        leg.controlled = True
        try:
            if agent is None or agent.device != event.device:
                raise BadRequest("this phone has nobody logged in")
            if self._centre.agent_by_number(call.dnis) is not None:
                call.direction = Direction.INTERNAL
            call.ani = agent.number
            self._dialling.dialled_by_phone(agent, call, leg)
        except CallyardError:
            self._control.hangup_all(call, Cause.REJECTED, "system")
            return
        self._centre.command(call, Answer(leg.channel))
        self._centre.log_call("serviceInitiated", call)
