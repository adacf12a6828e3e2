"""The time after a contact in which an agent finishes it: its length, what interrupts it, what is booked at its end.

Knows no state table: ``AgentService`` says when a wrap-up begins, pauses and ends.
"""

from __future__ import annotations

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.services.centre import Centre

MAX_WRAPUP = 1800.0
CLOCK_SLACK = 0.05  # seconds by which a timer may be early: timers go by another clock


class WrapUps:
    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def seconds_after(self, agent: Agent, call: Call) -> float:
        """Seconds of wrap-up after ``call``: its queue's, else the agent's first queue's."""
        for queue_id in (call.queue_id, *agent.queues):
            queue = self._centre.queues.get(queue_id)
            if queue is not None:
                return queue.config.wrapup
        return 0.0

    def about(self, agent: Agent, call: Call, handled_for: float) -> None:
        """The next one is about ``call``, which kept the agent so long; one that was interrupted is over."""
        self.book(agent)
        self._centre.wrapped[agent.agent_id] = call
        agent.handled_for = handled_for

    def begin(self, agent: Agent) -> None:
        call = self._centre.wrapped.get(agent.agent_id)
        self._run(agent, self.seconds_after(agent, call) if call else 0.0)

    def pause(self, agent: Agent) -> None:
        agent.wrapup_left = max(0.0, (agent.wrapup_until or 0.0) - self._centre.now)
        agent.wrapup_until = None
        self._centre.stop_timer(f"wrapup:{agent.agent_id}")

    def go_on(self, agent: Agent) -> None:
        self._run(agent, agent.wrapup_left or 0.0)

    def _run(self, agent: Agent, seconds: float) -> None:
        agent.wrapup_until, agent.wrapup_left = self._centre.now + seconds, None
        self._centre.start_timer(f"wrapup:{agent.agent_id}", seconds)

    def passed(self, agent: Agent) -> None:
        """The agent leaves the state in which time counts as wrap-up."""
        if agent.state is AgentState.WRAP_UP and agent.handled_for > 0:
            agent.handled_for += max(0.0, self._centre.now - agent.since)

    def end(self, agent: Agent) -> None:
        agent.wrapup_until = agent.wrapup_left = None
        self.book(agent)
        self._centre.stop_timer(f"wrapup:{agent.agent_id}")

    def book(self, agent: Agent) -> None:
        """The contact and its wrap-up are over: so long they took."""
        call = self._centre.wrapped.pop(agent.agent_id, None)
        seconds, agent.handled_for = agent.handled_for, 0.0
        if call is not None and seconds > 0:
            self.handled(call, seconds)

    def handled(self, call: Call, seconds: float) -> None:
        """A contact of the call's queue kept an agent busy for so long, wrap-up included."""
        queue = self._centre.queues.get(call.queue_id)
        if queue is not None:
            queue.handled(seconds)

    def over(self, agent: Agent) -> bool:
        """At its timer: the time is over; or not yet, because the clock was set back: then the rest is waited for."""
        whole = max(agent.wrapup_until or 0.0, agent.since) - agent.since
        rest = min((agent.wrapup_until or 0.0) - self._centre.now, whole)
        if rest <= CLOCK_SLACK:
            return True
        agent.wrapup_until = self._centre.now + rest
        self._centre.start_timer(f"wrapup:{agent.agent_id}", rest)
        return False

    def extend(self, agent: Agent, seconds: float) -> None:
        """Raises ``NotAllowedNow`` or ``BadRequest`` and then has changed nothing."""
        if agent.state is not AgentState.WRAP_UP or agent.wrapup_until is None:
            raise NotAllowedNow("there is no wrap-up")
        if not 0 < seconds <= MAX_WRAPUP:
            raise BadRequest("seconds out of range", seconds=seconds)
        limit = agent.since + MAX_WRAPUP
        agent.wrapup_until = min(limit, max(agent.wrapup_until, self._centre.now) + seconds)
        self._centre.start_timer(f"wrapup:{agent.agent_id}", agent.wrapup_until - self._centre.now)
        self._centre.dirty_agents.add(agent.agent_id)

    def restored(self, agent: Agent, about: Call | None) -> None:
        """After a restart, when the agent is as it was."""
        if about is not None:
            self._centre.wrapped[agent.agent_id] = about
        if agent.state is AgentState.WRAP_UP:
            self._centre.start_timer(f"wrapup:{agent.agent_id}", (agent.wrapup_until or 0.0) - self._centre.now)
