"""Who gets the call, and which call an agent gets: pure functions over plain values.

``choose_agent`` and ``choose_call`` say what is right, by looking at everything. ``cti.services.pool`` gives the same
answers from an index; a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cti.domain.config.queues import Strategy

Skills = Mapping[str, int]
NO_SKILLS: Skills = {}
ALL_LEVELS = 1_000
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A free agent as one queue sees it.

    ``rank`` is the place in the queue's own order; ``level`` 1 is asked first. ``idle_since`` is the epoch time the
    last contact ended; ``calls`` and ``talk`` (seconds) are today's; ``weight`` is the share of the calls wished for;
    ``lot`` is a number drawn when the agent became free.
    """

    agent_id: str
    rank: int = 0
    level: int = 1
    idle_since: float = 0.0
    calls: int = 0
    talk: float = 0.0
    weight: int = 1
    lot: float = 0.0
    skills: Skills = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting call as one queue sees it: its place in the order of service, what it needs, who may be asked."""

    call_id: str
    order: tuple[float, ...]
    needs: Skills = field(default_factory=dict)
    level: int = ALL_LEVELS


def strategy_key(strategy: Strategy, candidate: Candidate) -> tuple[float, ...]:
    """What the strategy goes by, smallest first, among agents of one level. Round-robin turns this order."""
    match strategy:
        case Strategy.FEWEST_CALLS:
            return (candidate.calls, candidate.idle_since, candidate.rank)
        case Strategy.LEAST_TALK:
            return (candidate.talk, candidate.idle_since, candidate.rank)
        case Strategy.WEIGHTED:
            return (candidate.calls / max(1, candidate.weight), candidate.idle_since, candidate.rank)
        case Strategy.RANDOM:
            return (candidate.lot, candidate.rank)
        case Strategy.SEQUENTIAL | Strategy.ROUND_ROBIN:
            return (candidate.rank,)
        case Strategy.LONGEST_IDLE | Strategy.MOST_SKILLED | Strategy.RING_ALL:
            return (candidate.idle_since, candidate.rank)


def suits(skills: Skills, needs: Skills) -> bool:
    """Whether an agent has every skill that is asked for, at its level or better."""
    return all(skills.get(skill, 0) >= level for skill, level in needs.items())


def skill_score(strategy: Strategy, skills: Skills, needs: Skills) -> int:
    """How much an agent is to be preferred for skill; 0 unless the strategy goes by it."""
    return sum(skills.get(skill, 0) for skill in needs) if strategy is Strategy.MOST_SKILLED else 0


def choose_agent(
    strategy: Strategy,
    candidates: Iterable[Candidate],
    needs: Skills = NO_SKILLS,
    level: int = ALL_LEVELS,
    after: int = NOBODY,
) -> str | None:
    """The agent to offer a call to, or ``None``: of those that suit it, the first level, then by the strategy.

    ``after`` is the rank of the agent the queue offered to before, for round-robin.
    """

    def order(c: Candidate) -> tuple[object, ...]:
        turned = strategy is Strategy.ROUND_ROBIN and c.rank <= after
        return (c.level, turned, -skill_score(strategy, c.skills, needs), strategy_key(strategy, c), c.agent_id)

    fit = [c for c in candidates if c.level <= level and suits(c.skills, needs)]
    return min(fit, key=order).agent_id if fit else None


def choose_all(
    strategy: Strategy, candidates: Iterable[Candidate], needs: Skills = NO_SKILLS, level: int = ALL_LEVELS
) -> list[str]:
    """Everybody whom a call may be offered to by now, the first one first."""
    fit = [c for c in candidates if c.level <= level and suits(c.skills, needs)]
    return [c.agent_id for c in sorted(fit, key=lambda c: (c.level, strategy_key(strategy, c), c.agent_id))]


def choose_call(waiting: Iterable[Waiting], skills: Skills = NO_SKILLS, level: int = 1) -> str | None:
    """The call that a free agent of this level in the queue gets, or ``None``: the first in order that it suits."""
    fit = [w for w in waiting if level <= w.level and suits(skills, w.needs)]
    return min(fit, key=lambda w: (w.order, w.call_id)).call_id if fit else None
