"""An agent on duty: what is true now, and kept apart from it, what the agent asked for next."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class AgentState(StrEnum):
    LOGGED_OFF = "loggedOff"
    NOT_READY = "notReady"
    READY = "ready"
    RESERVED = "reserved"
    ALERTING = "alerting"
    TALKING = "talking"
    HOLD = "hold"
    WRAP_UP = "workingAfterCall"


ESTABLISHED = frozenset({AgentState.TALKING, AgentState.HOLD})
ON_CALL = frozenset({AgentState.RESERVED, AgentState.ALERTING, AgentState.TALKING, AgentState.HOLD})

AT_WORK = ON_CALL | {AgentState.READY, AgentState.WRAP_UP}
"""States of who takes calls, now or soon; on a break nobody does."""


@dataclass(slots=True, eq=False)
class Agent:
    """``state`` since ``since``; ``pending`` is entered when the present call or wrap-up ends."""

    agent_id: str
    number: str
    name: str
    queues: tuple[str, ...] = ()
    assigned: tuple[str, ...] | None = None  # until log-out these queues instead of the configured ones
    skills: dict[str, int] = field(default_factory=dict)
    outside: str = ""  # the number outside at which the agent may be called
    device: str = ""
    registered: bool = False
    state: AgentState = AgentState.LOGGED_OFF
    reason: str = ""
    since: float = 0.0
    pending: AgentState | None = None
    pending_reason: str = ""
    idle_since: float = 0.0  # when the last contact ended: the measure of "longest idle"
    call_id: str = ""
    leg_id: str = ""
    wrapup_until: float | None = None
    wrapup_left: float | None = None  # seconds of a wrap-up that is interrupted by dialling
    handled_for: float = 0.0  # seconds of the contact that a wrap-up is about, and of that wrap-up before the present
    notice: str = ""
    taken_by: str = ""  # with the notice that somebody else has taken the call
    calls: int = 0  # contacts handled today
    talk: float = 0.0  # seconds of them
    used: dict[str, float] = field(default_factory=dict)  # seconds today of each reason, without the present stretch

    @property
    def free(self) -> bool:
        return self.state is AgentState.READY and self.registered and not self.call_id
