"""A call: the ledger, and what the call is doing now.

A ``Call`` is one customer contact from first ring to last leg gone; its legs are in ``cti.domain.legs``.
``to_document`` is the ledger of docs/bus.md; ``from_document`` brings a call back after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cti.domain.dialogues import Asking, MenuPosition, Message, Question
from cti.domain.legs import Leg, LegKind


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class CallPhase(StrEnum):
    """What the call is doing as a whole."""

    OFFERED = "offered"
    MENU = "menu"
    QUEUED = "queued"
    DIALLING = "dialling"
    CONNECTED = "connected"
    VOICEMAIL = "voicemail"
    SURVEY = "survey"
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class Recording:
    recording_id: str
    leg_id: str
    agent_id: str
    channel: str
    name: str
    started_at: float
    ended_at: float | None = None
    voicemail: str = ""  # the queue that it is a message for

    def to_document(self) -> dict[str, Any]:
        return {
            "recording_id": self.recording_id,
            "leg_id": self.leg_id,
            "agent_id": self.agent_id,
            "channel": self.channel,
            "name": self.name,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "voicemail": self.voicemail,
        }


@dataclass(slots=True, eq=False)
class Transfer:
    at: float
    kind: str  # blind | consult | conference
    from_agent: str
    to_number: str
    to_agent: str = ""
    result: str = "started"  # started | completed | failed | taken_back

    def to_document(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "kind": self.kind,
            "from_agent": self.from_agent,
            "to_number": self.to_number,
            "to_agent": self.to_agent,
            "result": self.result,
        }


@dataclass(slots=True, eq=False)
class Place:
    """A place in a queue of somebody who is called back. ``call_id`` is the call out that waits or is under way;
    without one the next comes at ``next_at``."""

    place_id: str
    number: str
    name: str
    queue_id: str
    switch: str
    language: str
    queued_at: float
    priority: int = 0
    tries: int = 0
    call_id: str = ""
    next_at: float = 0.0
    retried: bool = False

    def to_document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_document(cls, d: dict[str, Any]) -> Place:
        """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is none."""
        return cls(
            place_id=str(d["place_id"]),
            number=str(d["number"]),
            name=str(d["name"]),
            queue_id=str(d["queue_id"]),
            switch=str(d["switch"]),
            language=str(d["language"]),
            queued_at=float(d["queued_at"]),
            priority=int(d["priority"]),
            tries=int(d["tries"]),
            call_id=str(d["call_id"]),
            next_at=float(d["next_at"]),
            retried=bool(d.get("retried")),
        )


@dataclass(slots=True, eq=False)
class Call:
    """One contact. ``pair`` names the two legs that should be joined now, ``room`` those in a conference."""

    call_id: str
    switch: str
    direction: Direction
    created_at: float
    ani: str = ""
    ani_name: str = ""
    dnis: str = ""
    trunk: str = ""
    language: str = "zh_CN"
    phase: CallPhase = CallPhase.OFFERED
    queue_id: str = ""
    queued_at: float | None = None
    entered_at: float | None = None  # the present queue; ``queued_at`` is kept when a call goes over to another
    passed: list[str] = field(default_factory=list)  # queues it went over from, and targets it went over to
    first_in_line: bool = False
    together: bool = False  # it rings at everybody who is free, also at who becomes so
    counted: bool = False  # as answered or abandoned, since it entered the queue
    priority: int = 0
    retried: bool = False  # the caller gave up lately and calls again
    announced: int = 0
    announcing: str = ""
    answered_at: float | None = None
    ended_at: float | None = None
    cause: str = ""
    ended_by: str = ""
    digits: str = ""
    test: bool = False
    watched: bool = False  # on a line that is only listened to: others drive it
    version: int = 0
    menu: MenuPosition | None = None
    message: Message | None = None
    asking: Asking | None = None
    question: Question | None = None
    surveyed_at: float | None = None  # since when the caller is asked, without an agent
    rating: int | None = None  # 1 very satisfied, 2 satisfied, 3 not satisfied
    rated_agent: str = ""  # of whom the caller is asked
    group: str = ""  # the ring group that it rings at, or whose member took it
    group_at: int = 0  # how many of its members have been rung
    groups: int = 0  # how many ring groups it has been sent to
    place: str = ""  # the place that the caller keeps, or that this call out is an attempt for
    given_up: bool = False  # the last attempt for its place
    pair: tuple[str, str] | None = None
    room: tuple[str, ...] = ()
    legs: list[Leg] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    switch_lost_at: float | None = None  # since when its switch has not been heard of; it may go on there
    waiting_for_agent: str = ""  # the agent whose lost phone we wait for
    greeting: str = ""  # the play after which caller and agent are joined
    goodbye: str = ""  # the play after which we hang up
    saying: str = ""  # the play after which the call goes where its number leads

    @property
    def alive(self) -> bool:
        return self.ended_at is None

    @property
    def at_group(self) -> bool:
        """It rings at the members of its ring group."""
        return bool(self.group) and self.phase is CallPhase.OFFERED

    def live_legs(self) -> list[Leg]:
        return [leg for leg in self.legs if leg.alive]

    def leg(self, leg_id: str) -> Leg:
        return next(leg for leg in self.legs if leg.leg_id == leg_id)

    def live(self, kind: LegKind) -> Leg | None:
        """The newest live leg of a kind that has not been released."""
        return next((leg for leg in reversed(self.legs) if leg.alive and leg.kind is kind and not leg.released), None)

    def members(self) -> list[Leg]:
        """The legs that should be in the conference."""
        return [leg for leg in self.legs if leg.leg_id in self.room]

    @property
    def customer(self) -> Leg | None:
        return self.live(LegKind.CUSTOMER)

    def to_document(self) -> dict[str, Any]:
        return {
            "call_id": self.call_id,
            "version": self.version,
            "switch": self.switch,
            "switch_lost_at": self.switch_lost_at,
            "direction": self.direction,
            "ani": self.ani,
            "ani_name": self.ani_name,
            "dnis": self.dnis,
            "queue_id": self.queue_id,
            "language": self.language,
            "trunk": self.trunk,
            "created_at": self.created_at,
            "queued_at": self.queued_at,
            "entered_at": self.entered_at,
            "passed": list(self.passed),
            "answered_at": self.answered_at,
            "ended_at": self.ended_at,
            "cause": self.cause,
            "ended_by": self.ended_by,
            "state": self.phase,
            "digits": self.digits,
            "test": self.test,
            "watched": self.watched,
            "announced": self.announced,
            "retried": self.retried,
            "group": self.group,
            "group_at": self.group_at,
            "place": self.place,
            "given_up": self.given_up,
            "surveyed_at": self.surveyed_at,
            "rating": self.rating,
            "rated_agent": self.rated_agent,
            "room": list(self.room),
            "legs": [leg.to_document() for leg in self.legs],
            "recordings": [r.to_document() for r in self.recordings],
            "transfers": [t.to_document() for t in self.transfers],
        }

    @classmethod
    def from_document(cls, d: dict[str, Any]) -> Call:
        """Rebuild from a ledger document. Raises ``KeyError``/``ValueError`` on one that is not ours."""
        return cls(
            call_id=d["call_id"],
            switch=d["switch"],
            switch_lost_at=d.get("switch_lost_at"),
            direction=Direction(d["direction"]),
            created_at=d["created_at"],
            ani=d["ani"],
            ani_name=d["ani_name"],
            dnis=d["dnis"],
            trunk=d["trunk"],
            language=d["language"],
            phase=CallPhase(d["state"]),
            queue_id=d["queue_id"],
            queued_at=d["queued_at"],
            entered_at=d.get("entered_at"),
            passed=[str(name) for name in d.get("passed", ())],
            announced=d.get("announced", 0),
            retried=bool(d.get("retried")),
            group=d.get("group", ""),
            group_at=d.get("group_at", 0),
            place=d.get("place", ""),
            surveyed_at=d.get("surveyed_at"),
            rating=d.get("rating"),
            rated_agent=d.get("rated_agent", ""),
            room=tuple(d.get("room", ())),
            answered_at=d["answered_at"],
            digits=d["digits"],
            test=d["test"],
            watched=d.get("watched", False),
            version=d["version"],
            legs=[Leg.from_document(leg) for leg in d["legs"]],
            recordings=[Recording(**r) for r in d["recordings"]],
            transfers=[Transfer(**t) for t in d["transfers"]],
        )
