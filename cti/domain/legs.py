"""One connection of a call (ECMA-269) on one channel: what it is for, and what the switch last said of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class LegKind(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    CONSULTED = "consulted"
    OUTSIDE = "outside"
    SUPERVISOR = "supervisor"


class LegState(StrEnum):
    """Connection states of ECMA-269."""

    NULL = "null"
    INITIATED = "initiated"
    ALERTING = "alerting"
    CONNECTED = "connected"
    HOLD = "hold"
    QUEUED = "queued"
    FAIL = "fail"


class Audio(StrEnum):
    """What a channel should hear while it is not joined with another."""

    SILENCE = "silence"
    MUSIC = "music"
    RINGBACK = "ringback"  # the tone of a far phone that rings
    PROMPT = "prompt"


class ListenMode(StrEnum):
    """What a supervisor's leg is for."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"
    INTERCEPT = "intercept"  # takes the call over as soon as it is answered


@dataclass(slots=True, eq=False)
class Listens:
    """The agent whom a supervisor's leg hears, and how. ``asked``: the channel and mode the switch was asked for."""

    agent_id: str
    mode: ListenMode
    asked: tuple[str, str] = ("", "")
    asked_at: float = 0.0

    def to_document(self) -> dict[str, Any]:
        return {"agent_id": self.agent_id, "mode": self.mode}

    @classmethod
    def from_document(cls, d: dict[str, Any]) -> Listens:
        return cls(d["agent_id"], ListenMode(d["mode"]))


@dataclass(slots=True, eq=False)
class Leg:
    """One connection. ``answered``, ``controlled``, ``peer`` are what the switch last reported; the rest is ours."""

    leg_id: str
    kind: LegKind
    channel: str
    created_at: float
    device: str = ""
    number: str = ""
    agent_id: str = ""
    trunk: str = ""  # the trunk whose channel it takes
    sip: int = 0  # the far side's answer where it was refused
    via: str = ""  # another switch of ours, which carries it to its phone
    state: LegState = LegState.INITIATED
    alerting_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    cause: str = ""
    held_seconds: float = 0.0
    held_since: float | None = None
    joined: bool = False  # has talked with its partner
    # what the switch last reported
    answered: bool = False
    controlled: bool = False
    peer: str = ""
    room: str = ""  # the conference it is in
    changed_at: float = 0.0
    # what we asked for and have not seen yet
    pending: str = ""
    pending_since: float = 0.0
    attempts: int = 0
    wants: Audio = Audio.SILENCE
    music_on: bool = False
    asks: str = ""  # the play that asks whoever picked up outside to press 1
    accepted: bool = False  # it was pressed
    # why a coming hang-up of this leg must not end the call
    released: bool = False
    taken_by: str = ""  # who has the caller that it rang for too: their name, or number
    listens: Listens | None = None  # of a supervisor's leg

    @property
    def alive(self) -> bool:
        return self.ended_at is None

    @property
    def there(self) -> bool:
        """Somebody has picked up, and if asked to, taken the call."""
        return self.answered and not self.asks

    def to_document(self) -> dict[str, Any]:
        return {
            "leg_id": self.leg_id,
            "kind": self.kind,
            "device": self.device,
            "number": self.number,
            "agent_id": self.agent_id,
            "trunk": self.trunk,
            "sip": self.sip,
            "via": self.via,
            "channel": self.channel,
            "created_at": self.created_at,
            "alerting_at": self.alerting_at,
            "answered_at": self.answered_at,
            "ended_at": self.ended_at,
            "cause": self.cause,
            "held_seconds": round(self.held_seconds, 3),
            "state": self.state,
            "joined": self.joined,
            **({"listens": self.listens.to_document()} if self.listens else {}),
        }

    @classmethod
    def from_document(cls, d: dict[str, Any]) -> Leg:
        return cls(
            leg_id=d["leg_id"],
            kind=LegKind(d["kind"]),
            channel=d["channel"],
            created_at=d["created_at"],
            device=d.get("device", ""),
            number=d.get("number", ""),
            agent_id=d.get("agent_id", ""),
            trunk=d.get("trunk", ""),
            sip=d.get("sip", 0),
            via=d.get("via", ""),
            state=LegState(d["state"]),
            alerting_at=d.get("alerting_at"),
            answered_at=d.get("answered_at"),
            ended_at=d.get("ended_at"),
            cause=d.get("cause", ""),
            held_seconds=d.get("held_seconds", 0.0),
            joined=d.get("joined", False),
            answered=d.get("answered_at") is not None,
            listens=Listens.from_document(d["listens"]) if d.get("listens") else None,
        )
