"""Agents on duty: state changes, phones that come and go. Knows nothing of how queues choose or bridges are made."""

from __future__ import annotations

from collections.abc import Callable

from cti.domain.agents import ON_CALL, Agent, AgentState
from cti.domain.calls import Call
from cti.domain.config.agents import OUTSIDE, AgentConfig
from cti.domain.errors import BadRequest, IllegalTransition, NotAllowedNow
from cti.domain.legs import Leg
from cti.machines import agent as machine
from cti.machines.agent import AgentEffect, AgentEvent
from cti.machines.table import step
from cti.services.centre import Centre
from cti.services.effects import Log
from cti.services.wrapup import WrapUps

DEVICE_GRACE = 20.0
"""Seconds a ready agent's phone may be unregistered (a reload, a missed OPTIONS) before the agent is set busy."""

DEVICE_LOST = "device_lost"
"""The reason of an agent who was ready and lost the phone: ready again as soon as the phone is back."""

DUTY_WITHOUT_PHONE = 900.0
BREAK_WITHOUT_PHONE = 7200.0
"""Seconds after which an agent whose phone stays away is logged off: who had been ready, who is on a break."""


class AgentService:
    """Steps the agents' state table. ``on_ready`` is called when an agent has become free for a call."""

    def __init__(self, centre: Centre, on_ready: Callable[[Agent], None]) -> None:
        self._centre = centre
        self._on_ready = on_ready
        self.wrapups = WrapUps(centre)
        self._removed: set[str] = set()

    # ------------------------------------------------------------ configuration

    def configure(self, configs: tuple[AgentConfig, ...]) -> None:
        """Take over added, changed and removed agents. One who is on a call leaves when it ends."""
        centre = self._centre
        for config in configs:
            agent = centre.agents.setdefault(config.id, Agent(config.id, config.number, config.name, since=centre.now))
            centre.numbers.pop(agent.number, None)
            queues = config.queues if agent.assigned is None else agent.assigned
            self._leave_queues(agent, queues)
            agent.number, agent.name, agent.queues = config.number, config.name, queues
            agent.skills, agent.outside = config.skills, config.outside
            if agent.device and agent.device not in config.devices and agent.state is not AgentState.LOGGED_OFF:
                self.event(agent, AgentEvent.LOGOUT)  # the phone is another's now
            centre.place(agent)
            centre.dirty_agents.add(config.id)
        centre.numbers = {config.number: config.id for config in configs}
        self._removed = centre.agents.keys() - {config.id for config in configs}
        for agent_id in sorted(self._removed):
            self._drop_removed(centre.agents[agent_id])
        self._staff()

    def assign(self, agent: Agent, queues: tuple[str, ...] | None) -> None:
        """Serve these queues until log-out, last in their order; ``None``: those of the configuration again."""
        centre = self._centre
        own = next((config.queues for config in centre.config.agents if config.id == agent.agent_id), ())
        centre.dirty_queues.update(agent.queues)
        agent.assigned, agent.queues = queues, own if queues is None else queues
        centre.dirty_queues.update(agent.queues)
        centre.dirty_agents.add(agent.agent_id)
        self._staff()
        self._if_free(agent)

    def _staff(self) -> None:
        """Each queue's agents, as configured and as assigned."""
        centre = self._centre
        assigned = {agent.agent_id: agent.assigned for agent in centre.agents.values() if agent.assigned is not None}
        for config in centre.config.queues:
            kept = tuple(a for a in config.agents if config.id in assigned.get(a, (config.id,)))
            more = tuple(a for a, queues in sorted(assigned.items()) if config.id in queues and a not in config.agents)
            queue = centre.queues[config.id]
            if queue.config.agents != kept + more:
                queue.staff(kept + more)
                for agent in filter(None, map(centre.agents.get, kept + more)):
                    centre.place(agent)

    def _leave_queues(self, agent: Agent, kept: tuple[str, ...]) -> None:
        for queue_id in set(agent.queues) - set(kept):
            if (queue := self._centre.queues.get(queue_id)) is not None:
                queue.free.discard(agent.agent_id)

    def _drop_removed(self, agent: Agent) -> None:
        if agent.agent_id in self._removed and agent.state not in ON_CALL:
            self._enter(agent, AgentState.LOGGED_OFF, "")
            for timer in ("wrapup", "device"):
                self._centre.stop_timer(f"{timer}:{agent.agent_id}")
            self.wrapups.book(agent)
            self._removed.discard(agent.agent_id)
            self._leave_queues(agent, ())
            del self._centre.agents[agent.agent_id]

    # ------------------------------------------------------------ the table

    def event(self, agent: Agent, event: AgentEvent, reason: str = "") -> bool:
        """Step ``agent``; ``False`` (counted, nothing changed) when the table forbids it."""
        centre = self._centre
        before, before_reason = agent.state, agent.reason
        try:
            after, effects = step(machine.TABLE, before, event)
        except IllegalTransition:
            centre.counters[f"illegal:agent:{before}:{event}"] += 1
            return False
        if event is AgentEvent.RESERVE and before is AgentState.NOT_READY and agent.pending is None:
            agent.pending, agent.pending_reason = before, before_reason
        if event is AgentEvent.ALERT or event is AgentEvent.RESERVE:
            agent.notice = ""
        new_reason = reason if after is AgentState.NOT_READY else ""
        if AgentEffect.KEEP_WISH in effects:
            self._wish(agent, event, reason)
            new_reason = before_reason
        elif AgentEffect.CLEAR_WISH in effects:
            agent.pending, agent.pending_reason = None, ""
        if after is not before or new_reason != before_reason:
            self._enter(agent, after, new_reason)
        for effect in effects:
            self._effect(agent, effect)
        centre.place(agent)
        centre.dirty_agents.add(agent.agent_id)
        return True

    def _effect(self, agent: Agent, effect: AgentEffect) -> None:
        if effect is AgentEffect.ENTER_WISH:
            self._enter_wish(agent)
        elif effect is AgentEffect.START_WRAPUP:
            self.wrapups.begin(agent)
        elif effect is AgentEffect.PAUSE_WRAPUP:
            self.wrapups.pause(agent)
        elif effect is AgentEffect.STOP_WRAPUP:
            self.wrapups.end(agent)

    def _wish(self, agent: Agent, event: AgentEvent, reason: str) -> None:
        if agent.wrapup_left is not None:
            self.wrapups.end(agent)
        agent.pending = {
            AgentEvent.READY: AgentState.READY,
            AgentEvent.NOT_READY: AgentState.NOT_READY,
            AgentEvent.LOGOUT: AgentState.LOGGED_OFF,
        }[event]
        agent.pending_reason = reason if event is AgentEvent.NOT_READY else ""

    def _enter_wish(self, agent: Agent) -> None:
        if agent.wrapup_left is not None:
            self._enter(agent, AgentState.WRAP_UP, "")
            self.wrapups.go_on(agent)
            return
        wish, reason = agent.pending, agent.pending_reason
        agent.pending, agent.pending_reason = None, ""
        if wish is AgentState.NOT_READY or wish is AgentState.LOGGED_OFF:
            self._enter(agent, wish, reason if wish is AgentState.NOT_READY else "")

    def _enter(self, agent: Agent, state: AgentState, reason: str) -> None:
        centre = self._centre
        if centre.now > agent.since and agent.state is not AgentState.LOGGED_OFF:
            self._log_stretch(agent)
        self.wrapups.passed(agent)
        agent.state, agent.reason, agent.since = state, reason, centre.now
        if state is AgentState.LOGGED_OFF and agent.assigned is not None:
            self.assign(agent, None)
        self._watch_device(agent)
        centre.dirty_queues.update(agent.queues)

    def _log_stretch(self, agent: Agent) -> None:
        centre = self._centre
        call = centre.calls.get(agent.call_id) or centre.wrapped.get(agent.agent_id)
        if agent.reason:
            agent.used[agent.reason] = agent.used.get(agent.reason, 0.0) + centre.now - agent.since
        document = {
            "agent_id": agent.agent_id,
            "number": agent.number,
            "state": agent.state,
            "reason": agent.reason,
            "started_at": agent.since,
            "ended_at": centre.now,
            "queue_id": call.queue_id if call else "",
            "call_id": call.call_id if call else "",
        }
        centre.effects.append(Log(f"cy.log.agent.{agent.agent_id}", document, f"{agent.agent_id}-{agent.since:.6f}"))

    # ------------------------------------------------------------ contacts

    def take(self, agent: Agent, call: Call, leg: Leg) -> bool:
        """Reserve the agent for a leg. ``False`` when the agent's state does not allow it."""
        if not self.event(agent, AgentEvent.RESERVE):
            return False
        agent.call_id, agent.leg_id = call.call_id, leg.leg_id
        return True

    def give_back(
        self, agent: Agent, event: AgentEvent, reason: str = "", notice: str = "", handled_for: float = 0.0
    ) -> None:
        """The agent's contact is over: ``WITHDRAW``, ``FAIL``, ``RELEASE`` or ``WRAP``.

        ``handled_for``: the seconds of it, which count as handled when the wrap-up has ended.
        """
        centre = self._centre
        call = centre.calls.get(agent.call_id)
        if event is AgentEvent.WRAP and call is not None:
            self.wrapups.about(agent, call, handled_for)
        if event in (AgentEvent.RELEASE, AgentEvent.WRAP):
            self._count(agent)
            agent.idle_since = centre.now
        self.event(agent, event, reason)
        agent.call_id = agent.leg_id = ""
        agent.notice = notice
        centre.place(agent)
        self._drop_removed(agent)
        self._if_free(agent)

    def _count(self, agent: Agent) -> None:
        """One contact more in today's figures, which some strategies go by."""
        found = self._centre.agent_call(agent)
        if found is not None and found[1].listens is not None:
            return
        agent.calls += 1
        if found is not None and found[1].answered_at is not None:
            agent.talk += self._centre.now - found[1].answered_at

    def _watch_device(self, agent: Agent) -> None:
        """A ready agent without a phone is set busy when it stays away, and logged off when it stays away for long."""
        if agent.registered or agent.state not in (AgentState.READY, AgentState.NOT_READY):
            return
        away = DUTY_WITHOUT_PHONE if agent.reason == DEVICE_LOST else BREAK_WITHOUT_PHONE
        delay = DEVICE_GRACE if agent.state is AgentState.READY else away
        self._centre.start_timer(f"device:{agent.agent_id}", delay)

    def _if_free(self, agent: Agent) -> None:
        if agent.free and agent.agent_id in self._centre.agents:
            self._on_ready(agent)

    # ------------------------------------------------------------ what an agent asks for

    def login(self, agent: Agent, device: str) -> None:
        outside = (f"{agent.number}{OUTSIDE}",) if agent.outside else ()
        if device not in (agent.number, f"{agent.number}-web", *outside):
            raise BadRequest("this phone does not belong to the agent", device=device)
        if agent.state in ON_CALL and device != agent.device:
            raise NotAllowedNow("the phone can be changed after the call")
        fresh = agent.state is AgentState.LOGGED_OFF
        agent.device = device
        if fresh:
            self.event(agent, AgentEvent.LOGIN, "login")
            agent.idle_since = self._centre.now
            agent.notice = ""
        self._phone_is(agent, self._centre.device_registered(device))

    def logout(self, agent: Agent) -> None:
        self.event(agent, AgentEvent.LOGOUT)
        if agent.state is AgentState.WRAP_UP:
            self.wrapup_done(agent)

    def ready(self, agent: Agent) -> None:
        if agent.state is AgentState.LOGGED_OFF:
            raise NotAllowedNow("log in first")
        if agent.state is AgentState.NOT_READY and not agent.registered:
            raise NotAllowedNow("the phone is not registered", notice="device_lost")
        agent.notice = ""
        self.event(agent, AgentEvent.READY)
        if agent.state is AgentState.WRAP_UP:
            self.wrapup_done(agent)
        else:
            self._if_free(agent)

    def not_ready(self, agent: Agent, reason: str) -> None:
        if agent.state is AgentState.LOGGED_OFF:
            raise NotAllowedNow("log in first")
        if not reason or len(reason) > 40 or not reason.replace("_", "").isalnum():
            raise BadRequest("a reason code is needed", reason=reason[:40])
        agent.notice = ""
        self.event(agent, AgentEvent.NOT_READY, reason)
        if agent.state is AgentState.WRAP_UP:
            self.wrapup_done(agent)

    def wrapup_done(self, agent: Agent) -> None:
        if agent.state is not AgentState.WRAP_UP:
            raise NotAllowedNow("there is no wrap-up")
        self.event(agent, AgentEvent.WRAP_DONE)
        self._if_free(agent)

    def wrapup_timer(self, agent: Agent) -> None:
        if agent.state is AgentState.WRAP_UP and self.wrapups.over(agent):
            self.wrapup_done(agent)

    # ------------------------------------------------------------ phones

    def device_changed(self, device: str, registered: bool) -> None:
        agent = self._centre.agent_of_device(device)
        if agent is not None and agent.registered != registered:
            self._phone_is(agent, registered)

    def _phone_is(self, agent: Agent, registered: bool) -> None:
        agent.registered = registered
        self._centre.place(agent)
        self._centre.dirty_agents.add(agent.agent_id)
        if not registered:
            self._watch_device(agent)
            return
        self._centre.stop_timer(f"device:{agent.agent_id}")
        if agent.state is AgentState.NOT_READY and agent.reason == DEVICE_LOST:
            agent.notice = ""
            self.event(agent, AgentEvent.READY)
        self._if_free(agent)

    def device_timer(self, agent: Agent) -> None:
        """The phone stayed away: a ready agent is busy by the system, with notice; one who is not ready is off."""
        if agent.registered:
            return
        if agent.state is AgentState.READY:
            self.event(agent, AgentEvent.FAIL, DEVICE_LOST)
            agent.notice = DEVICE_LOST
        elif agent.state is AgentState.NOT_READY and all(s.up for s in self._centre.switches.values()):
            self.event(agent, AgentEvent.LOGOUT)
        else:
            self._watch_device(agent)  # a switch that is away may have the phone

    # ------------------------------------------------------------ after a restart

    def restore(self, agent: Agent, document: dict[str, object], wrapped: Call | None) -> None:
        """Take over what KV kept, and the call of the wrap-up. A call state stays only if its leg is found."""
        agent.device = str(document.get("device") or "")
        agent.state = AgentState(str(document["state"]))
        agent.reason = str(document.get("reason") or "")
        agent.since = _number(document.get("since"), self._centre.now)
        agent.idle_since = _number(document.get("idle_since"), agent.since)
        pending = document.get("pending")
        agent.pending = AgentState(str(pending)) if pending else None
        agent.pending_reason = str(document.get("pending_reason") or "")
        agent.registered = self._centre.device_registered(agent.device)
        if isinstance(assigned := document.get("assigned"), list):
            self.assign(agent, tuple(str(queue_id) for queue_id in assigned))
        if document.get("day") == self._centre.day:
            agent.calls, agent.talk = int(_number(document.get("calls"), 0)), _number(document.get("talk"), 0.0)
            used = document.get("used")
            agent.used = {str(k): _number(v, 0.0) for k, v in used.items()} if isinstance(used, dict) else {}
        self._centre.place(agent)
        until, left = document.get("wrapup_until"), document.get("wrapup_left")
        agent.wrapup_until = _number(until, 0.0) if until else None
        agent.wrapup_left = None if left is None else _number(left, 0.0)
        agent.handled_for = _number(document.get("handled_for"), 0.0)
        self.wrapups.restored(agent, wrapped)
        self._watch_device(agent)
        self._centre.dirty_agents.add(agent.agent_id)

    def found_on_call(self, agent: Agent, state: AgentState) -> None:
        """A switch has the agent in a call that was not known: ``state`` from now on, whatever the table says."""
        self._enter(agent, state, "")

    def settle_restored(self, agent: Agent) -> None:
        """An agent who was on a call that is gone goes on as asked; the time of the loss is not wrap-up."""
        if agent.state in ON_CALL and self._centre.agent_call(agent) is None:
            established = agent.state in (AgentState.TALKING, AgentState.HOLD)
            self.give_back(agent, AgentEvent.RELEASE if established else AgentEvent.WITHDRAW)


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
