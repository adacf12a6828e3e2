"""Where a call that waits goes on: the rules of its queue, in order. ``choose`` and ``predicted_wait`` are pure.

Each target is tried once, and no call comes back to a queue that it left, so that nobody is sent in circles. A target
that cannot take the call just now is passed over: who waits is never hung up on by mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cti.domain.agents import AgentState
from cti.domain.calls import Call, CallPhase
from cti.domain.config.queues import Overflow, OverflowWhen
from cti.domain.config.routes import RouteTarget, TargetKind
from cti.services.acd import JUST_AFTER, Acd
from cti.services.centre import Centre
from cti.services.queues import QueueRuntime
from cti.services.routing import Routing
from cti.services.ways_out import is_reachable

LOOK_EVERY = 3.0
"""Seconds: what no timer can foretell (agents, the line, the figures) is looked at so often."""

ENOUGH_CALLS = 10
"""A service level of fewer calls says nothing."""

BY_TIME = frozenset({OverflowWhen.WAITED})


@dataclass(frozen=True, slots=True)
class Facts:
    """A waiting call as the rules see it. ``predicted`` seconds, ``service_level`` per cent; ``None``: not known."""

    waited: float
    ahead: int
    logged_in: int
    predicted: float | None = None
    service_level: float | None = None


def holds(rule: Overflow, facts: Facts) -> bool:
    match rule.when:
        case OverflowWhen.WAITED:
            return facts.waited >= rule.limit
        case OverflowWhen.LENGTH:
            return facts.ahead >= rule.limit
        case OverflowWhen.NO_AGENTS:
            return facts.logged_in == 0
        case OverflowWhen.PREDICTED:
            return facts.predicted is not None and facts.predicted > rule.limit
        case OverflowWhen.SERVICE_LEVEL:
            return facts.service_level is not None and facts.service_level < rule.limit


def choose(rules: Iterable[Overflow], facts: Facts, may: Callable[[RouteTarget], bool]) -> Overflow | None:
    """The first rule that holds, of those whose target ``may`` be gone to now."""
    return next((rule for rule in rules if holds(rule, facts) and may(rule.target)), None)


def next_look(rules: Iterable[Overflow], waited: float) -> float | None:
    """Seconds until the rules may say something else; ``None``: never."""
    times = [rule.limit - waited for rule in rules if rule.when in BY_TIME and rule.limit > waited]
    if any(rule.when not in BY_TIME or rule.limit <= waited for rule in rules):
        times.append(LOOK_EVERY)
    return min(times, default=None)


class Overflows:
    """Sends waiting calls on, by the timer ``overflow`` of each call."""

    def __init__(self, centre: Centre, acd: Acd, routing: Routing) -> None:
        self._centre = centre
        self._acd = acd
        self._routing = routing

    def look(self, call: Call) -> None:
        """Does a rule hold for this call now? A call that is being offered to an agent is left alone."""
        queue = self._centre.queues.get(call.queue_id)
        if queue is None or call not in queue or call.phase is not CallPhase.QUEUED or call.customer is None:
            return
        facts = self._facts(queue, call)
        if self._acd.may_offer(call):
            rule = choose(queue.config.overflow, facts, lambda target: self._may(call, target))
            if rule is not None and rule.target.kind is TargetKind.CALLBACK:
                call.passed.append(name(rule.target))
                self._routing.callbacks.offer(call)
            elif rule is not None:
                self._go(call, queue, rule)
                return
        again = next_look(queue.config.overflow, facts.waited)
        if again is not None:
            self._centre.start_timer(f"overflow:{call.call_id}", again + JUST_AFTER)

    def _facts(self, queue: QueueRuntime, call: Call) -> Facts:
        members = [a for a in map(self._centre.agents.get, queue.config.agents) if a is not None]
        position = queue.line.position(call.call_id)
        return Facts(
            waited=max(0.0, self._centre.now - (call.entered_at or call.queued_at or self._centre.now)),
            ahead=position - 1,
            logged_in=sum(1 for agent in members if agent.state is not AgentState.LOGGED_OFF),
            predicted=self._acd.predicted_wait(queue, position),
            service_level=queue.today.service_level(ENOUGH_CALLS),
        )

    def _may(self, call: Call, target: RouteTarget) -> bool:
        if name(target) in call.passed:
            return False
        if target.kind is TargetKind.CALLBACK:
            return self._routing.callbacks.may_offer(call)
        if not self._routing.exists(target):
            return False
        if target.kind is TargetKind.QUEUE:
            return target.id != call.queue_id
        if target.kind is TargetKind.AGENT:
            return self._centre.can_be_offered(self._centre.agents[target.id], call)
        if target.kind is TargetKind.GROUP:
            return self._routing.groups.can_ring(call, target.id)
        if target.kind is TargetKind.OUTSIDE:
            return is_reachable(self._centre, call, target.id)
        return True

    def _go(self, call: Call, queue: QueueRuntime, rule: Overflow) -> None:
        here = name(RouteTarget(TargetKind.QUEUE, call.queue_id))
        call.passed += [key for key in (here, name(rule.target)) if key not in call.passed]
        queue.today.overflowed += 1
        self._acd.leave(call, answered=None)
        self._centre.log_call("diverted", call, f"overflow_{rule.when}")
        if rule.target.kind is TargetKind.QUEUE:
            self._acd.enqueue(call, rule.target.id, keep=True)
        elif rule.target.kind is TargetKind.HANGUP:
            self._routing.say_and_end(call, rule.say or "no_agent")
        else:
            self._routing.route(call, rule.target)


def name(target: RouteTarget) -> str:
    return f"{target.kind}:{target.id}"
