"""Returning customers: who waits for the one agent who served them before, and until when.

What was lately is remembered here. For the rest a question goes out as an effect and its answer comes back as an input,
so that no call waits for a database. Every wait has an end by the timer ``last``: for the answer, then for the agent.
Must not know how calls are offered.
"""

from __future__ import annotations

from collections import OrderedDict

from cti.domain.agents import AT_WORK
from cti.domain.calls import Call, Direction
from cti.domain.config.queues import QueueConfig
from cti.domain.phones import normalise
from cti.services.centre import Centre
from cti.services.effects import AskLastAgent

ANSWER_WITHIN = 0.3
"""Seconds a caller is held back for the answer. Who carries the question out gives up earlier."""

REMEMBERED = 50_000
"""Customers of whom is remembered who served them last."""

DAY = 86_400.0


class LastAgents:
    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._served: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()  # by number and queue
        self._asking: set[str] = set()
        self._wanted: dict[str, str] = {}  # agent ids by call id
        self._waiting: dict[str, dict[str, None]] = {}  # call ids by agent id, in the order they came

    def served(self, call: Call, agent_id: str) -> None:
        """An agent talks with a caller; the first one of a call is the one who counts."""
        if call.answered_at is None and call.direction is Direction.INBOUND and call.queue_id and agent_id:
            customer = (normalise(call.ani), call.queue_id)
            self._served[customer] = (agent_id, self._centre.now)
            self._served.move_to_end(customer)
            if len(self._served) > REMEMBERED:
                self._served.popitem(last=False)

    def ask(self, call: Call, queue: QueueConfig) -> None:
        """A caller has come into a queue: who served this number before?"""
        self.forget(call)
        if queue.last_agent_days <= 0 or call.direction is not Direction.INBOUND or not call.ani.lstrip("+").isdigit():
            return
        agent_id, at = self._served.get((normalise(call.ani), queue.id), ("", 0.0))
        if agent_id and self._centre.now - at <= queue.last_agent_days * DAY:
            self._wait_for(call, agent_id, queue)
        else:
            self._asking.add(call.call_id)
            self._centre.effects.append(AskLastAgent(call.call_id, queue.id, call.ani, queue.last_agent_days))
            self._centre.start_timer(f"last:{call.call_id}", ANSWER_WITHIN)

    def known(self, call: Call, agent_id: str, queue: QueueConfig) -> None:
        """The answer to the question; empty: nobody."""
        if call.call_id in self._asking:
            self.forget(call)
            self._wait_for(call, agent_id, queue)

    def _wait_for(self, call: Call, agent_id: str, queue: QueueConfig) -> None:
        """Wait for this agent, if it is one of the queue and will be free some time soon; else for anybody."""
        agent = self._centre.agents.get(agent_id)
        if agent is None or agent_id not in queue.agents or agent.state not in AT_WORK or not agent.registered:
            return
        if queue.last_agent_wait <= 0 and not self._centre.can_be_offered(agent, call):
            return
        self._wanted[call.call_id] = agent_id
        self._waiting.setdefault(agent_id, {})[call.call_id] = None
        self._centre.start_timer(f"last:{call.call_id}", queue.last_agent_wait)

    def forget(self, call: Call) -> None:
        """The call is offered, has gone, or waits for anybody from now on."""
        agent_id = self._wanted.pop(call.call_id, "")
        if not agent_id and call.call_id not in self._asking:
            return
        self._asking.discard(call.call_id)
        self._centre.stop_timer(f"last:{call.call_id}")
        if agent_id:
            self._waiting[agent_id].pop(call.call_id, None)
            if not self._waiting[agent_id]:
                del self._waiting[agent_id]

    def asking(self, call: Call) -> bool:
        return call.call_id in self._asking

    def of(self, call: Call) -> str:
        """The one agent this call waits for; empty: anybody."""
        return self._wanted.get(call.call_id, "")

    def waiting_for(self, agent_id: str) -> list[Call]:
        """Who waits for this agent, the first one first."""
        calls = map(self._centre.calls.get, self._waiting.get(agent_id, ()))
        return [call for call in calls if call is not None]
