"""Who gets the call: pure functions over plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cti.domain.config import Strategy


@dataclass(frozen=True, slots=True)
class Candidate:
    """A free agent of the queue. ``idle_since`` is the epoch time the last contact ended."""

    agent_id: str
    idle_since: float


def choose_agent(
    strategy: Strategy, order: Sequence[str], candidates: Sequence[Candidate], last_offered: str = ""
) -> str | None:
    """The agent to offer the next call to, or ``None`` without candidates.

    ``order`` is the queue's own order of agent ids, for the sequential and round-robin strategies; candidates that are
    not in it come last. ``last_offered`` is the agent the queue offered to before.
    """
    if not candidates:
        return None
    rank = {agent_id: i for i, agent_id in enumerate(order)}
    if strategy is Strategy.LONGEST_IDLE:
        return min(candidates, key=lambda c: (c.idle_since, rank.get(c.agent_id, len(rank)), c.agent_id)).agent_id
    ranked = sorted(candidates, key=lambda c: (rank.get(c.agent_id, len(rank)), c.agent_id))
    if strategy is Strategy.ROUND_ROBIN and last_offered in rank:
        after = [c for c in ranked if rank.get(c.agent_id, len(rank)) > rank[last_offered]]
        return (after or ranked)[0].agent_id
    return ranked[0].agent_id
