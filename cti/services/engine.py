"""The whole of call control as one pure object: inputs with their time in, effects out.

Inputs: switch events, timers, requests of agents and supervisors, configuration, snapshots, failures of effects.
``cti.engine.runner`` feeds it and carries the effects out; tests and simulations do the same without a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any

from cti.domain.calls import Call
from cti.domain.config.centre import CentreConfig
from cti.domain.errors import CallyardError
from cti.domain.switch.events import SwitchEvent
from cti.domain.switch.snapshot import Snapshot
from cti.services.centre import Centre
from cti.services.effects import Effect, SwitchCommand
from cti.services.parts import Parts
from cti.services.queues import QueueRuntime, QueueToday
from cti.services.switch_events import SwitchEvents
from cti.services.timers import Timers


class Engine:
    def __init__(self, switches: list[str], zone: tzinfo = UTC) -> None:
        self.centre = Centre(switches, zone)
        parts = Parts(self.centre)
        self._acd = parts.acd
        self._routing = parts.routing
        self._reconciler = parts.reconciler
        self._requests = parts.requests
        self._recordings = parts.recordings
        self._outputs = parts.outputs
        self._events = SwitchEvents(self.centre, parts)
        self._timers = Timers(self.centre, parts)

    # ------------------------------------------------------------ inputs

    def on_config(self, now: float, config: CentreConfig) -> list[Effect]:
        self.centre.now = now
        self.centre.config = config
        for queue in config.queues:
            known = self.centre.queues.get(queue.id)
            if known is None:
                self.centre.queues[queue.id] = QueueRuntime(queue)
            else:
                known.configure(queue)
        for gone in self.centre.queues.keys() - {q.id for q in config.queues}:
            if not len(self.centre.queues[gone]):
                del self.centre.queues[gone]
        self._acd.agents.configure(config.agents)
        self.centre.dirty_queues.update(self.centre.queues)
        self._outputs.centre_changed = True
        self._acd.line_up_again()
        return self._outputs.flush()

    @staticmethod
    def wrapped_calls(agents: Mapping[str, dict[str, Any]]) -> list[str]:
        """Ids of the calls that agents, as KV kept them, are in wrap-up of: their ledger documents are needed."""
        return sorted({str(document["wrapup_call"]) for document in agents.values() if document.get("wrapup_call")})

    def on_restore(
        self, now: float, agents: Mapping[str, dict[str, Any]], ledger: Mapping[str, dict[str, Any]]
    ) -> list[Effect]:
        """Agents as KV kept them; before the first snapshot."""
        self.centre.now = now
        for agent_id, document in agents.items():
            agent = self.centre.agents.get(agent_id)
            if agent is not None:
                try:
                    self._acd.agents.restore(agent, document, self._wrapped(document, ledger))
                except (KeyError, ValueError):
                    self.centre.counters["restore:bad"] += 1
        return self._outputs.flush()

    def _wrapped(self, document: Mapping[str, Any], ledger: Mapping[str, dict[str, Any]]) -> Call | None:
        try:
            return Call.from_document(ledger[document["wrapup_call"]])
        except (KeyError, ValueError, TypeError):
            return None

    def refresh(self, now: float) -> list[Effect]:
        """Publish everything again: the bus was away."""
        self.centre.now = now
        self._outputs.everything()
        return self._outputs.flush()

    def restore_today(self, document: Mapping[str, Any]) -> None:
        """Today's counters as an earlier ``StoreToday`` kept them; empty when there are none."""
        self._outputs.restore_today(document)

    def restore_callbacks(self, now: float, document: Mapping[str, Any]) -> list[Effect]:
        """Places in queues as an earlier ``StoreCallbacks`` kept them; empty when there are none."""
        self.centre.now = now
        self._routing.callbacks.restore(document)
        return self._outputs.flush()

    def new_day(self, now: float, day: str) -> list[Effect]:
        """Today's figures start anew. ``day`` is the centre's date."""
        self.centre.now, self.centre.day = now, day
        for agent in self.centre.agents.values():
            agent.calls, agent.talk = 0, 0.0
            agent.used = {agent.reason: agent.since - now} if agent.reason else {}  # what is before midnight, taken off
            self.centre.place(agent)
            self.centre.dirty_agents.add(agent.agent_id)
        for queue in self.centre.queues.values():
            queue.today = QueueToday()
        self.centre.dirty_queues.update(self.centre.queues)
        return self._outputs.flush()

    def unknown_calls(self, snapshot: Snapshot) -> list[str]:
        return self._reconciler.unknown_calls(snapshot)

    def on_snapshot(
        self, now: float, switch: str, snapshot: Snapshot, asked_at: float, ledger: Mapping[str, dict[str, Any]]
    ) -> list[Effect]:
        self.centre.now = now
        known = self.centre.switches[switch].trunks
        self._reconciler.run(switch, snapshot, asked_at, ledger)
        self._outputs.centre_changed |= self.centre.switches[switch].trunks != known
        self._events.catch_up(switch)
        self._recordings.reconciled()
        if all(status.reconciled for status in self.centre.switches.values()):
            self._routing.callbacks.resume()
        return self._outputs.flush()

    def on_event(self, now: float, switch: str, event: SwitchEvent) -> list[Effect]:
        self.centre.now = now
        self.centre.counters[f"event:{type(event).__name__}"] += 1
        self._events.event(switch, event)
        return self._outputs.flush()

    def on_timer(self, now: float, key: str) -> list[Effect]:
        self.centre.now = now
        self._timers.due(key)
        return self._outputs.flush()

    def on_last_agent(self, now: float, call_id: str, queue_id: str, agent_id: str) -> list[Effect]:
        """The answer to ``AskLastAgent``; no agent: nobody, or nobody could say."""
        self.centre.now = now
        call = self.centre.calls.get(call_id)
        if call is not None:
            self._acd.last_agent(call, queue_id, agent_id)
        return self._outputs.flush()

    def on_retry(self, now: float, call_id: str) -> list[Effect]:
        """The answer to ``AskRetry``, if it is yes."""
        self.centre.now = now
        call = self.centre.calls.get(call_id)
        if call is not None:
            self._acd.retry(call)
        return self._outputs.flush()

    def on_failed(self, now: float, effect: SwitchCommand, error: CallyardError) -> list[Effect]:
        """A switch command did not do its work; what is not repaired here is by the settle timer or reconciliation."""
        self.centre.now = now
        self._events.failed(effect, error)
        return self._outputs.flush()

    # ------------------------------------------------------------ requests

    def agent_request(self, now: float, request: Mapping[str, Any]) -> tuple[dict[str, Any], list[Effect]]:
        """One ``cy.cmd.agent`` request of docs/bus.md: the reply and the effects."""
        self.centre.now = now
        return self._requests.agent(request), self._outputs.flush()

    def centre_request(self, now: float, request: Mapping[str, Any]) -> tuple[dict[str, Any], list[Effect]]:
        """One ``cy.cmd.centre`` request."""
        self.centre.now = now
        return self._requests.centre(request), self._outputs.flush()

    def supervisor_request(self, now: float, request: Mapping[str, Any]) -> tuple[dict[str, Any], list[Effect]]:
        """One ``cy.cmd.supervisor`` request."""
        self.centre.now = now
        return self._requests.supervisor(request), self._outputs.flush()
