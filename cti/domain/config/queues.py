"""Queues: who is asked for a call, what a caller hears, and where calls that wait too long go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from cti.domain.config.routes import RouteTarget


class Strategy(StrEnum):
    LONGEST_IDLE = "longest_idle"
    FEWEST_CALLS = "fewest_calls"
    LEAST_TALK = "least_talk"
    RANDOM = "random"
    SEQUENTIAL = "sequential"
    ROUND_ROBIN = "round_robin"
    WEIGHTED = "weighted"
    MOST_SKILLED = "most_skilled"
    RING_ALL = "ring_all"  # everybody free at once


@dataclass(frozen=True, slots=True)
class Need:
    """A skill that a queue's calls ask for, at ``level``; after every ``relax_every`` seconds at one level less."""

    skill: str
    level: int = 1
    relax_every: float = 0.0

    def after(self, waited: float) -> int:
        """The level asked for after so many seconds; 0: not any more."""
        return self.level if self.relax_every <= 0 else max(0, self.level - int(waited // self.relax_every))


class OverflowWhen(StrEnum):
    """What an overflow rule goes by; its limit is in seconds, calls or per cent."""

    WAITED = "waited"  # so many seconds in this queue
    LENGTH = "length"  # so many calls before this one
    NO_AGENTS = "no_agents"  # nobody of the queue is logged in
    PREDICTED = "predicted"  # the wait to be expected is longer than so many seconds
    SERVICE_LEVEL = "service_level"  # today's service level is below so many per cent


@dataclass(frozen=True, slots=True)
class Overflow:
    """Where a waiting call goes on. ``say`` is a prompt without language, for a target that hangs up."""

    when: OverflowWhen
    target: RouteTarget
    limit: float = 0.0
    say: str = ""


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """Times are in seconds. ``announce_max`` 0 means no announcements. ``wrapup`` 0 means none.

    ``levels`` and ``weights`` are by agent id, 1 where nothing is said. Agents of the first level are asked first;
    those of the next are asked too after ``level_after`` seconds, at once with 0. ``priority`` is how many seconds its
    calls are ahead of other queues' at an agent of both; one point of a caller's own priority is worth ``age`` seconds.
    Of ``overflow`` the first rule that holds is taken. ``announce_wait``: the wait to be expected is said too.
    ``announce_number``: caller and agent hear the agent's number before they talk.
    A caller who was served within ``last_agent_days`` goes to that agent first, and waits for them at most
    ``last_agent_wait``; 0 days: never. ``voicemail_greeting`` is a prompt without language, said before a message of
    at most ``voicemail_max``. ``callback``: callers may keep their place and be called back, at most
    ``callback_tries`` times, ``callback_every`` seconds after an attempt that did not reach them. ``survey``: callers
    are asked how satisfied they are when the agent has hung up. A caller who gave up, or was cut off, at most
    ``retry_within`` ago has ``retry_points`` more of priority; 0 seconds: nobody.
    """

    id: str
    number: str
    name: str
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_timeout: float = 15.0
    wrapup: float = 15.0
    announce_every: float = 15.0
    announce_max: int = 3
    music: str = "default"
    service_level: float = 20.0  # an answer within these seconds counts for the service level
    agents: tuple[str, ...] = ()  # agent ids in the order of the sequential strategy
    levels: dict[str, int] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    level_after: float = 0.0
    needs: tuple[Need, ...] = ()
    priority: float = 0.0
    age: float = 60.0
    overflow: tuple[Overflow, ...] = ()
    announce_wait: bool = False
    announce_number: bool = False
    last_agent_days: int = 0
    last_agent_wait: float = 30.0
    retry_within: float = 0.0
    retry_points: int = 1
    voicemail_greeting: str = "voicemail_greeting"
    voicemail_max: float = 120.0
    callback: bool = False
    callback_tries: int = 3
    callback_every: float = 300.0
    survey: bool = False
