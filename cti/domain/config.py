"""What the engine must know about the centre, as one document: agents, queues, numbers, menus, trunks.

The store publishes it (``cti.store.publish_config``) and the engine reads it from the bus, so the engine never waits
on a database. ``CentreConfig.from_document`` accepts the JSON that ``to_document`` gives.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cti.domain.calendar import CalendarConfig, DayRange, Hours, Override
from cti.domain.errors import BadRequest
from cti.domain.trunks import CallerId, NumberRule, read_rules


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


class TargetKind(StrEnum):
    MENU = "menu"
    QUEUE = "queue"
    AGENT = "agent"
    VOICEMAIL = "voicemail"
    GROUP = "group"  # phones that ring, at once or one after the other
    OUTSIDE = "outside"
    CALLBACK = "callback"
    HANGUP = "hangup"


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """Where a call goes: ``id`` is that of the menu, queue, agent or ring group, or of the queue whose agents a message
    is for; a number outside; empty for hang-up, and for the offer of a callback, which only overflow makes."""

    kind: TargetKind
    id: str = ""


OUTSIDE = "-out"  # ends the name of the device of an agent who is called at a number outside


def is_outside(device: str) -> bool:
    return device.endswith(OUTSIDE)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """``number`` is the extension and work number; devices are ``<number>`` (SIP phone), ``<number>-web`` and, where
    the agent may be called at a number ``outside``, ``<number>-out``."""

    id: str
    number: str
    name: str
    queues: tuple[str, ...] = ()
    skills: dict[str, int] = field(default_factory=dict)  # 1 to 9, 9 the best
    outside: str = ""

    @property
    def devices(self) -> tuple[str, ...]:
        outside = (f"{self.number}{OUTSIDE}",) if self.outside else ()
        return (self.number, f"{self.number}-web", *outside)


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


class MemberKind(StrEnum):
    """What rings for a member of a ring group."""

    AGENT = "agent"  # an agent, while ready
    PHONE = "phone"  # an agent's phone: while the agent is ready, and while nobody is signed in with it
    OUTSIDE = "outside"  # a number outside, taken by pressing 1


@dataclass(frozen=True, slots=True)
class RingMember:
    """``id`` is that of the agent, or the number."""

    kind: MemberKind
    id: str


class RingOrder(StrEnum):
    AT_ONCE = "at_once"
    ONE_BY_ONE = "one_by_one"


@dataclass(frozen=True, slots=True)
class RingGroupConfig:
    """Phones that ring for a call, each at most ``ring_timeout`` seconds. When nobody has taken it the call goes on to
    ``otherwise``."""

    id: str
    name: str
    members: tuple[RingMember, ...] = ()
    order: RingOrder = RingOrder.AT_ONCE
    ring_timeout: float = 20.0
    otherwise: RouteTarget = RouteTarget(TargetKind.HANGUP)


@dataclass(frozen=True, slots=True)
class MenuConfig:
    """A menu: ``greeting`` then ``prompt`` are prompt names without language; ``options`` maps a digit to a target.

    An option's language, if given in ``languages``, becomes the call's. After ``tries`` wrong or missing keys the
    call goes to ``otherwise``.
    """

    id: str
    name: str
    greeting: str
    prompt: str
    options: dict[str, RouteTarget]
    languages: dict[str, str] = field(default_factory=dict)
    language: str = "zh_CN"
    timeout: float = 6.0
    tries: int = 3
    otherwise: RouteTarget = RouteTarget(TargetKind.HANGUP)


@dataclass(frozen=True, slots=True)
class DidConfig:
    """A service number and what it reaches. ``trunk``: the only one it may come in by; empty for any."""

    number: str
    target: RouteTarget
    trunk: str = ""


class When(StrEnum):
    """The state of its calendar in which an inbound rule takes a call."""

    ALWAYS = "always"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class NumberList:
    """Numbers as ``cti.domain.phones.normalise`` spells them, each with the epoch second up to which it is meant
    (0: for ever). Inbound rules name lists by id; nobody of a ``do_not_call`` list is called."""

    id: str
    name: str
    numbers: dict[str, float] = field(default_factory=dict)
    do_not_call: bool = False

    def holds(self, number: str, at: float) -> bool:
        """Whether a normalised number is on the list at a moment."""
        until = self.numbers.get(number)
        return until is not None and (until == 0 or at < until)


@dataclass(frozen=True, slots=True)
class InboundRule:
    """Takes calls to one of ``numbers`` (empty: any) from callers that begin with one of ``callers`` or are on one of
    ``lists`` (both empty: any), while its calendar is as ``when`` says. ``say`` is a prompt without language, said
    first. ``priority`` becomes the call's."""

    id: str
    name: str
    target: RouteTarget
    numbers: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    when: When = When.ALWAYS
    calendar: str = ""
    say: str = ""
    priority: int = 0
    lists: tuple[str, ...] = ()


class TrunkOrder(StrEnum):
    """Which of an outbound rule's trunks is tried first; after a failure the next one is."""

    SEQUENTIAL = "sequential"
    ROUND_ROBIN = "round_robin"  # the one after the last used
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """Calls out to numbers that begin with one of ``prefixes`` (empty: any), by one of ``agents``, or by agents of, or
    passed on from, one of ``queues`` (both empty: by anybody), take one of ``trunks`` (empty: any). ``caller_number``
    is shown; empty: as the trunk says.
    """

    id: str
    name: str
    trunks: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    order: TrunkOrder = TrunkOrder.SEQUENTIAL
    caller_number: str = ""
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """A way out and in. Rules as in ``cti.domain.trunks``; ``max_channels`` 0: no limit; ``switches`` empty: all."""

    id: str
    name: str
    caller_number: str = ""
    caller_id: CallerId = CallerId.FIXED
    hide_number: bool = False
    dial_rules: tuple[NumberRule, ...] = ()
    did_rules: tuple[NumberRule, ...] = ()
    caller_rules: tuple[NumberRule, ...] = ()
    max_channels: int = 0
    switches: tuple[str, ...] = ()


