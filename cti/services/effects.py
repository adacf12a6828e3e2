"""What services ask for, as data. The runner (``cti.engine.runner``) carries it out; services never do I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cti.domain.switch.commands import Command


@dataclass(frozen=True, slots=True)
class SwitchCommand:
    """A failure of it comes back as ``Engine.on_failed`` with the same effect."""

    switch: str
    command: Command


@dataclass(frozen=True, slots=True)
class StartTimer:
    """(Re)start the timer ``key``; ``Engine.on_timer(key)`` after ``delay`` seconds."""

    key: str
    delay: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    key: str


@dataclass(frozen=True, slots=True)
class Publish:
    """A live document for whoever listens now."""

    subject: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    """A durable document; stored once per ``message_id``."""

    subject: str
    document: dict[str, Any]
    message_id: str


@dataclass(frozen=True, slots=True)
class StoreAgent:
    """What a restarted engine must know about an agent."""

    agent_id: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoreCallbacks:
    """Every place that is kept in a queue, for a restarted engine."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoreToday:
    """Today's counters of every queue, for a restarted engine."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AskLastAgent:
    """Who served ``number`` last in this queue, at most ``days`` ago? ``Engine.on_last_agent`` answers, soon."""

    call_id: str
    queue_id: str
    number: str
    days: int


@dataclass(frozen=True, slots=True)
class AskRetry:
    """Did the last call of ``number`` end without success in the last ``within`` seconds? ``Engine.on_retry`` answers.
    Who hung up within ``short`` seconds has not given up."""

    call_id: str
    number: str
    within: float
    short: float


Stored = StoreAgent | StoreCallbacks | StoreToday
Effect = AskLastAgent | AskRetry | SwitchCommand | StartTimer | StopTimer | Publish | Log | Stored
