"""Where calls that come in go: service numbers, rules and lists, menus, ring groups, and what each leads to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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