MESSAGE_SILENCE = 5.0


@dataclass(frozen=True, slots=True)
class CentreConfig:
    """The whole document. ``version`` grows with every change."""

    version: int = 0
    agents: tuple[AgentConfig, ...] = ()
    queues: tuple[QueueConfig, ...] = ()
    menus: tuple[MenuConfig, ...] = ()
    dids: tuple[DidConfig, ...] = ()
    trunks: tuple[TrunkConfig, ...] = ()
    calendars: tuple[CalendarConfig, ...] = ()
    lists: tuple[NumberList, ...] = ()
    inbound: tuple[InboundRule, ...] = ()  # in order; the first that takes a call decides, else its service number
    outbound: tuple[OutboundRule, ...] = ()  # in order; the first that fits decides, else any trunk will do
    groups: tuple[RingGroupConfig, ...] = ()
    message_silence: float = MESSAGE_SILENCE  # seconds of silence after which a message is over; 0: never

    def to_document(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> CentreConfig:
        """Build from JSON. Raises ``BadRequest`` naming what is wrong."""
        try:
            return cls(
                version=int(document["version"]),
                agents=tuple(
                    AgentConfig(
                        a["id"],
                        a["number"],
                        a["name"],
                        tuple(a.get("queues", ())),
                        dict(a.get("skills", {})),
                        str(a.get("outside", "")),
                    )
                    for a in document["agents"]
                ),
                queues=tuple(_queue(q) for q in document["queues"]),
                menus=tuple(
                    MenuConfig(
                        **{
                            **m,
                            "options": {d: _target(t) for d, t in m["options"].items()},
                            "otherwise": _target(m["otherwise"]),
                        }
                    )
                    for m in document["menus"]
                ),
                dids=tuple(DidConfig(d["number"], _target(d["target"]), d.get("trunk", "")) for d in document["dids"]),
                trunks=tuple(_trunk(t) for t in document["trunks"]),
                calendars=tuple(_calendar(c) for c in document.get("calendars", ())),
                lists=tuple(NumberList(**known) for known in document.get("lists", ())),
                inbound=tuple(_inbound(r) for r in document.get("inbound", ())),
                outbound=tuple(_outbound(r) for r in document.get("outbound", ())),
                groups=tuple(_group(g) for g in document.get("groups", ())),
                message_silence=float(document.get("message_silence", MESSAGE_SILENCE)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest(f"centre configuration: {error!r}") from error


def _target(document: dict[str, Any]) -> RouteTarget:
    return RouteTarget(TargetKind(document["kind"]), document.get("id", ""))


def _queue(document: dict[str, Any]) -> QueueConfig:
    needs = tuple(Need(**need) for need in document.get("needs", ()))
    agents, strategy = tuple(document["agents"]), Strategy(document["strategy"])
    overflow = tuple(read_overflow(rule) for rule in document.get("overflow", ()))
    known = {**document, "strategy": strategy, "agents": agents, "needs": needs, "overflow": overflow}
    return QueueConfig(**known)


def read_overflow(document: dict[str, Any]) -> Overflow:
    """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is none."""
    target, when = _target(document["target"]), OverflowWhen(document["when"])
    return Overflow(when, target, float(document.get("limit", 0.0)), str(document.get("say", "")))


def _calendar(document: dict[str, Any]) -> CalendarConfig:
    override = document.get("override")
    return CalendarConfig(
        id=document["id"],
        name=document["name"],
        hours=tuple(Hours(tuple(h["days"]), h["begin"], h["end"]) for h in document["hours"]),
        closed=tuple(DayRange(**r) for r in document["closed"]),
        worked=tuple(DayRange(**r) for r in document["worked"]),
        override=Override(**override) if override else None,
    )


def _inbound(document: dict[str, Any]) -> InboundRule:
    rows = {name: tuple(document.get(name, ())) for name in ("numbers", "callers", "lists")}
    when = When(document.get("when", When.ALWAYS))
    return InboundRule(**{**document, **rows, "when": when, "target": _target(document["target"])})


def _outbound(document: dict[str, Any]) -> OutboundRule:
    rows = {name: tuple(document.get(name, ())) for name in ("trunks", "prefixes", "queues", "agents")}
    return OutboundRule(**{**document, **rows, "order": TrunkOrder(document.get("order", TrunkOrder.SEQUENTIAL))})


def _group(document: dict[str, Any]) -> RingGroupConfig:
    members = tuple(RingMember(MemberKind(m["kind"]), m["id"]) for m in document["members"])
    known = {"members": members, "order": RingOrder(document["order"]), "otherwise": _target(document["otherwise"])}
    return RingGroupConfig(**{**document, **known})


def _trunk(document: dict[str, Any]) -> TrunkConfig:
    rules = {name: read_rules(document.get(name, ())) for name in ("dial_rules", "did_rules", "caller_rules")}
    caller_id = CallerId(document.get("caller_id", CallerId.FIXED))
    switches = tuple(document.get("switches", ()))
    return TrunkConfig(**{**document, **rules, "caller_id": caller_id, "switches": switches})
