"""A supervisor's own leg in a call: listens to an agent, whispers, barges in, takes the call over.

The leg belongs to the call it hears (``LegKind.SUPERVISOR``, ``Leg.listens``); ``CallControl.settle`` keeps it
listening for as long as the agent is in the call. Who may is decided where the request comes from.
"""

from __future__ import annotations

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call, CallPhase, Transfer
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import Leg, LegKind, ListenMode, Listens
from cti.domain.switch.terms import Cause
from cti.machines.agent import AgentEvent
from cti.services.agents import AgentService
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.phones import OWN_PHONE_RING
from cti.services.roles import heard

TALKING = frozenset({AgentState.TALKING, AgentState.HOLD})
FREE = frozenset({AgentState.READY, AgentState.NOT_READY, AgentState.WRAP_UP})

BARGED, INTERCEPTED = "barged", "intercepted"
"""Notices of an agent who is not alone with the customer any more, or not with the customer."""

NOT_HEARD = "listen_failed"
"""The notice of a supervisor whom the switch did not let listen."""


class Listening:
    """Each request raises ``NotAllowedNow`` or ``BadRequest`` and then has changed nothing."""

    def __init__(self, centre: Centre, control: CallControl, agents: AgentService) -> None:
        self._centre = centre
        self._control = control
        self._agents = agents

    # ------------------------------------------------------------ requests

    def begin(self, supervisor: Agent, target: Agent, mode: ListenMode) -> None:
        """Ring the supervisor's phone; in the same call already: change what is done there."""
        call = self._call_of(supervisor, target)
        if mode is ListenMode.INTERCEPT and call.customer is None:
            raise NotAllowedNow("the customer is not on the line")
        own = self._own(supervisor)
        if own is None:
            self._ring(supervisor, target, call, mode)
        elif own[0] is call:
            self._change(call, own[1], target, mode)
        else:
            raise NotAllowedNow("in another call already")
        self._centre.log_call("supervised", call, mode)
        self._centre.dirty_agents.add(supervisor.agent_id)

    def stop(self, supervisor: Agent) -> None:
        own = self._own(supervisor)
        if own is None:
            raise NotAllowedNow("there is no call to leave")
        if not self._centre.switches[own[0].switch].up:
            raise NotAllowedNow("the switch cannot be reached", switch=own[0].switch)
        self._control.hangup(*own)

    def _call_of(self, supervisor: Agent, target: Agent) -> Call:
        if supervisor is target:
            raise BadRequest("that is yourself", number=target.number)
        found = self._centre.agent_call(target)
        if found is None or target.state not in TALKING or heard(found[0], target.agent_id) is None:
            raise NotAllowedNow("the agent does not talk", number=target.number)
        if not self._centre.switches[found[0].switch].up:
            raise NotAllowedNow("the switch cannot be reached", switch=found[0].switch)
        return found[0]

    def _own(self, supervisor: Agent) -> tuple[Call, Leg] | None:
        """The call in which this supervisor listens."""
        found = self._centre.agent_call(supervisor)
        return found if found is not None and found[1].alive and found[1].listens is not None else None

    def _ring(self, supervisor: Agent, target: Agent, call: Call, mode: ListenMode) -> None:
        if supervisor.state not in FREE or supervisor.call_id:
            raise NotAllowedNow("not in this state", state=str(supervisor.state))
        if not supervisor.registered or not self._centre.device_home(supervisor.device):
            raise NotAllowedNow("the phone is not registered", notice="device_lost")
        leg = self._centre.new_leg(
            call,
            LegKind.SUPERVISOR,
            device=supervisor.device,
            number=supervisor.number,
            agent_id=supervisor.agent_id,
        )
        leg.listens = Listens(target.agent_id, mode)
        self._agents.take(supervisor, call, leg)
        way = self._centre.device_target(call, supervisor.device)
        self._control.originate(call, leg, way, caller=target.number, name=target.name, ring=OWN_PHONE_RING, auto=True)

    def _change(self, call: Call, leg: Leg, target: Agent, mode: ListenMode) -> None:
        leg.listens = Listens(target.agent_id, mode)
        if leg.answered:
            self._go(call, leg)

    # ------------------------------------------------------------ what happens to it

    def answered(self, call: Call, leg: Leg) -> None:
        """The supervisor's phone picked up."""
        supervisor = self._centre.agents.get(leg.agent_id)
        if supervisor is not None and supervisor.leg_id == leg.leg_id:
            self._agents.event(supervisor, AgentEvent.ESTABLISH)
        leg.joined = True
        self._centre.log_call("established", call)
        self._go(call, leg)

    def gone(self, leg: Leg, cause: Cause) -> None:
        if cause is Cause.FAILED:
            self._tell(leg.agent_id, NOT_HEARD)

    def _go(self, call: Call, leg: Leg) -> None:
        listens = leg.listens
        if listens is None:
            return
        if listens.mode is ListenMode.INTERCEPT:
            self._take_over(call, leg, listens.agent_id)
            return
        if listens.mode is ListenMode.BARGE:
            self._tell(listens.agent_id, BARGED)
        self._control.settle(call)

    def _take_over(self, call: Call, leg: Leg, agent_id: str) -> None:
        """The customer to the supervisor; whoever talked for the centre is out of the call."""
        customer = call.customer
        if customer is None:
            self._control.hangup(call, leg, Cause.CANCELLED)
            return
        call.transfers.append(Transfer(self._centre.now, "intercept", agent_id, leg.number))
        leg.kind, leg.listens = LegKind.AGENT, None
        call.phase, call.waiting_for_agent, call.pair = CallPhase.CONNECTED, "", None
        for other in call.live_legs():
            if other is not leg and other.kind in (LegKind.AGENT, LegKind.CONSULTED, LegKind.OUTSIDE):
                self._tell(other.agent_id, INTERCEPTED)
                other.released = True
                self._control.hangup(call, other, Cause.NORMAL if other.answered else Cause.CANCELLED)
        self._control.stop_listening(call, leg)
        self._control.join(call, customer, leg)
        self._centre.log_call("diverted", call)

    def _tell(self, agent_id: str, notice: str) -> None:
        agent = self._centre.agents.get(agent_id)
        if agent is not None:
            agent.notice = notice
            self._centre.dirty_agents.add(agent_id)
