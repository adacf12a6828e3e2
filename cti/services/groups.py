"""Ring groups: phones that ring for a caller, all at once or one after the other, and where the call goes then.

Members who cannot be rung now are passed over, so that a group of nobody costs no time. Must not know what the further
target is.
"""

from __future__ import annotations

from collections.abc import Callable

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call, CallPhase
from cti.domain.config.agents import is_outside
from cti.domain.config.routes import MemberKind, RingGroupConfig, RingMember, RingOrder, RouteTarget, TargetKind
from cti.domain.errors import CallyardError
from cti.domain.legs import Audio, LegKind
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.together import offers
from cti.services.ways_out import is_reachable, taken, way_out

MOST = 10
"""Ring groups that one call is sent to, however they lead to each other."""


class Groups:
    """``go_on`` sends the call to a further target."""

    def __init__(
        self, centre: Centre, control: CallControl, acd: Acd, go_on: Callable[[Call, RouteTarget], None]
    ) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._go_on = go_on

    def find(self, group_id: str) -> RingGroupConfig | None:
        return next((group for group in self._centre.config.groups if group.id == group_id), None)

    def can_ring(self, call: Call, group_id: str) -> bool:
        """Somebody of the group could be rung for this call now."""
        group = self.find(group_id)
        return group is not None and any(self._can_ring(call, member) for member in group.members)

    # ------------------------------------------------------------ ringing

    def begin(self, call: Call, group_id: str) -> None:
        customer = call.customer
        if customer is None:
            return
        call.phase, call.menu = CallPhase.OFFERED, None
        call.group, call.group_at, call.groups = group_id, 0, call.groups + 1
        self._control.hear(call, customer, Audio.SILENCE)  # no music of a queue any more
        self._control.hear(call, customer, Audio.RINGBACK)
        self._control.remember(call)
        self.resume(call)

    def resume(self, call: Call) -> None:
        """Ring who is next; when there is nobody left, on to the further target."""
        group = self.find(call.group) if call.groups <= MOST else None
        while group is not None and call.group_at < len(group.members):
            steps = len(group.members) if group.order is RingOrder.AT_ONCE else 1
            members = group.members[call.group_at : call.group_at + steps]
            call.group_at += len(members)
            for member in members:
                self._ring(call, member, group.ring_timeout)
            if offers(call):
                return
        call.group = ""
        if (customer := call.customer) is not None:
            self._control.hear(call, customer, Audio.SILENCE)
        self._go_on(call, group.otherwise if group is not None else RouteTarget(TargetKind.HANGUP))

    def leg_gone(self, call: Call) -> None:
        """A phone of the group is out; the others may still ring."""
        customer = call.customer
        if customer is not None and customer.pending != "hangup" and not offers(call):
            self.resume(call)

    # ------------------------------------------------------------ members

    def _can_ring(self, call: Call, member: RingMember) -> bool:
        if member.kind is MemberKind.OUTSIDE:
            return is_reachable(self._centre, call, member.id)
        agent = self._centre.agents.get(member.id)
        if agent is None:
            return False
        unused = member.kind is MemberKind.PHONE and bool(self._unused_phone(agent))
        return self._centre.can_be_offered(agent, call) or unused

    def _ring(self, call: Call, member: RingMember, ring: float) -> None:
        agent = self._centre.agents.get(member.id)
        if member.kind is MemberKind.OUTSIDE:
            self._ring_number(call, member.id, ring)
        elif agent is not None and self._centre.can_be_offered(agent, call):
            self._acd.offer(call, agent, ring=ring)
        elif agent is not None and member.kind is MemberKind.PHONE:
            self._ring_phone(call, agent, ring)

    def _unused_phone(self, agent: Agent) -> str:
        """A phone of an agent who is not signed in, with which nobody talks."""
        if agent.state is not AgentState.LOGGED_OFF:
            return ""
        busy = {leg.device for call in self._centre.calls.values() for leg in call.live_legs()}
        config = next((one for one in self._centre.config.agents if one.id == agent.agent_id), None)
        own = [device for device in config.devices if not is_outside(device)] if config is not None else []
        return next((device for device in own if self._centre.device_home(device) and device not in busy), "")

    def _ring_phone(self, call: Call, agent: Agent, ring: float) -> None:
        device = self._unused_phone(agent)
        if device:
            leg = self._centre.new_leg(call, LegKind.OUTSIDE, device=device, number=agent.number)
            target = self._centre.device_target(call, device)
            self._control.originate(call, leg, target, caller=call.ani, name=call.ani_name, ring=ring)

    def _ring_number(self, call: Call, number: str, ring: float) -> None:
        try:
            way = way_out(self._centre, call.switch, number, call=call)
        except CallyardError:
            return
        taken(self._centre, way)
        leg = self._centre.new_leg(call, LegKind.OUTSIDE, number=number, trunk=way.trunk)
        self._control.originate(call, leg, way.target, caller=way.caller, ring=ring)
