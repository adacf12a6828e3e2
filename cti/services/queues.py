"""One queue at run time: who waits in which order, who is free for it, and today's figures.

A call's place is the time it entered, moved forward by its priority and the queue's: that order never changes while it
waits, so that whoever waits is some day the first. What changes with the time is who may be asked: agents of further
levels, and agents with less of a skill that is wanted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from cti.domain.agents import Agent
from cti.domain.calls import Call
from cti.domain.config.queues import QueueConfig
from cti.services.choose import ALL_LEVELS, NOBODY, Candidate, Waiting
from cti.services.pool import FreeAgents, Line, May

LAST_HANDLED = 20
"""Calls whose handling times give the mean that a wait is predicted from."""


def predicted_wait(position: int, mean_handling: float | None, working: int) -> float | None:
    """Seconds that the caller at this place may expect: those before and the caller itself, shared by who works.

    An estimate: it takes a queue's agents to serve nobody else, and handling times to stay as they were.
    """
    return None if mean_handling is None or working < 1 else position * mean_handling / working


@dataclass(slots=True)
class QueueToday:
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0  # of these: so soon that they count for nothing else
    wait_total: float = 0.0
    wait_max: float = 0.0
    answered_in_target: int = 0
    overflowed: int = 0
    handled: int = 0
    handling: float = 0.0

    def service_level(self, enough: int = 1) -> float | None:
        """Per cent answered in time of those answered or lost; ``None`` where these are fewer than ``enough``."""
        over = self.answered + self.abandoned - self.short_abandoned
        return None if over < max(1, enough) else 100.0 * self.answered_in_target / over

    def to_document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> QueueToday:
        """Take what is known and a number; another version may have written more, or less."""
        today = cls()
        for name in cls.__slots__:
            if isinstance(document.get(name), int | float):
                setattr(today, name, document[name])
        return today


class QueueRuntime:
    """A call being offered to an agent keeps its place until the answer."""

    def __init__(self, config: QueueConfig) -> None:
        self.today = QueueToday()
        self._handled: deque[float] = deque(maxlen=LAST_HANDLED)
        self._calls: dict[str, Call] = {}
        self._last_rank = NOBODY
        self.configure(config)

    def configure(self, config: QueueConfig) -> None:
        """Take over what was changed. Nobody is free for it, or in line, until placed or added again."""
        self.config = config
        self._ranks = {agent_id: rank for rank, agent_id in enumerate(config.agents)}
        self._deepest = max(config.levels.values(), default=1)
        self.free = FreeAgents(config.strategy)
        self.line = Line()

    def staff(self, agents: tuple[str, ...]) -> None:
        """Others serve it now: who waits stays in line, who is free is to be placed anew."""
        for gone in set(self.config.agents) - set(agents):
            self.free.discard(gone)
        self.config = replace(self.config, agents=agents)
        self._ranks = {agent_id: rank for rank, agent_id in enumerate(agents)}

    # ------------------------------------------------------------ calls

    def calls(self) -> list[Call]:
        """All that wait, in no order; also those that are not in line just now."""
        return list(self._calls.values())

    @property
    def waiting(self) -> list[Call]:
        """In order of service."""
        return [self._calls[call_id] for call_id in self.line]

    def __contains__(self, call: Call) -> bool:
        return call.call_id in self._calls

    def __len__(self) -> int:
        return len(self._calls)

    def order(self, call: Call) -> tuple[float, ...]:
        """Comparable between queues."""
        points = call.priority + (self.config.retry_points if call.retried else 0)
        head_start = self.config.priority + points * self.config.age
        return (not call.first_in_line, (call.queued_at or 0.0) - head_start)

    def add(self, call: Call, now: float) -> None:
        """Put a call in, or anew: its place, and who may be asked by now."""
        self._calls[call.call_id] = call
        waited = self._waited(call, now)
        self.line.add(Waiting(call.call_id, self.order(call), self._needs(waited), self._level_asked(waited)))

    def remove(self, call: Call) -> bool:
        return self.line.discard(call.call_id) and self._calls.pop(call.call_id, None) is not None

    def next_change(self, call: Call, now: float) -> float | None:
        """Seconds until more agents may be asked for this call, or ``None``."""
        waited, steps = self._waited(call, now), []
        if self.config.level_after > 0 and self._level_asked(waited) < self._deepest:
            steps.append(self.config.level_after)
        steps += [need.relax_every for need in self.config.needs if need.relax_every > 0 and need.after(waited) > 0]
        return min((step - waited % step for step in steps), default=None)

    def first_for(self, agent: Agent, may: May) -> Call | None:
        """The call this agent should get from here."""
        if agent.agent_id not in self._ranks:
            return None
        call_id = self.line.first(agent.skills, self._level(agent.agent_id), may)
        return None if call_id is None else self._calls[call_id]

    def handled(self, seconds: float) -> None:
        """A call kept its agent busy for so long, wrap-up included."""
        self._handled.append(seconds)
        self.today.handled += 1
        self.today.handling += seconds

    def mean_handling(self) -> float | None:
        """Of the last calls; of today's after a restart; ``None`` before the first."""
        if self._handled:
            return sum(self._handled) / len(self._handled)
        return self.today.handling / self.today.handled if self.today.handled else None

    def _waited(self, call: Call, now: float) -> float:
        return max(0.0, now - (call.queued_at or now))

    def _needs(self, waited: float) -> dict[str, int]:
        return {need.skill: level for need in self.config.needs if (level := need.after(waited)) > 0}

    def _level_asked(self, waited: float) -> int:
        return ALL_LEVELS if self.config.level_after <= 0 else 1 + int(waited // self.config.level_after)

    # ------------------------------------------------------------ agents

    def place(self, agent: Agent, lot: float) -> None:
        """The agent is free, or has become more or less wished for. ``lot`` is a number drawn, for chance."""
        rank = self._ranks.get(agent.agent_id)
        if rank is None:
            return
        self.free.add(
            Candidate(
                agent.agent_id,
                rank,
                self._level(agent.agent_id),
                agent.idle_since,
                agent.calls,
                agent.talk,
                self.config.weights.get(agent.agent_id, 1),
                lot,
                agent.skills,
            )
        )

    def best_for(self, call: Call, now: float, may: May) -> str | None:
        """The agent this call should be offered to."""
        waited = self._waited(call, now)
        return self.free.best(self._needs(waited), self._level_asked(waited), self._last_rank, may)

    def all_for(self, call: Call, now: float, may: May) -> list[str]:
        """Everybody whom this call may be offered to now."""
        waited = self._waited(call, now)
        return self.free.every(self._needs(waited), self._level_asked(waited), may)

    def offered_to(self, agent_id: str) -> None:
        self._last_rank = self._ranks.get(agent_id, NOBODY)

    def _level(self, agent_id: str) -> int:
        return self.config.levels.get(agent_id, 1)
