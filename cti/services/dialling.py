"""What agents do with calls from their desk: dial, hold, transfer, consult, hang up, come back after a reload."""

from __future__ import annotations

import re
from dataclasses import replace

from cti.domain.agents import ON_CALL, Agent, AgentState
from cti.domain.calls import Call, CallPhase, Direction, Transfer
from cti.domain.config import is_outside
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.commands import AnswerDevice, Hangup, SendDigits
from cti.domain.switch.terms import Cause
from cti.machines.agent import AgentEvent
from cti.machines.connection import LegEvent
from cti.services.acd import DEFAULT_RING, Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.documents import handed_over, shown_number
from cti.services.phones import ring_time, target_of_leg, way_to
from cti.services.routing import OUTSIDE_RING, Destination, resolve
from cti.services.survey import is_wanted
from cti.services.together import offers
from cti.services.ways_out import WayOut, taken, way_out

OWN_PHONE_RING = 20.0
TRUNK_FAILED = (Cause.CONGESTION, Cause.UNREACHABLE)
REJOIN_RING = 10.0
_DIGITS = re.compile(r"^[0-9*#A-Da-d]{1,32}$")


class Dialling:
    """Operations of one agent. Each raises ``NotAllowedNow`` or ``BadRequest`` and then has changed nothing."""

    def __init__(self, centre: Centre, control: CallControl, acd: Acd) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd

    # ------------------------------------------------------------ helpers

    def _on(self, agent: Agent) -> tuple[Call, Leg]:
        found = self._centre.agent_call(agent)
        if found is None or not found[1].alive:
            raise NotAllowedNow("there is no call")
        return found

    def _talking(self, agent: Agent) -> tuple[Call, Leg]:
        call, leg = self._on(agent)
        if not leg.joined or leg.kind is not LegKind.AGENT:
            raise NotAllowedNow("only in a conversation of one's own")
        self._switch_up(call.switch)
        return call, leg

    def _with_customer(self, agent: Agent) -> tuple[Call, Leg, Leg]:
        call, leg = self._talking(agent)
        customer = call.customer
        if customer is None:
            raise NotAllowedNow("the customer is not on the line")
        return call, leg, customer

    def _free_colleague(self, agent: Agent, agent_id: str, call: Call | None = None) -> Agent:
        colleague = self._centre.agents[agent_id]
        if colleague is agent:
            raise BadRequest("that is yourself", number=colleague.number)
        if not self._centre.can_be_offered(colleague):
            raise NotAllowedNow("the colleague is not free", number=colleague.number, state=str(colleague.state))
        if not self._centre.can_be_offered(colleague, call):
            raise NotAllowedNow("this call's switch cannot ring the colleague's telephone", number=colleague.number)
        return colleague

    def _call_outside(self, call: Call, kind: LegKind, way: WayOut, number: str) -> None:
        taken(self._centre, way)
        leg = self._centre.new_leg(call, kind, number=number, trunk=way.trunk)
        self._control.originate(call, leg, way.target, caller=way.caller, ring=self._outside_ring(call))

    def _outside_ring(self, call: Call) -> float:
        """Seconds; a number of a ring group rings as long as the group says."""
        groups = self._centre.config.groups if call.at_group else ()
        return next((g.ring_timeout for g in groups if g.id == call.group), OUTSIDE_RING)

    def _switch_up(self, switch: str) -> None:
        if not self._centre.switches[switch].up:
            raise NotAllowedNow("the switch cannot be reached", switch=switch)

    # ------------------------------------------------------------ calls out

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
            self._free_colleague(agent, destination.agent_id)
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

    def is_own_phone(self, call: Call, leg: Leg) -> bool:
        """The leg of the agent who dials: it rings only to start the call."""
        return call.phase is CallPhase.DIALLING and leg.kind is LegKind.AGENT

    def is_offer(self, call: Call, leg: Leg) -> bool:
        """The leg of an agent who was chosen for a customer and has not talked yet: another one can take the call."""
        return leg.kind is LegKind.AGENT and not leg.joined and call.phase is not CallPhase.DIALLING

    def wants_partner(self, call: Call) -> bool:
        return call.phase is CallPhase.DIALLING and call.customer is None and call.live(LegKind.CONSULTED) is None

    def takes_callback(self, call: Call) -> bool:
        """Who answers is to talk with a customer who keeps a place in the queue: now that one is called."""
        waits = call.direction is Direction.OUTBOUND and call.phase is CallPhase.QUEUED
        return waits and bool(call.place) and call.customer is None

    def call_partner(self, call: Call, agent_leg: Leg) -> None:
        """The dialling agent is on the phone: now call the other side."""
        if call.direction is Direction.INTERNAL:
            colleague = self._centre.agent_by_number(call.dnis)
            free = colleague is not None and self._centre.can_be_offered(colleague, call)
            if colleague is None or not free or self._acd.offer(call, colleague, LegKind.CONSULTED) is None:
                self._agent_notice(agent_leg, "target_failed")
                self._control.hangup_all(call)
            self._control.hear(call, agent_leg, Audio.RINGBACK)
            return
        try:
            way = way_out(self._centre, call.switch, call.dnis, self._centre.agents.get(agent_leg.agent_id))
        except (NotAllowedNow, BadRequest):
            self._agent_notice(agent_leg, "target_failed")
            self._control.hangup_all(call)
            return
        call.trunk = way.trunk
        self._call_outside(call, LegKind.CUSTOMER, way, call.dnis)
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
        self._call_outside(call, leg.kind, way, leg.number)
        return True

    def _agent_notice(self, leg: Leg, notice: str) -> None:
        agent = self._centre.agents.get(leg.agent_id)
        if agent is not None:
            agent.notice = notice
            self._centre.dirty_agents.add(agent.agent_id)

    # ------------------------------------------------------------ in a call

    def answer(self, agent: Agent) -> None:
        call, leg = self._on(agent)
        if agent.state not in (AgentState.RESERVED, AgentState.ALERTING):
            raise NotAllowedNow("nothing rings")
        if is_outside(leg.device):
            raise NotAllowedNow("a phone outside is picked up by hand")
        self._centre.phone_command(call, leg, AnswerDevice(leg.channel))

    def hangup(self, agent: Agent) -> None:
        found = self._centre.agent_call(agent)
        if found is None:
            raise NotAllowedNow("there is no call")
        call, leg = found
        if not self._centre.switches[call.switch].up:
            self._hangup_later(agent, call, leg)
            return
        target = call.live(LegKind.CONSULTED)
        ringing = agent.state in (AgentState.RESERVED, AgentState.ALERTING)
        if leg.leg_id in call.room and leg.kind is LegKind.AGENT and target is not None:
            self.complete(agent)
        elif target is not None and leg.joined and leg.kind is LegKind.AGENT and call.customer is not None:
            self.take_back(agent)
        elif ringing and self.is_offer(call, leg):
            self._control.hangup(call, leg, Cause.REJECTED)
        elif leg.kind in (LegKind.CONSULTED, LegKind.SUPERVISOR):
            self._control.hangup(call, leg)
        elif leg.alive and is_wanted(self._centre, call, leg):
            self._control.hangup(call, leg)  # the caller stays, to be asked
        else:
            call.waiting_for_agent = ""
            self._control.hangup_all(call, Cause.NORMAL, "agent")

    def _hangup_later(self, agent: Agent, call: Call, leg: Leg) -> None:
        """The call's switch cannot be reached: the agent is free now, the call is ended when the switch is back."""
        talking = agent.state in (AgentState.TALKING, AgentState.HOLD)
        target = call.live(LegKind.CONSULTED)
        if leg.kind in (LegKind.CONSULTED, LegKind.SUPERVISOR):
            self._control.hangup(call, leg)
        elif leg.leg_id in call.room and target is not None:
            self._hand_over(call, agent, leg, target)
        else:
            call.waiting_for_agent = ""
            self._control.hangup_all(call, Cause.NORMAL, "agent")
        if leg.via:
            self._centre.phone_command(call, leg, Hangup(leg.channel))
        self._acd.agents.give_back(agent, AgentEvent.RELEASE if talking else AgentEvent.WITHDRAW)

    def hold(self, agent: Agent) -> None:
        call, leg, _ = self._with_customer(agent)
        if agent.state is not AgentState.TALKING or call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("not in this state", state=str(agent.state))
        self._control.hold(call, leg)
        self._acd.agents.event(agent, AgentEvent.HOLD)

    def retrieve(self, agent: Agent) -> None:
        call, leg, customer = self._with_customer(agent)
        if agent.state is not AgentState.HOLD or call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("nothing is held")
        self._retrieve(call, leg, customer)

    def _retrieve(self, call: Call, leg: Leg, customer: Leg) -> None:
        self._control.join(call, customer, leg)
        self._centre.log_call("retrieved", call)

    def held_on_phone(self, call: Call, leg: Leg, held: bool) -> None:
        """Hold pressed on the phone itself; the switch plays the music."""
        agent = self._centre.agents.get(leg.agent_id)
        if agent is None or agent.leg_id != leg.leg_id or not leg.peer:
            return
        self._centre.leg_event(leg, LegEvent.HOLD if held else LegEvent.RETRIEVE)
        if self._acd.agents.event(agent, AgentEvent.HOLD if held else AgentEvent.RETRIEVE):
            self._centre.log_call("held" if held else "retrieved", call)

    def digits(self, agent: Agent, digits: str) -> None:
        call, leg = self._talking(agent)
        if not _DIGITS.match(digits):
            raise BadRequest("digits are 0-9 * # A-D", digits=digits[:40])
        partner = next((other for other in call.live_legs() if other.channel == leg.peer), call.customer)
        if partner is None:
            raise NotAllowedNow("nobody to send digits to")
        self._centre.command(call, SendDigits(partner.channel, digits.upper()))

    # ------------------------------------------------------------ transfer

    def transfer(self, agent: Agent, number: str) -> None:
        """Blind: the agent leaves at once, the customer goes on."""
        call, leg, customer = self._with_customer(agent)
        if call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("a consultation is going on")
        destination = resolve(self._centre, number)
        colleague = self._free_colleague(agent, destination.agent_id, call) if destination.agent_id else None
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
            self._call_outside(call, LegKind.OUTSIDE, way, destination.outside)
        else:
            self._acd.enqueue(call, destination.queue_id)

    def _leave(self, call: Call, leg: Leg) -> None:
        leg.released = True
        call.pair = None
        self._control.hangup(call, leg)

    def _hand_over(self, call: Call, agent: Agent, leg: Leg, target: Leg) -> None:
        call.transfers.append(Transfer(self._centre.now, "consult", agent.agent_id, target.number))
        self._leave(call, leg)
        self.promote(call, target)

    def consult(self, agent: Agent, number: str) -> None:
        """Customer to music, then call the target."""
        call, leg, _ = self._with_customer(agent)
        if call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("a consultation is going on")
        destination = resolve(self._centre, number)
        if destination.queue_id:
            raise BadRequest("a queue cannot be consulted", number=number[:40])
        colleague = self._free_colleague(agent, destination.agent_id, call) if destination.agent_id else None
        if colleague is not None:
            way_to(self._centre, call.switch, colleague, call)
        way = way_out(self._centre, call.switch, destination.outside, agent, call) if destination.outside else None
        self._control.hold(call, leg)
        self._acd.agents.event(agent, AgentEvent.HOLD)
        self._control.hear(call, leg, Audio.RINGBACK)
        if colleague is not None:
            self._acd.offer(call, colleague, LegKind.CONSULTED)
        elif way is not None:
            self._call_outside(call, LegKind.CONSULTED, way, destination.outside)

    def complete(self, agent: Agent) -> None:
        """Customer to the consulted party; while that still rings the customer waits with music."""
        call, leg, _ = self._with_customer(agent)
        target = call.live(LegKind.CONSULTED)
        if target is None:
            raise NotAllowedNow("nobody is consulted")
        self._hand_over(call, agent, leg, target)

    def conference(self, agent: Agent) -> None:
        """Customer, agent and the consulted party all together."""
        call, leg, customer = self._with_customer(agent)
        target = call.live(LegKind.CONSULTED)
        if target is None or not target.there:
            raise NotAllowedNow("nobody is consulted")
        if call.room:
            raise NotAllowedNow("it is a conference already")
        transfer = Transfer(self._centre.now, "conference", agent.agent_id, target.number, target.agent_id)
        call.transfers.append(transfer)
        self._control.confer(call, customer, leg, target)

    def promote(self, call: Call, target: Leg) -> None:
        """The consulted party takes over the customer, now or as soon as they answer."""
        target.kind = LegKind.AGENT if target.agent_id else LegKind.OUTSIDE
        call.phase = CallPhase.CONNECTED
        if target.agent_id:
            self._centre.dirty_agents.add(target.agent_id)
        customer = call.customer
        if customer is not None and target.there:
            self._control.join(call, customer, target)

    def take_back(self, agent: Agent) -> None:
        """End the consultation, or drop the third of a conference; or fetch the customer of a blind transfer that
        nobody has answered yet. The customer comes back."""
        transferred = handed_over(self._centre, agent)
        if transferred is not None and not agent.call_id:
            self._fetch(agent, transferred)
            return
        call, leg, customer = self._with_customer(agent)
        target = call.live(LegKind.CONSULTED)
        if target is not None:
            target.released = True
            self._control.hangup(call, target, Cause.NORMAL if target.answered else Cause.CANCELLED)
        elif agent.state is not AgentState.HOLD:
            raise NotAllowedNow("nobody is consulted")
        self._retrieve(call, leg, customer)

    def _fetch(self, agent: Agent, call: Call) -> None:
        self._switch_up(call.switch)
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

    # ------------------------------------------------------------ coming back

    def rejoin(self, agent: Agent, device: str) -> None:
        """The page was reloaded in a call: a new leg to the agent's phone takes the place of the old one."""
        found = self._centre.agent_call(agent)
        if found is None or agent.state not in ON_CALL:
            raise NotAllowedNow("there is no call")
        call, old = found
        if device not in (agent.number, f"{agent.number}-web"):
            raise BadRequest("this phone does not belong to the agent", device=device)
        self._switch_up(call.switch)
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
            auto=self.is_own_phone(call, leg),
        )
