"""How the centre is set up: queues, menus, service numbers, trunks.

``cti.store.config`` makes the engine's document of it. Must not know calls or customers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.ext.orderinglist import ordering_list
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cti.domain.config.queues import Strategy
from cti.domain.config.routes import RingOrder, TargetKind, When
from cti.domain.config.ways_out import TrunkOrder
from cti.domain.trunks import DEFAULT_CODECS, CallerId, CallerIn, DidFrom, DtmfMode, Transport
from cti.store.models.base import Base, UtcDateTime, enum_type, fresh_id, id_type
from cti.store.models.people import Agent


class Queue(Base):
    """Times are in seconds; fields as ``QueueConfig``. ``members`` stand in the order of the sequential strategy.

    ``needs`` are documents ``{"skill", "level", "relax_every"}``. ``tickets``: callers who hang up after waiting for
    ``ticket_after`` are to be called back. ``overflow`` are documents of ``Overflow``. ``pop_url``: the page of another
    system that opens when a call is answered.
    """

    __tablename__ = "queues"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(128))
    strategy: Mapped[Strategy] = mapped_column(enum_type(Strategy), default=Strategy.LONGEST_IDLE)
    ring_timeout: Mapped[float] = mapped_column(default=15.0)
    wrapup: Mapped[float] = mapped_column(default=15.0)
    announce_every: Mapped[float] = mapped_column(default=15.0)
    announce_max: Mapped[int] = mapped_column(default=3)
    music: Mapped[str] = mapped_column(String(64), default="default")
    service_level_seconds: Mapped[float] = mapped_column(default=20.0)
    level_after: Mapped[float] = mapped_column(default=0.0)
    needs: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    priority: Mapped[float] = mapped_column(default=0.0)
    age: Mapped[float] = mapped_column(default=60.0)
    voicemail_greeting: Mapped[str] = mapped_column(String(128), default="voicemail_greeting")
    voicemail_max: Mapped[float] = mapped_column(default=120.0)
    tickets: Mapped[bool] = mapped_column(default=True)
    ticket_after: Mapped[float] = mapped_column(default=5.0)
    callback: Mapped[bool] = mapped_column(default=False)
    callback_tries: Mapped[int] = mapped_column(default=3)
    callback_every: Mapped[float] = mapped_column(default=300.0)
    survey: Mapped[bool] = mapped_column(default=False)
    overflow: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    announce_wait: Mapped[bool] = mapped_column(default=False)
    announce_number: Mapped[bool] = mapped_column(default=False)
    last_agent_days: Mapped[int] = mapped_column(default=0)
    last_agent_wait: Mapped[float] = mapped_column(default=30.0)
    retry_within: Mapped[float] = mapped_column(default=0.0)
    retry_points: Mapped[int] = mapped_column(default=1)
    pop_url: Mapped[str] = mapped_column(String(500), default="")
    active: Mapped[bool] = mapped_column(default=True)

    members: Mapped[list[QueueMember]] = relationship(
        back_populates="queue",
        cascade="all, delete-orphan",
        order_by="QueueMember.order",
        collection_class=ordering_list("order"),
    )


class QueueMember(Base):
    __tablename__ = "queue_members"
    __table_args__ = (Index(None, "agent_id"),)

    queue_id: Mapped[str] = mapped_column(ForeignKey("queues.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True)
    order: Mapped[int] = mapped_column("position", default=0)
    level: Mapped[int] = mapped_column(default=1)
    weight: Mapped[int] = mapped_column(default=1)

    queue: Mapped[Queue] = relationship(back_populates="members")
    agent: Mapped[Agent] = relationship()


class RingGroup(Base):
    """Fields as ``RingGroupConfig``; ``members`` are documents ``{"kind", "id"}`` in their order."""

    __tablename__ = "ring_groups"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    name: Mapped[str] = mapped_column(String(128))
    members: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    order: Mapped[RingOrder] = mapped_column("ring_order", enum_type(RingOrder), default=RingOrder.AT_ONCE)
    ring_timeout: Mapped[float] = mapped_column(default=20.0)
    otherwise_kind: Mapped[TargetKind] = mapped_column(enum_type(TargetKind), default=TargetKind.HANGUP)
    otherwise_id: Mapped[str] = mapped_column(id_type(), default="")


class Menu(Base):
    """Fields as ``MenuConfig``. ``options`` maps a digit to ``{"kind", "id", "language"}``; the last is optional."""

    __tablename__ = "menus"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    name: Mapped[str] = mapped_column(String(128))
    greeting: Mapped[str] = mapped_column(String(128), default="welcome")
    prompt: Mapped[str] = mapped_column(String(128), default="menu_main")
    options: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON, default=dict)
    language: Mapped[str] = mapped_column(String(16), default="zh_CN")
    timeout: Mapped[float] = mapped_column(default=6.0)
    tries: Mapped[int] = mapped_column(default=3)
    otherwise_kind: Mapped[TargetKind] = mapped_column(enum_type(TargetKind), default=TargetKind.HANGUP)
    otherwise_id: Mapped[str] = mapped_column(id_type(), default="")


class Did(Base):
    """A service number and what it reaches; ``target_id`` is that of the menu, queue or agent, empty for hang-up.

    ``trunk_id``: the only trunk it may come in by; empty for any.
    """

    __tablename__ = "dids"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(128), default="")
    target_kind: Mapped[TargetKind] = mapped_column(enum_type(TargetKind))
    target_id: Mapped[str] = mapped_column(id_type(), default="")
    trunk_id: Mapped[str] = mapped_column(id_type(), default="")


class Trunk(Base):
    """A way out and in. ``id`` is also part of the switch's endpoint name ``trunk-<id>``.

    ``host`` is where calls go; ``outbound_proxy`` (``host`` or ``host:port``) where their packets go, if elsewhere.
    ``port`` 0 means the usual one. ``auth_user`` and ``realm`` are for carriers whose digest differs from ``username``.
    ``sources`` are the networks calls may come from (``203.0.113.0/24``); empty: the addresses of ``host``.
    Rules are lists of ``{"prefix", "strip", "add"}``, the first that fits is applied (``cti.domain.trunks``):
    ``dial_rules`` to numbers dialled out, ``did_rules`` to the number dialled by a caller, ``caller_rules`` to the
    caller's own. ``ping``: ask the other side twice a minute whether it is there; a silent one gets no calls.
    ``max_channels`` 0: no limit. ``switches`` are names of those that carry it; empty: all of ours.
    """

    __tablename__ = "trunks"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    name: Mapped[str] = mapped_column(String(128))
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int] = mapped_column(default=5060)
    transport: Mapped[Transport] = mapped_column(enum_type(Transport), default=Transport.UDP)
    outbound_proxy: Mapped[str] = mapped_column(String(255), default="")
    username: Mapped[str] = mapped_column(String(64), default="")
    secret: Mapped[str] = mapped_column(String(128), default="")
    register: Mapped[bool] = mapped_column(default=False)
    auth_user: Mapped[str] = mapped_column(String(64), default="")
    realm: Mapped[str] = mapped_column(String(255), default="")
    expiry: Mapped[int] = mapped_column(default=300)
    codecs: Mapped[list[str]] = mapped_column(JSON, default=lambda: list(DEFAULT_CODECS))
    dtmf: Mapped[DtmfMode] = mapped_column(enum_type(DtmfMode), default=DtmfMode.RFC2833)
    max_channels: Mapped[int] = mapped_column(default=0)
    ping: Mapped[bool] = mapped_column(default=True)
    sources: Mapped[list[str]] = mapped_column(JSON, default=list)
    did_from: Mapped[DidFrom] = mapped_column(enum_type(DidFrom), default=DidFrom.REQUEST)
    did_fixed: Mapped[str] = mapped_column(String(32), default="")
    did_rules: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    caller_rules: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    dial_rules: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    caller_id: Mapped[CallerId] = mapped_column(enum_type(CallerId), default=CallerId.FIXED)
    caller_number: Mapped[str] = mapped_column(String(32), default="")
    caller_in: Mapped[CallerIn] = mapped_column(enum_type(CallerIn), default=CallerIn.BOTH)
    hide_number: Mapped[bool] = mapped_column(default=False)
    switches: Mapped[list[str]] = mapped_column(JSON, default=list)
    active: Mapped[bool] = mapped_column(default=True)


class Calendar(Base):
    """Fields as ``CalendarConfig``: ``hours`` are documents ``{"days", "begin", "end"}``, ``closed`` and ``worked``
    ``{"first", "last", "name"}``, the latter with ``like``. ``override_until`` empty: no override."""

    __tablename__ = "calendars"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    name: Mapped[str] = mapped_column(String(128))
    hours: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    closed: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    worked: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    override_open: Mapped[bool] = mapped_column(default=False)
    override_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InboundRule(Base):
    """Fields as in ``cti.domain.config``; ``lists`` are ids of number lists."""

    __tablename__ = "inbound_rules"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    order: Mapped[int] = mapped_column("position", default=0)
    name: Mapped[str] = mapped_column(String(128))
    active: Mapped[bool] = mapped_column(default=True)
    numbers: Mapped[list[str]] = mapped_column(JSON, default=list)
    callers: Mapped[list[str]] = mapped_column(JSON, default=list)
    lists: Mapped[list[str]] = mapped_column(JSON, default=list)
    when: Mapped[When] = mapped_column("state", enum_type(When), default=When.ALWAYS)
    calendar_id: Mapped[str] = mapped_column(id_type(), default="")
    say: Mapped[str] = mapped_column(String(128), default="")
    priority: Mapped[int] = mapped_column(default=0)
    target_kind: Mapped[TargetKind] = mapped_column(enum_type(TargetKind))
    target_id: Mapped[str] = mapped_column(id_type(), default="")


class OutboundRule(Base):
    """Fields as in ``cti.domain.config``; ``trunks``, ``queues`` and ``agents`` are ids."""

    __tablename__ = "outbound_rules"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    order: Mapped[int] = mapped_column("position", default=0)
    name: Mapped[str] = mapped_column(String(128))
    active: Mapped[bool] = mapped_column(default=True)
    prefixes: Mapped[list[str]] = mapped_column(JSON, default=list)
    queues: Mapped[list[str]] = mapped_column(JSON, default=list)
    agents: Mapped[list[str]] = mapped_column(JSON, default=list)
    trunks: Mapped[list[str]] = mapped_column(JSON, default=list)
    trunk_order: Mapped[TrunkOrder] = mapped_column(enum_type(TrunkOrder), default=TrunkOrder.SEQUENTIAL)
    caller_number: Mapped[str] = mapped_column(String(32), default="")


class NumberList(Base):
    """A kept list of numbers: callers that inbound rules name, or with ``do_not_call`` those who are not called."""

    __tablename__ = "number_lists"

    id: Mapped[str] = mapped_column(id_type(), primary_key=True, default=fresh_id)
    name: Mapped[str] = mapped_column(String(128))
    do_not_call: Mapped[bool] = mapped_column(default=False)


class ListedNumber(Base):
    """``number`` as ``cti.domain.phones.normalise`` spells it; on the list up to ``until``, or for ever."""

    __tablename__ = "listed_numbers"

    list_id: Mapped[str] = mapped_column(ForeignKey("number_lists.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    note: Mapped[str] = mapped_column(String(128), default="")
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BusyReason(Base):
    """Why an agent is not ready. ``code`` goes over the bus; ``names`` maps a locale to what people read.

    ``minutes_a_day`` is how long an agent should be busy for it, 0: as long as needed.
    """

    __tablename__ = "busy_reasons"

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    order: Mapped[int] = mapped_column("position", default=0)
    minutes_a_day: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Setting(Base):
    """One named value that administrators change in the pages."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    changed_by: Mapped[str] = mapped_column(String(64), default="")
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Counter(Base):
    """The last number given out of a named series; see ``cti.store.numbers``."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)
