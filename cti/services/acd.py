"""Queues: who waits, who is offered what, and what the waiting hear.

A call keeps its place until an agent's phone and the caller are joined. An offer that fails puts the call first in
line. Nothing is offered while the switch is unreachable or not yet reconciled.
"""

from __future__ import annotations

from functools import partial

from cti.domain.agents import AT_WORK, Agent
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.config.queues import Strategy
from cti.domain.errors import CallyardError
from cti.domain.ids import new_id
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.commands import Play
from cti.machines.agent import AgentEvent
from cti.machines.connection import LegEvent
from cti.services.agents import DEVICE_LOST, AgentService
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.last_agent import LastAgents
from cti.services.numbers import number_prompts, wait_prompts
from cti.services.phones import ring_time, target_of_leg
from cti.services.queues import QueueRuntime, predicted_wait
from cti.services.retries import Retries
from cti.services.together import offers
from cti.services.ways_out import is_reachable

DEFAULT_RING = 15.0

JUST_AFTER = 0.01
"""Seconds: a timer for the moment something changes must not be there before it."""


class Acd:
    def __init__(self, centre: Centre, control: CallControl) -> None:
        self._centre = centre
        self._control = control
        self.agents = AgentService(centre, self.agent_ready)
        self.last_agents = LastAgents(centre)
        self.retries = Retries(centre)

    # ------------------------------------------------------------ entering and leaving

    def enqueue(self, call: Call, queue_id: str, *, again: bool = False, keep: bool = False) -> None:
        """Put an answered caller into a queue. ``again`` keeps the time of entry and goes first in line; ``keep`` is
        for one who comes over from another queue: with the time of entry there."""
        queue = self._centre.queues[queue_id]
        call.phase, call.queue_id, call.menu = CallPhase.QUEUED, queue_id, None
        if not again or call.queued_at is None:
            call.queued_at = call.queued_at if keep and call.queued_at is not None else self._centre.now
            call.entered_at, call.announced = self._centre.now, 0
            queue.today.offered += 1
            call.counted = False
            self.last_agents.ask(call, queue.config)
            self.retries.ask(call, queue.config)
        call.first_in_line = again
        self.line_up(call)
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
        self._centre.stop_timer(f"relax:{call.call_id}")
        self._centre.stop_timer(f"overflow:{call.call_id}")
        self.last_agents.forget(call)
        self._centre.dirty_queues.add(call.queue_id)
        waited = self._centre.now - (call.queued_at or self._centre.now)
        call.first_in_line = False
        if call.place and answered is False:
            answered = None  # the place is kept
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
            queue.today.short_abandoned += waited < self._centre.short_abandon

    # ------------------------------------------------------------ choosing

    def may_offer(self, call: Call) -> bool:
        """Whether the caller is there, not yet offered to anybody, on a switch that can be asked."""
        if call.place and call.direction is Direction.OUTBOUND:
            waits = call.phase is CallPhase.QUEUED and not call.live_legs()
            return waits and is_reachable(self._centre, call, call.dnis)
        alone = call.live(LegKind.AGENT) is None and not self.last_agents.asking(call)
        return alone and self._caller_is_there(call)

    def _caller_is_there(self, call: Call) -> bool:
        status, customer = self._centre.switches[call.switch], call.customer
        return status.up and status.reconciled and customer is not None and customer.pending != "hangup"

    def _may_ring(self, call: Call) -> bool:
        """It may be offered; or it rings at everybody who is free, and nobody is there yet."""
        if self.may_offer(call):
            return True
        ringing = offers(call) if call.together else []
        there = (call.place and call.direction is Direction.OUTBOUND) or self._caller_is_there(call)
        return bool(ringing) and bool(there) and not any(leg.there for leg in ringing)

    def line_up(self, call: Call) -> None:
        """Give a call its place in its queue, and look again when more agents may be asked for it."""
        queue = self._centre.queues[call.queue_id]
        queue.add(call, self._centre.now)
        change = queue.next_change(call, self._centre.now)
        if change is not None:
            self._centre.start_timer(f"relax:{call.call_id}", change + JUST_AFTER)
        if queue.config.overflow:
            self._centre.start_timer(f"overflow:{call.call_id}", 0.0)

    def line_up_again(self) -> None:
        """The settings have changed: who waits is placed and offered by the new ones."""
        for queue in self._centre.queues.values():
            for call in queue.calls():
                self.line_up(call)
        self.dispatch_all()

    def relax(self, call: Call) -> None:
        """The call has waited: other agents may be asked now."""
        queue = self._centre.queues.get(call.queue_id)
        if queue is not None and call in queue:
            self.line_up(call)
            self.dispatch(call)

    def dispatch(self, call: Call) -> None:
        """Offer a waiting call to the best free agent, if there is one; or to all of them."""
        queue = self._centre.queues.get(call.queue_id)
        if queue is None or call.phase is not CallPhase.QUEUED or not self._may_ring(call):
            return
        wanted = self.last_agents.of(call)
        if wanted:
            chosen = wanted if self._can_be_offered(call, wanted) else None
        elif _rings_all(queue):
            self._ring_all(call, queue)
            return
        else:
            chosen = queue.best_for(call, self._centre.now, partial(self._can_be_offered, call))
        if chosen is not None:
            queue.offered_to(chosen)
            self.offer(call, self._centre.agents[chosen])

    def _ring_all(self, call: Call, queue: QueueRuntime) -> None:
        """Everybody who is free and may be asked; each is looked at anew, since an offer may change what others do."""
        for agent_id in queue.all_for(call, self._centre.now, partial(self._can_be_offered, call)):
            if call in queue and self._can_be_offered(call, agent_id) and self._may_ring(call):
                self.offer(call, self._centre.agents[agent_id], together=True)

    def agent_ready(self, agent: Agent) -> None:
        """Give a free agent the first in order of the calls that wait in the agent's queues; before them whoever
        waits for this very agent."""
        if not self._centre.can_be_offered(agent):
            return
        waiting = (call for call in self.last_agents.waiting_for(agent.agent_id) if self.may_offer(call))
        returning = next((call for call in waiting if self._centre.can_be_offered(agent, call)), None)
        if returning is not None:
            self._centre.queues[returning.queue_id].offered_to(agent.agent_id)
            self.offer(returning, agent)
            return
        queues = [queue for queue in map(self._centre.queues.get, agent.queues) if queue is not None]
        waits = partial(self._waits, agent)
        heads = [(queue.order(head), queue, head) for queue in queues if (head := queue.first_for(agent, waits))]
        if heads:
            _, queue, call = min(heads, key=lambda found: (found[0], found[2].call_id))
            queue.offered_to(agent.agent_id)
            self.offer(call, agent, together=_rings_all(queue))

    def _can_be_offered(self, call: Call, agent_id: str) -> bool:
        agent = self._centre.agents.get(agent_id)
        return agent is not None and self._centre.can_be_offered(agent, call)

    def _waits(self, agent: Agent, call_id: str) -> bool:
        call = self._centre.calls.get(call_id)
        if call is None or not self._may_ring(call) or self.last_agents.of(call):
            return False
        return self._centre.can_be_offered(agent, call)

    def last_agent(self, call: Call, queue_id: str, agent_id: str) -> None:
        """Who served this caller before is known now, or that nobody did (empty), or not in time."""
        queue = self._centre.queues.get(queue_id)
        if queue is not None and call in queue and call.queue_id == queue_id:
            self.last_agents.known(call, agent_id, queue.config)
            self.dispatch(call)

    def retry(self, call: Call) -> None:
        """It is known by now that the caller gave up before: a better place, where one still waits."""
        queue = self._centre.queues.get(call.queue_id)
        if queue is not None and call in queue and not call.retried:
            call.retried = True
            queue.add(call, self._centre.now)
            self._control.remember(call)
            self._centre.dirty_queues.add(call.queue_id)

    def last_agent_timer(self, call: Call) -> None:
        """The caller has waited long enough for this one agent."""
        self.last_agents.forget(call)
        self.dispatch(call)

    def dispatch_all(self) -> None:
        """Offer what can be offered, first in order first, whatever its queue."""
        waiting = [(queue.order(call), call) for queue in self._centre.queues.values() for call in queue.waiting]
        for _, call in sorted(waiting, key=lambda place: (place[0], place[1].call_id)):
            self.dispatch(call)

    # ------------------------------------------------------------ offering

    def offer(
        self, call: Call, agent: Agent, kind: LegKind = LegKind.AGENT, *, together: bool = False, ring: float = 0.0
    ) -> Leg | None:
        """Ring the agent's phone for this call, for ``ring`` seconds or as the queue says. ``None`` when the agent's
        state forbids it. ``together``: whoever becomes free may be rung too."""
        if call.place and not call.legs:
            call.switch = self._centre.device_home(agent.device) or call.switch
        leg = self._centre.new_leg(call, kind, device=agent.device, number=agent.number, agent_id=agent.agent_id)
        try:
            target, caller = target_of_leg(self._centre, call, leg, agent)
        except CallyardError:
            self._cannot_be_rung(call, agent, leg)
            return None
        if not self.agents.take(agent, call, leg):
            call.legs.remove(leg)
            self._centre.channels.pop(leg.channel, None)
            return None
        self.last_agents.forget(call)
        call.together = together
        queue = self._centre.queues.get(call.queue_id)
        limit = queue.config.ring_timeout if queue is not None and kind is LegKind.AGENT else DEFAULT_RING
        ring = ring or ring_time(agent, limit)
        self._control.originate(call, leg, target, caller=caller, name=call.ani_name, ring=ring)
        self._centre.log_call("offered", call)
        return leg

    def _cannot_be_rung(self, call: Call, agent: Agent, leg: Leg) -> None:
        """There is no way out to the agent's number: others take the calls until the agent is ready anew."""
        call.legs.remove(leg)
        self._centre.channels.pop(leg.channel, None)
        self.agents.event(agent, AgentEvent.NOT_READY, DEVICE_LOST)
        agent.notice = DEVICE_LOST
        self.dispatch(call)

    def offer_failed(self, call: Call) -> None:
        """The offered agent did not take it: first in line for the next one."""
        queue = self._centre.queues.get(call.queue_id)
        customer = call.customer
        if queue is not None and customer is not None:
            if customer.wants is not Audio.MUSIC and not call.announcing:
                customer.wants = Audio.MUSIC
            if queue.remove(call) or call.phase is CallPhase.QUEUED:
                call.first_in_line = True
                self.line_up(call)
                self._centre.dirty_queues.add(call.queue_id)
            self.dispatch(call)

    # ------------------------------------------------------------ predictions

    def predicted_wait(self, queue: QueueRuntime, position: int) -> float | None:
        members = filter(None, map(self._centre.agents.get, queue.config.agents))
        working = sum(1 for agent in members if agent.state in AT_WORK)
        return predicted_wait(position, queue.mean_handling(), working)

    # ------------------------------------------------------------ announcements

    def _schedule_announcement(self, call: Call, queue: QueueRuntime) -> None:
        if call.announced < queue.config.announce_max and queue.config.announce_every > 0:
            self._centre.start_timer(f"announce:{call.call_id}", queue.config.announce_every)

    def announce(self, call: Call) -> None:
        """Tell the caller the place in the queue; not while a phone already rings for the call."""
        queue = self._centre.queues.get(call.queue_id)
        customer = call.customer
        if queue is None or customer is None or call not in queue:
            return
        free = customer.controlled and not customer.pending and call.asking is None
        if call.live(LegKind.AGENT) is None and free:
            call.announced += 1
            call.announcing = new_id(self._centre.now)
            customer.wants, customer.music_on = Audio.PROMPT, False
            position = queue.line.position(call.call_id)
            wait = self.predicted_wait(queue, position) if queue.config.announce_wait else None
            about = wait_prompts(wait, call.language) if wait is not None else ()
            tokens = ("position_is", *number_prompts(position, call.language), "in_queue", *about, "please_wait")
            offered = ("callback_offer",) if queue.config.callback else ()
            prompts = tuple(f"{call.language}/{token}" for token in (*tokens, *offered))
            self._centre.command(call, Play(customer.channel, prompts, call.announcing))
        self._schedule_announcement(call, queue)

    def announced(self, call: Call) -> None:
        """The announcement ended: music again."""
        call.announcing = ""
        customer = call.customer
        if call.greeting:
            return
        if customer is not None and call.phase is CallPhase.QUEUED:
            self._control.hear(call, customer, Audio.MUSIC)


def _rings_all(queue: QueueRuntime) -> bool:
    return queue.config.strategy is Strategy.RING_ALL
