"""What agents do with the call they are in: pick up, hold, retrieve, send digits, hang up."""

from __future__ import annotations

import re

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call
from cti.domain.config.agents import is_outside
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.commands import AnswerDevice, Hangup, SendDigits
from cti.domain.switch.terms import Cause
from cti.machines.agent import AgentEvent
from cti.machines.connection import LegEvent
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.own_call import own_call, own_conversation, with_customer
from cti.services.roles import is_offer
from cti.services.survey import is_wanted
from cti.services.transfers import Transfers

_DIGITS = re.compile(r"^[0-9*#A-Da-d]{1,32}$")


class Desk:
    """Operations of one agent. Each raises ``NotAllowedNow`` or ``BadRequest`` and then has changed nothing."""

    def __init__(self, centre: Centre, control: CallControl, acd: Acd, transfers: Transfers) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._transfers = transfers

    def answer(self, agent: Agent) -> None:
        call, leg = own_call(self._centre, agent)
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
            self._transfers.complete(agent)
        elif target is not None and leg.joined and leg.kind is LegKind.AGENT and call.customer is not None:
            self._transfers.take_back(agent)
        elif ringing and is_offer(call, leg):
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
            self._transfers.hand_over(call, agent, leg, target)
        else:
            call.waiting_for_agent = ""
            self._control.hangup_all(call, Cause.NORMAL, "agent")
        if leg.via:
            self._centre.phone_command(call, leg, Hangup(leg.channel))
        self._acd.agents.give_back(agent, AgentEvent.RELEASE if talking else AgentEvent.WITHDRAW)

    def hold(self, agent: Agent) -> None:
        call, leg, _ = with_customer(self._centre, agent)
        if agent.state is not AgentState.TALKING or call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("not in this state", state=str(agent.state))
        self._control.hold(call, leg)
        self._acd.agents.event(agent, AgentEvent.HOLD)

    def retrieve(self, agent: Agent) -> None:
        call, leg, customer = with_customer(self._centre, agent)
        if agent.state is not AgentState.HOLD or call.live(LegKind.CONSULTED) is not None:
            raise NotAllowedNow("nothing is held")
        self._control.retrieve(call, leg, customer)

    def held_on_phone(self, call: Call, leg: Leg, held: bool) -> None:
        """Hold pressed on the phone itself; the switch plays the music."""
        agent = self._centre.agents.get(leg.agent_id)
        if agent is None or agent.leg_id != leg.leg_id or not leg.peer:
            return
        self._centre.leg_event(leg, LegEvent.HOLD if held else LegEvent.RETRIEVE)
        if self._acd.agents.event(agent, AgentEvent.HOLD if held else AgentEvent.RETRIEVE):
            self._centre.log_call("held" if held else "retrieved", call)

    def digits(self, agent: Agent, digits: str) -> None:
        call, leg = own_conversation(self._centre, agent)
        if not _DIGITS.match(digits):
            raise BadRequest("digits are 0-9 * # A-D", digits=digits[:40])
        partner = next((other for other in call.live_legs() if other.channel == leg.peer), call.customer)
        if partner is None:
            raise NotAllowedNow("nobody to send digits to")
        self._centre.command(call, SendDigits(partner.channel, digits.upper()))
