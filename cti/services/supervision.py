"""What a supervisor does to agents and calls: forced states, listening, a waiting call pulled, a call hung up.

Who may is decided, and written to the audit log, where the request comes from. It must not know users or rights.
"""

from __future__ import annotations

from collections.abc import Sequence

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call, CallPhase
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import ListenMode
from cti.domain.switch.terms import Cause
from cti.services.acd import Acd
from cti.services.callbacks import Callbacks
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.listening import Listening

FORCED = "forced"
"""The notice of an agent whose state a supervisor has changed."""


class Supervision:
    """Each operation raises ``NotAllowedNow``, ``BadRequest`` or ``UnknownAgent`` and then has changed nothing."""

    def __init__(
        self, centre: Centre, control: CallControl, acd: Acd, listening: Listening, callbacks: Callbacks
    ) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._listening = listening
        self._callbacks = callbacks

    def listen(self, supervisor: Agent, target: Agent, mode: ListenMode) -> None:
        """The supervisor's phone rings, then listens, whispers, barges in or has the call; once more: changes that."""
        self._listening.begin(supervisor, target, mode)

    def stop(self, supervisor: Agent) -> None:
        """End what ``listen`` began, but for a call that was taken over."""
        self._listening.stop(supervisor)

    def force_ready(self, agent: Agent) -> None:
        """In a call or wrap-up, as when the agent asks for it: what comes next; the wrap-up ends."""
        self._acd.agents.ready(agent)
        self._tell(agent)

    def force_not_ready(self, agent: Agent, reason: str) -> None:
        self._acd.agents.not_ready(agent, reason)
        self._tell(agent)

    def force_logout(self, agent: Agent) -> None:
        if agent.state is AgentState.LOGGED_OFF:
            raise NotAllowedNow("the agent is off")
        self._acd.agents.logout(agent)
        self._tell(agent)

    def set_queues(self, agent: Agent, queues: Sequence[str]) -> None:
        """The agent serves exactly these until log-out; a call that is there goes on."""
        if agent.state is AgentState.LOGGED_OFF:
            raise NotAllowedNow("the agent is off")
        for queue_id in queues:
            if queue_id not in self._centre.queues:
                raise BadRequest("there is no such queue", queue=queue_id[:40])
        self._acd.agents.assign(agent, tuple(dict.fromkeys(queues)))

    def _tell(self, agent: Agent) -> None:
        agent.notice = FORCED
        self._centre.dirty_agents.add(agent.agent_id)

    def pull(self, call_id: str, agent: Agent) -> None:
        """Offer a waiting call to this agent now, whatever the order, the queue's agents and their skills."""
        call = self._call(call_id)
        status = self._centre.switches[call.switch]
        queue = self._centre.queues.get(call.queue_id)
        if call.phase is not CallPhase.QUEUED or queue is None or call not in queue:
            raise NotAllowedNow("the call does not wait")
        if not (status.up and status.reconciled):
            raise NotAllowedNow("the switch cannot be reached", switch=call.switch)
        if not self._acd.may_offer(call):
            raise NotAllowedNow("the call is being offered, or ends")
        if not self._centre.can_be_offered(agent, call):
            raise NotAllowedNow("the agent is not free", number=agent.number, state=str(agent.state))
        self._acd.offer(call, agent)

    def drop(self, call_id: str) -> None:
        """Hang up everybody in a call; a place that is kept for a callback is given up."""
        call = self._call(call_id)
        if self._callbacks.cancel(call):
            return
        if not call.live_legs():
            raise NotAllowedNow("the call is over")
        if not self._centre.switches[call.switch].up:
            raise NotAllowedNow("the switch cannot be reached", switch=call.switch)
        self._control.hangup_all(call, Cause.NORMAL, "supervisor")

    def _call(self, call_id: str) -> Call:
        call = self._centre.calls.get(call_id)
        if call is None:
            raise BadRequest("there is no such call", call_id=call_id[:40])
        return call
