"""What it means for a call, and for the agents in it, that a leg went away."""

from __future__ import annotations

from cti.domain.agents import ESTABLISHED, Agent, AgentState
from cti.domain.calls import Call, CallPhase, Direction, Transfer
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.machines.agent import AgentEvent
from cti.machines.connection import LegEvent
from cti.services.acd import Acd
from cti.services.answering import Answering
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.dialling import Dialling
from cti.services.leaving import Leaving
from cti.services.listening import Listening
from cti.services.roles import is_offer
from cti.services.routing import Routing
from cti.services.together import TAKEN
from cti.services.transfers import Transfers

REJOIN_AGAIN = 5.0
REJOIN_GRACE = 25.0
"""Seconds a customer waits, with music, for an agent whose phone was lost in the call."""

TIMERS = ("announce", "menu", "message", "callback", "bye", "rejoin", "overflow", "last", "greet", "survey")
"""Of a call: they are stopped with it."""

LOST = frozenset({Cause.MEDIA_LOST, Cause.FAILED, Cause.UNREACHABLE})


class Endings:
    def __init__(
        self,
        centre: Centre,
        control: CallControl,
        acd: Acd,
        routing: Routing,
        dialling: Dialling,
        transfers: Transfers,
        answering: Answering,
        listening: Listening,
    ) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._routing = routing
        self._dialling = dialling
        self._transfers = transfers
        self._answering = answering
        self._listening = listening
        self.leaving = Leaving(centre, self.let_go)

    def gone(self, call: Call, leg: Leg, cause: Cause, by_far_side: bool) -> None:
        answered, ours = leg.answered, bool(leg.cause)
        cause = Cause(leg.cause) if leg.cause else cause  # the reason we hung up for
        self._control.gone(call, leg, cause)
        if not ours and self._dialling.another_trunk(call, leg, cause):
            pass
        elif leg.kind is LegKind.CUSTOMER:
            self._customer_gone(call, leg, cause, by_far_side)
        elif leg.kind is LegKind.AGENT:
            self._agent_gone(call, leg, cause, by_far_side=by_far_side)
        elif leg.kind is LegKind.CONSULTED:
            self._consulted_gone(call, leg, answered=answered, cause=cause)
        elif leg.kind is LegKind.SUPERVISOR:
            self._listening.gone(leg, cause)
        else:
            self._outside_gone(call, leg, answered=answered)
        if call.room:
            self._out_of_conference(call)
        self._close_or_settle(call, cause)

    def _close_or_settle(self, call: Call, cause: Cause) -> None:
        if call.customer is None:
            call.waiting_for_agent = ""
        self._release_leftovers(call, cause)
        self._centre.touch_agents(call)
        if call.live_legs():
            self._centre.log_call("connectionCleared", call, cause)
            self._control.settle(call)
        elif call.alive:
            for timer in TIMERS:
                self._centre.stop_timer(f"{timer}:{call.call_id}")
            self._acd.leave(call, answered=False)
            self._fail_transfers(call)
            self._routing.callbacks.ending(call)
            self._control.end(call, cause)
            self._acd.retries.ended(call)

    def _out_of_conference(self, call: Call) -> None:
        """One has left. Two who are left talk as a pair, unless the third is to come back."""
        left = [leg for leg in call.members() if not leg.released and leg.pending != "hangup"]
        third = call.live(LegKind.CONSULTED)
        coming = call.waiting_for_agent or (third is not None and not third.answered)
        if call.room and len(left) == 2 and not coming:
            self._control.join(call, *sorted(left, key=lambda leg: list(LegKind).index(leg.kind)))

    def _release_leftovers(self, call: Call, cause: Cause) -> None:
        """Nobody stays on a leg that is gone, except an agent whose phone the customer waits for."""
        for leg in call.legs:
            agent = self._centre.agent_of(leg)
            if agent is not None and not leg.alive and call.waiting_for_agent != agent.agent_id:
                self._release_agent(call, agent, leg, cause)

    def _customer_gone(self, call: Call, leg: Leg, cause: Cause, by_far_side: bool) -> None:
        if by_far_side and not call.ended_by:
            call.ended_by = "customer"
        call.cause = call.cause or cause
        self._acd.leave(call, answered=False)
        agent_leg, target = call.live(LegKind.AGENT), call.live(LegKind.CONSULTED)
        if call.phase is CallPhase.DIALLING and agent_leg is not None and not leg.answered:
            self._centre.notice(agent_leg, f"dial_{cause}")
        elif agent_leg is not None and cause is Cause.MEDIA_LOST:
            self._centre.notice(agent_leg, "line_lost")
        if agent_leg is not None and target is not None and target.answered and target.kind is LegKind.CONSULTED:
            self._centre.notice(agent_leg, "caller_gone")
            return
        for other in call.live_legs():
            self._control.hangup(call, other, Cause.NORMAL if other.answered else Cause.CANCELLED)

    def _agent_gone(self, call: Call, leg: Leg, cause: Cause, *, by_far_side: bool) -> None:
        agent = self._centre.agent_of(leg)
        if call.waiting_for_agent and call.waiting_for_agent == leg.agent_id:
            return
        if agent is not None and not leg.released and leg.joined and cause in LOST and call.customer is not None:
            self._wait_for_agent(call, agent)
            return
        if agent is not None:
            self._release_agent(call, agent, leg, cause)
        if leg.released:
            return
        if is_offer(call, leg):
            self._offer_ended(call)
        elif not self._hand_over(call, leg.agent_id) and not self._routing.survey.begin(call, leg):
            call.ended_by = call.ended_by or ("agent" if by_far_side else "system")
            self._control.hangup_all(call)

    def _hand_over(self, call: Call, agent_id: str) -> bool:
        """The agent left in a consultation: the customer goes to the party consulted, where there is one."""
        target = call.live(LegKind.CONSULTED)
        if target is None or call.customer is None:
            return False
        call.transfers.append(Transfer(self._centre.now, "consult", agent_id, target.number))
        self._transfers.promote(call, target)
        return True

    def _offer_ended(self, call: Call) -> None:
        if call.greeting:
            self._answering.stop(call)
        if call.phase is CallPhase.QUEUED:
            self._acd.offer_failed(call)
        elif call.at_group:
            self._routing.groups.leg_gone(call)
        else:
            self._fail_transfers(call)
            self.queue_again(call, "agent_busy")

    def queue_again(self, call: Call, otherwise: str) -> None:
        """Back to the queue the call came from, first in line; without one, a last sentence."""
        if call.customer is None:
            self._control.hangup_all(call)
        elif call.queue_id in self._centre.queues:
            self._acd.enqueue(call, call.queue_id, again=True)
        else:
            self._routing.say_and_end(call, otherwise)

    def _release_agent(self, call: Call, agent: Agent, leg: Leg, cause: Cause) -> None:
        agents = self._acd.agents
        if agent.state in ESTABLISHED:
            wrap = leg.kind is LegKind.AGENT and call.direction is not Direction.INTERNAL
            talked = self._centre.now - (leg.answered_at or self._centre.now) if wrap and leg.joined else 0.0
            if wrap and agents.wrapups.seconds_after(agent, call) > 0:
                agents.give_back(agent, AgentEvent.WRAP, notice=agent.notice, handled_for=talked)
            else:
                if talked > 0:
                    agents.wrapups.handled(call, talked)
                agents.give_back(agent, AgentEvent.RELEASE, notice=agent.notice)
        elif not leg.released and is_offer(call, leg) and self._missed(call, leg, cause):
            reason = {Cause.REJECTED: "rejected", Cause.BUSY: "rejected", Cause.UNREACHABLE: "device_lost"}
            agents.give_back(agent, AgentEvent.FAIL, reason.get(cause, "no_answer"), reason.get(cause, "no_answer"))
        else:
            gone = call.direction is Direction.INBOUND and call.customer is None
            agent.taken_by = leg.taken_by
            notice = TAKEN if leg.taken_by else "caller_gone" if gone else agent.notice
            agents.give_back(agent, AgentEvent.WITHDRAW, notice=notice)

    def _missed(self, call: Call, leg: Leg, cause: Cause) -> bool:
        """There was somebody to serve, on the line or to be called, and nobody gave up."""
        if cause is Cause.CANCELLED or self.leaving.rung_too_soon(leg, cause):
            return False
        return call.customer is not None or (bool(call.place) and call.direction is Direction.OUTBOUND)

    def let_go(self, call: Call, leg: Leg) -> None:
        """The phone is out of the call. What becomes of that is decided when its switch says so."""
        agent = self._centre.agent_of(leg)
        if agent is not None:
            self._release_agent(call, agent, leg, Cause.CANCELLED)

    def _wait_for_agent(self, call: Call, agent: Agent) -> None:
        """The phone was lost, not put down: keep the customer and wait for the page to come back."""
        call.waiting_for_agent = agent.agent_id
        agent.notice = "device_lost"
        customer = call.customer
        if customer is not None:
            self._control.hear(call, customer, Audio.MUSIC)
        self._centre.start_timer(f"rejoin:{call.call_id}", REJOIN_GRACE)

    def rejoin_timer(self, call: Call) -> None:
        """The agent did not come back: first in line for another one."""
        agent, ringing = self._centre.agents.get(call.waiting_for_agent), call.live(LegKind.AGENT)
        if call.waiting_for_agent and ringing is not None:
            self._control.hangup(call, ringing, Cause.NO_ANSWER)
            self._centre.start_timer(f"rejoin:{call.call_id}", REJOIN_AGAIN)
            return
        call.waiting_for_agent = ""
        if agent is not None and agent.call_id == call.call_id:
            if agent.pending not in (AgentState.NOT_READY, AgentState.LOGGED_OFF):
                self._acd.agents.event(agent, AgentEvent.NOT_READY, "device_lost")
            self._acd.agents.give_back(agent, AgentEvent.RELEASE, notice="device_lost")
            if not self._hand_over(call, agent.agent_id):
                self.queue_again(call, "transfer_failed")

    def _consulted_gone(self, call: Call, leg: Leg, *, answered: bool, cause: Cause) -> None:
        if leg.released and call.live(LegKind.CONSULTED) is not None:
            return  # the page was reloaded: the phone is called anew
        agent = self._centre.agent_of(leg)
        if agent is not None:
            if agent.state in ESTABLISHED:
                self._acd.agents.give_back(agent, AgentEvent.RELEASE)
            elif leg.released or answered:
                self._acd.agents.give_back(agent, AgentEvent.WITHDRAW)
            else:
                notice = "device_lost" if cause is Cause.UNREACHABLE else "no_answer"
                self._acd.agents.give_back(agent, AgentEvent.FAIL, notice, notice)
        agent_leg = call.live(LegKind.AGENT)
        if call.customer is None or (agent_leg is None and not call.waiting_for_agent):
            call.cause = call.cause or cause
            self._control.hangup_all(call, by="agent")
        elif agent_leg is not None:
            agent_leg.wants = Audio.SILENCE
            self._control.recorder.stop(call, agent_leg)
            if not leg.released and agent_leg.leg_id not in call.room:
                self._alone_again(call, agent_leg, answered=answered)

    def _alone_again(self, call: Call, agent_leg: Leg, *, answered: bool) -> None:
        """The consultation is over by the other side: the customer is on hold, for the agent to retrieve."""
        agent = self._centre.agent_of(agent_leg)
        if not answered:
            self._centre.notice(agent_leg, "target_failed")
        elif agent is not None and agent.state is AgentState.TALKING:
            self._centre.leg_event(agent_leg, LegEvent.HOLD)
            self._acd.agents.event(agent, AgentEvent.HOLD)

    def _outside_gone(self, call: Call, leg: Leg, *, answered: bool) -> None:
        if leg.taken_by or (leg.released and call.live(LegKind.AGENT) is not None):
            return  # the call was taken by another one, or taken back
        if call.at_group and not leg.joined:
            self._routing.groups.leg_gone(call)
            return
        if answered or leg.released:
            self._control.hangup_all(call, by="agent")
            return
        self._fail_transfers(call)
        self.queue_again(call, "transfer_failed")

    def _fail_transfers(self, call: Call) -> None:
        for transfer in call.transfers:
            if transfer.result == "started":
                transfer.result = "failed"
