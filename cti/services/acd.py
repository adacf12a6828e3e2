"""Queues: who waits, who is offered what, and what the waiting hear.

A call keeps its place until an agent's phone and the caller are joined. An offer that fails puts the call first in
line. Nothing is offered while the switch is unreachable or not yet reconciled.
"""

from __future__ import annotations

from cti.domain.agents import Agent
from cti.domain.calls import Audio, Call, CallPhase, Leg, LegKind
from cti.domain.ids import new_id
from cti.domain.switch import Play
from cti.machines.connection import LegEvent
from cti.services.agents import AgentService
from cti.services.calls import CallControl
from cti.services.centre import Centre, QueueRuntime
from cti.services.choose import NOBODY, Candidate, choose_agent
from cti.services.documents import shown_number
from cti.services.numbers import number_prompts

DEFAULT_RING = 15.0


class Acd:
    def __init__(self, centre: Centre, control: CallControl) -> None:
        self._centre = centre
        self._control = control
        self.agents = AgentService(centre, self.agent_ready)

    # ------------------------------------------------------------ entering and leaving

    def enqueue(self, call: Call, queue_id: str, *, again: bool = False) -> None:
        """Put an answered caller into a queue. ``again`` keeps the time of entry and goes first in line."""
        queue = self._centre.queues[queue_id]
        call.phase, call.queue_id, call.menu = CallPhase.QUEUED, queue_id, None
        if not again or call.queued_at is None:
            call.queued_at, call.announced = self._centre.now, 0
            queue.today.offered += 1
            call.counted = False
        call.first_in_line = again
        queue.add(call)
        customer = call.customer
        if customer is not None:
            self._centre.leg_event(customer, LegEvent.QUEUE)
            customer.wants = Audio.MUSIC
        self._control.settle(call)
        self._control.remember(call)
        self._centre.log_call("queued", call)
        self._schedule_announcement(call, queue)
        self._centre.dirty_queues.add(queue_id)
        self.dispatch(call)

    def leave(self, call: Call, *, answered: bool | None) -> None:
        """Take a call out: answered, abandoned (``False``) or sent elsewhere (``None``)."""
        queue = self._centre.queues.get(call.queue_id)
        if queue is None or not queue.remove(call):
            return
        self._centre.stop_timer(f"announce:{call.call_id}")
        self._centre.dirty_queues.add(call.queue_id)
        waited = self._centre.now - (call.queued_at or self._centre.now)
        call.first_in_line = False
        if call.counted:
            return
        call.counted = answered is not None
        if answered:
            queue.today.answered += 1
            queue.today.wait_total += waited
            queue.today.wait_max = max(queue.today.wait_max, waited)
            queue.today.answered_in_target += waited <= queue.config.service_level
        elif answered is False:
            queue.today.abandoned += 1

    # ------------------------------------------------------------ choosing

    def _may_offer(self, call: Call) -> bool:
        status = self._centre.switches[call.switch]
        customer = call.customer
        return (
            status.up
            and status.reconciled
            and customer is not None
            and customer.pending != "hangup"
            and call.live(LegKind.AGENT) is None
        )

    def dispatch(self, call: Call) -> None:
        """Offer a waiting call to the best free agent, if there is one."""
        queue = self._centre.queues.get(call.queue_id)
        if queue is None or call.phase is not CallPhase.QUEUED or not self._may_offer(call):
            return
        listed = (self._centre.agents.get(agent_id) for agent_id in queue.config.agents)
        free = [agent for agent in listed if agent is not None and self._centre.can_be_offered(agent)]
        ranks = {agent_id: rank for rank, agent_id in enumerate(queue.config.agents)}
        chosen = choose_agent(
            queue.config.strategy,
            [Candidate(a.agent_id, ranks[a.agent_id], idle_since=a.idle_since) for a in free],
            after=ranks.get(queue.last_offered, NOBODY),
        )
        if chosen is not None:
            queue.last_offered = chosen
            self.offer(call, self._centre.agents[chosen])

    def agent_ready(self, agent: Agent) -> None:
        """Give a free agent the call that has waited longest among the agent's queues."""
        heads = [head for q in agent.queues if (head := self._head(q, agent)) is not None]
        if heads and self._centre.can_be_offered(agent):
            call = min(heads, key=QueueRuntime.order)
            self._centre.queues[call.queue_id].last_offered = agent.agent_id
            self.offer(call, agent)

    def _head(self, queue_id: str, agent: Agent) -> Call | None:
        queue = self._centre.queues.get(queue_id)
        if queue is None or agent.agent_id not in queue.config.agents:
            return None
        return next((call for call in queue.waiting if self._may_offer(call)), None)

    def dispatch_all(self) -> None:
        for queue in self._centre.queues.values():
            for call in list(queue.waiting):
                self.dispatch(call)

    # ------------------------------------------------------------ offering

    def offer(self, call: Call, agent: Agent, kind: LegKind = LegKind.AGENT) -> Leg | None:
        """Ring the agent's phone for this call. ``None`` when the agent's state forbids it."""
        leg = self._centre.new_leg(call, kind, device=agent.device, number=agent.number, agent_id=agent.agent_id)
        if not self.agents.take(agent, call, leg):
            call.legs.remove(leg)
            self._centre.channels.pop(leg.channel, None)
            return None
        queue = self._centre.queues.get(call.queue_id)
        ring = queue.config.ring_timeout if queue is not None and kind is LegKind.AGENT else DEFAULT_RING
        target, caller = self._centre.device_target(call, agent.device), shown_number(call, leg)
        self._control.originate(call, leg, target, caller=caller, name=call.ani_name, ring=ring)
        self._centre.log_call("offered", call)
        return leg

    def offer_failed(self, call: Call) -> None:
        """The offered agent did not take it: first in line for the next one."""
        queue = self._centre.queues.get(call.queue_id)
        customer = call.customer
        if queue is not None and customer is not None:
            if customer.wants is Audio.SILENCE:
                customer.wants = Audio.MUSIC
            if queue.remove(call) or call.phase is CallPhase.QUEUED:
                call.first_in_line = True
                queue.add(call)
                self._centre.dirty_queues.add(call.queue_id)
            self.dispatch(call)

    # ------------------------------------------------------------ announcements

    def _schedule_announcement(self, call: Call, queue: QueueRuntime) -> None:
        if call.announced < queue.config.announce_max and queue.config.announce_every > 0:
            self._centre.start_timer(f"announce:{call.call_id}", queue.config.announce_every)

    def announce(self, call: Call) -> None:
        """Tell the caller the place in the queue; not while a phone already rings for the call."""
        queue = self._centre.queues.get(call.queue_id)
        customer = call.customer
        if queue is None or customer is None or call not in queue.waiting:
            return
        if call.live(LegKind.AGENT) is None and customer.controlled and not customer.pending:
            call.announced += 1
            call.announcing = new_id(self._centre.now)
            customer.wants, customer.music_on = Audio.PROMPT, False
            position = queue.waiting.index(call) + 1
            tokens = ("position_is", *number_prompts(position, call.language), "please_wait")
            prompts = tuple(f"{call.language}/{token}" for token in tokens)
            self._centre.command(call, Play(customer.channel, prompts, call.announcing))
        self._schedule_announcement(call, queue)

    def announced(self, call: Call) -> None:
        """The announcement ended: music again."""
        call.announcing = ""
        customer = call.customer
        if customer is not None and call.phase is CallPhase.QUEUED:
            self._control.hear(call, customer, Audio.MUSIC)
