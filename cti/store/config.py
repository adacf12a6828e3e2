"""From the tables to the document the engine runs on. Whatever points nowhere becomes a hang-up, never an error."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cti.domain.config.agents import AgentConfig
from cti.domain.config.centre import CentreConfig, read_overflow
from cti.domain.config.queues import Need, Overflow, QueueConfig
from cti.domain.config.routes import (
    DidConfig,
    MemberKind,
    MenuConfig,
    RingGroupConfig,
    RingMember,
    RouteTarget,
    TargetKind,
)
from cti.domain.config.ways_out import TrunkConfig
from cti.domain.trunks import NumberRule, read_rules
from cti.store import parameters, rules
from cti.store.models import Agent, Did, Menu, Queue, QueueMember, RingGroup, Trunk, User
from cti.switch_settings import GATEWAY_HOST

HANGUP = RouteTarget(TargetKind.HANGUP)
_NUMBER = re.compile(r"\+?[0-9]{3,32}")
_Known = dict[TargetKind, Collection[str]]


def build_config(session: Session, version: int = 0) -> CentreConfig:
    """The whole centre as it stands in the database. Agents of users who are not active are left out."""
    agents = session.scalars(select(Agent).join(Agent.user).where(User.active.is_(True)).order_by(Agent.number)).all()
    members = selectinload(Queue.members).joinedload(QueueMember.agent)
    queues = session.scalars(select(Queue).where(Queue.active.is_(True)).options(members).order_by(Queue.number)).all()
    menus = session.scalars(select(Menu).order_by(Menu.id)).all()
    groups = session.scalars(select(RingGroup).order_by(RingGroup.id)).all()
    at_work = {agent.id for agent in agents}
    in_queue = {queue.id: tuple(m.agent_id for m in queue.members if m.agent_id in at_work) for queue in queues}
    known: _Known = {
        TargetKind.AGENT: at_work,
        TargetKind.QUEUE: in_queue.keys(),
        TargetKind.MENU: {menu.id for menu in menus},
        TargetKind.VOICEMAIL: in_queue.keys(),
        TargetKind.GROUP: {group.id for group in groups},
    }
    return CentreConfig(
        version=version,
        agents=tuple(_agent(agent, in_queue) for agent in agents),
        queues=tuple(_queue(queue, in_queue[queue.id], known) for queue in queues),
        menus=tuple(_menu(menu, known) for menu in menus),
        dids=tuple(
            DidConfig(did.number, _target(did.target_kind, did.target_id, known), did.trunk_id)
            for did in session.scalars(select(Did).order_by(Did.number))
        ),
        trunks=tuple(
            _trunk(trunk)
            for trunk in session.scalars(
                select(Trunk).where(Trunk.active.is_(True)).order_by(Trunk.host == GATEWAY_HOST, Trunk.id)
            )
        ),
        calendars=rules.calendars(session),
        lists=rules.number_lists(session),
        outbound=rules.outbound(session),
        inbound=rules.inbound(session, partial(_target, known=known)),
        groups=tuple(_group(group, known) for group in groups),
        message_silence=float(parameters.whole(session, "calls.message_silence")),
    )


def _agent(agent: Agent, in_queue: dict[str, tuple[str, ...]]) -> AgentConfig:
    queues = tuple(queue_id for queue_id, members in in_queue.items() if agent.id in members)
    return AgentConfig(agent.id, agent.number, agent.user.name, queues, dict(agent.skills), agent.outside_number)


def _queue(queue: Queue, agents: tuple[str, ...], known: _Known) -> QueueConfig:
    return QueueConfig(
        id=queue.id,
        number=queue.number,
        name=queue.name,
        strategy=queue.strategy,
        ring_timeout=queue.ring_timeout,
        wrapup=queue.wrapup,
        announce_every=queue.announce_every,
        announce_max=queue.announce_max,
        music=queue.music,
        service_level=queue.service_level_seconds,
        agents=agents,
        levels={m.agent_id: m.level for m in queue.members if m.agent_id in agents and m.level != 1},
        weights={m.agent_id: m.weight for m in queue.members if m.agent_id in agents and m.weight != 1},
        level_after=queue.level_after,
        needs=_needs(queue.needs),
        priority=queue.priority,
        age=queue.age,
        voicemail_greeting=queue.voicemail_greeting,
        voicemail_max=queue.voicemail_max,
        callback=queue.callback,
        callback_tries=queue.callback_tries,
        callback_every=queue.callback_every,
        survey=queue.survey,
        overflow=_overflow(queue.overflow, known),
        announce_wait=queue.announce_wait,
        announce_number=queue.announce_number,
        last_agent_days=queue.last_agent_days,
        last_agent_wait=queue.last_agent_wait,
        retry_within=queue.retry_within,
        retry_points=queue.retry_points,
    )


def _needs(documents: list[dict[str, Any]]) -> tuple[Need, ...]:
    """What is no need is left out."""
    found: list[Need] = []
    for document in documents:
        try:
            found.append(Need(str(document["skill"]), int(document["level"]), float(document["relax_every"])))
        except (KeyError, TypeError, ValueError):
            continue
    return tuple(found)


def _overflow(documents: list[dict[str, Any]], known: _Known) -> tuple[Overflow, ...]:
    """What is no rule is left out, and what leads nowhere: nobody is hung up on because a menu was removed."""
    found: list[Overflow] = []
    for document in documents:
        try:
            rule = read_overflow(document)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        offer = rule.target.kind is TargetKind.CALLBACK
        if offer or _target(rule.target.kind, rule.target.id, known) == rule.target:
            found.append(rule)
    return tuple(found)


def _trunk(trunk: Trunk) -> TrunkConfig:
    return TrunkConfig(
        id=trunk.id,
        name=trunk.name,
        caller_number=trunk.caller_number,
        caller_id=trunk.caller_id,
        hide_number=trunk.hide_number,
        dial_rules=_rules(trunk.dial_rules),
        did_rules=_rules(trunk.did_rules),
        caller_rules=_rules(trunk.caller_rules),
        max_channels=trunk.max_channels,
        switches=tuple(str(name) for name in trunk.switches),
    )


def _rules(documents: list[dict[str, Any]]) -> tuple[NumberRule, ...]:
    """What is no rule is left out."""
    found: list[NumberRule] = []
    for document in documents:
        try:
            found += read_rules([document])
        except (AttributeError, TypeError, ValueError):
            continue
    return tuple(found)


def _menu(menu: Menu, known: _Known) -> MenuConfig:
    return MenuConfig(
        id=menu.id,
        name=menu.name,
        greeting=menu.greeting,
        prompt=menu.prompt,
        options={digit: _option(option, known) for digit, option in menu.options.items()},
        languages={digit: option["language"] for digit, option in menu.options.items() if option.get("language")},
        language=menu.language,
        timeout=menu.timeout,
        tries=menu.tries,
        otherwise=_target(menu.otherwise_kind, menu.otherwise_id, known),
    )


def _group(group: RingGroup, known: _Known) -> RingGroupConfig:
    return RingGroupConfig(
        id=group.id,
        name=group.name,
        members=_members(group.members, known),
        order=group.order,
        ring_timeout=group.ring_timeout,
        otherwise=_target(group.otherwise_kind, group.otherwise_id, known),
    )


def _members(documents: list[dict[str, Any]], known: _Known) -> tuple[RingMember, ...]:
    """What is no member is left out, and who is gone."""
    found: list[RingMember] = []
    for document in documents:
        try:
            member = RingMember(MemberKind(document["kind"]), str(document["id"]))
        except (KeyError, TypeError, ValueError):
            continue
        outside = member.kind is MemberKind.OUTSIDE
        if _NUMBER.fullmatch(member.id) if outside else member.id in known[TargetKind.AGENT]:
            found.append(member)
    return tuple(found)


def _option(option: dict[str, Any], known: _Known) -> RouteTarget:
    try:
        kind = TargetKind(option.get("kind", ""))
    except ValueError:
        return HANGUP
    return _target(kind, option.get("id", ""), known)


def _target(kind: TargetKind, target_id: str, known: _Known) -> RouteTarget:
    there = bool(_NUMBER.fullmatch(target_id)) if kind is TargetKind.OUTSIDE else target_id in known.get(kind, ())
    return RouteTarget(kind, target_id) if there else HANGUP
