"""The free agents and the waiting calls of one queue, indexed: what ``choose`` says, without looking at everybody.

Agents with the same skills and calls with the same needs lie together in sorted lists. There are few kinds of either,
so that a choice looks at the first of each kind. Must not know calls, agents or the clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeVar

from cti.domain.config.queues import Strategy
from cti.services.choose import (
    ALL_LEVELS,
    NO_SKILLS,
    NOBODY,
    Candidate,
    Skills,
    Waiting,
    skill_score,
    strategy_key,
    suits,
)

Profile = tuple[tuple[str, int], ...]
May = Callable[[str], bool]
K = TypeVar("K")
_Place = tuple[tuple[float, ...], str]


def profile(skills: Skills) -> Profile:
    return tuple(sorted(skills.items()))


def anyone(_: str) -> bool:
    return True


class FreeAgents:
    """Add an agent who becomes free, discard one who does not stay so."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._groups: dict[int, dict[Profile, list[_Place]]] = {}
        self._places: dict[str, tuple[int, Profile, _Place]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, agent_id: str) -> bool:
        return agent_id in self._places

    def add(self, candidate: Candidate) -> None:
        """Put an agent in, or at a new place."""
        self.discard(candidate.agent_id)
        kind, place = profile(candidate.skills), (strategy_key(self._strategy, candidate), candidate.agent_id)
        insort(self._groups.setdefault(candidate.level, {}).setdefault(kind, []), place)
        self._places[candidate.agent_id] = (candidate.level, kind, place)

    def discard(self, agent_id: str) -> None:
        if agent_id not in self._places:
            return
        level, kind, place = self._places.pop(agent_id)
        _take_out(self._groups[level], kind, place)
        if not self._groups[level]:
            del self._groups[level]

    def best(
        self, needs: Skills = NO_SKILLS, level: int = ALL_LEVELS, after: int = NOBODY, may: May = anyone
    ) -> str | None:
        """As ``choose_agent``, among those that ``may`` does not refuse."""
        for asked in sorted(self._groups):
            if asked > level:
                return None
            heads = [
                (place[0][0] <= after, -skill_score(self._strategy, skills, needs), place)
                if self._strategy is Strategy.ROUND_ROBIN
                else (False, -skill_score(self._strategy, skills, needs), place)
                for kind, places in self._groups[asked].items()
                if suits(skills := dict(kind), needs) and (place := self._head(places, after, may)) is not None
            ]
            if heads:
                return min(heads)[2][1]
        return None

    def every(self, needs: Skills = NO_SKILLS, level: int = ALL_LEVELS, may: May = anyone) -> list[str]:
        """As ``choose_all``, among those that ``may`` does not refuse."""
        found = [
            (asked, place)
            for asked, kinds in self._groups.items()
            if asked <= level
            for kind, places in kinds.items()
            if suits(dict(kind), needs)
            for place in places
            if may(place[1])
        ]
        return [place[1] for _, place in sorted(found)]

    def _head(self, places: list[_Place], after: int, may: May) -> _Place | None:
        start = 0
        if self._strategy is Strategy.ROUND_ROBIN and after > NOBODY:
            start = bisect_right(places, float(after), key=lambda place: place[0][0])
        for index in chain(range(start, len(places)), range(start)):
            if may(places[index][1]):
                return places[index]
        return None


class Line:
    """The waiting calls of one queue, in order of service."""

    def __init__(self) -> None:
        self._order: list[_Place] = []
        self._groups: dict[tuple[int, Profile], list[_Place]] = {}
        self._kinds: dict[str, tuple[tuple[int, Profile], _Place]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._kinds

    def __iter__(self) -> Iterator[str]:
        """Call ids, next first."""
        return iter([call_id for _, call_id in self._order])

    def add(self, waiting: Waiting) -> None:
        """Put a call in, or again with another order, other needs or another level."""
        self.discard(waiting.call_id)
        kind, place = (waiting.level, profile(waiting.needs)), (waiting.order, waiting.call_id)
        insort(self._order, place)
        insort(self._groups.setdefault(kind, []), place)
        self._kinds[waiting.call_id] = (kind, place)

    def discard(self, call_id: str) -> bool:
        if call_id not in self._kinds:
            return False
        kind, place = self._kinds.pop(call_id)
        del self._order[bisect_left(self._order, place)]
        _take_out(self._groups, kind, place)
        return True

    def position(self, call_id: str) -> int:
        """1 for the next. Raises ``KeyError``."""
        return bisect_left(self._order, self._kinds[call_id][1]) + 1

    def first(self, skills: Skills = NO_SKILLS, level: int = 1, may: May = anyone) -> str | None:
        """As ``choose_call``, among those that ``may`` does not refuse."""
        heads = [
            head
            for (asked, kind), places in self._groups.items()
            if level <= asked
            and suits(skills, dict(kind))
            and (head := next((place for place in places if may(place[1])), None)) is not None
        ]
        return min(heads)[1] if heads else None


def _take_out(groups: dict[K, list[_Place]], kind: K, place: _Place) -> None:
    places = groups[kind]
    del places[bisect_left(places, place)]
    if not places:
        del groups[kind]
