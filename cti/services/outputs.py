"""What is told after each input: documents of what changed, and what a restarted engine will need. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cti.services.centre import Centre
from cti.services.documents import agent_document, centre_document, queue_document, stored_agent
from cti.services.effects import Effect, Publish, StoreAgent, StoreToday
from cti.services.queues import QueueToday
from cti.services.trunk_test import TrunkTests

QUEUE_PUBLISH_EVERY = 0.2
"""Seconds: a busy queue's document is sent at most this often."""

TODAY_STORED_EVERY = 1.0
"""Seconds: so much of today's counters a killed engine loses, at most."""


class Outputs:
    """Agents at once; queues and today's counters a moment after a change, by the timers ``queue`` and ``today``."""

    def __init__(self, centre: Centre, trunk_tests: TrunkTests) -> None:
        self._centre = centre
        self._trunk_tests = trunk_tests
        self._queue_timers: set[str] = set()
        self._stored: dict[str, dict[str, Any]] = {}
        self._today: dict[str, Any] | None = None  # as stored; None: what is stored has not been read yet
        self._today_timer = False
        self.centre_changed = True

    def flush(self) -> list[Effect]:
        """Documents of what changed, then everything else that was decided."""
        centre = self._centre
        first: list[Effect] = []
        for agent_id in sorted(centre.dirty_agents):
            first += self._agent(agent_id)
        for queue_id in centre.dirty_queues - self._queue_timers:
            self._queue_timers.add(queue_id)
            centre.start_timer(f"queue:{queue_id}", QUEUE_PUBLISH_EVERY)
        if self.centre_changed:
            self.centre_changed = False
            first.append(Publish("cy.evt.centre", centre_document(centre)))
        first += self._trunk_tests.news()
        effects = first + centre.effects
        centre.effects = []
        centre.dirty_agents.clear()
        centre.dirty_queues.clear()
        return effects

    def _agent(self, agent_id: str) -> list[Effect]:
        agent = self._centre.agents.get(agent_id)
        if agent is None:
            return []
        told: list[Effect] = [Publish(f"cy.evt.agent.{agent_id}", agent_document(self._centre, agent))]
        stored = stored_agent(self._centre, agent)
        if self._stored.get(agent_id) != stored:
            self._stored[agent_id] = stored
            told.append(StoreAgent(agent_id, stored))
        return told

    def everything(self) -> None:
        """The bus was away: tell and store all of it again."""
        self._centre.dirty_agents.update(self._centre.agents)
        self._centre.dirty_queues.update(self._centre.queues)
        self._stored.clear()
        self._today = {}
        self.centre_changed = True

    # ------------------------------------------------------------ queues

    def queue_timer(self, queue_id: str) -> None:
        self._queue_timers.discard(queue_id)
        queue = self._centre.queues.get(queue_id)
        if queue is not None:
            document = queue_document(self._centre, queue)
            self._centre.effects.append(Publish(f"cy.evt.queue.{queue_id}", document))
        if not self._today_timer and self._today is not None and self._today != self._counted():
            self._today_timer = True
            self._centre.start_timer("today:", TODAY_STORED_EVERY)

    # ------------------------------------------------------------ today's counters

    def _counted(self) -> dict[str, Any]:
        return {"queues": {queue_id: q.today.to_document() for queue_id, q in self._centre.queues.items()}}

    def restore_today(self, document: Mapping[str, Any]) -> None:
        """Go on counting from what was stored; before that nothing is stored."""
        for queue_id, counters in document.get("queues", {}).items():
            queue = self._centre.queues.get(queue_id)
            if queue is not None:
                queue.today = QueueToday.from_document(counters)
        self._today = self._counted()

    def today_timer(self) -> None:
        self._today_timer = False
        if self._today is not None:
            self._today = self._counted()
            self._centre.effects.append(StoreToday(self._today))
