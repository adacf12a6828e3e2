"""The whole document, and how it is read from JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from cti.domain.calendar import CalendarConfig, DayRange, Hours, Override
from cti.domain.config.agents import AgentConfig
from cti.domain.config.queues import Need, Overflow, OverflowWhen, QueueConfig, Strategy
from cti.domain.config.routes import (
    DidConfig,
    InboundRule,
    MemberKind,
    MenuConfig,
    NumberList,
    RingGroupConfig,
    RingMember,
    RingOrder,
    RouteTarget,
    TargetKind,
    When,
)
from cti.domain.config.ways_out import OutboundRule, TrunkConfig, TrunkOrder
from cti.domain.errors import BadRequest
from cti.domain.trunks import CallerId, read_rules

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
