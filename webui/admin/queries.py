"""Reading what administrators look after. Takes a session; must not know requests or forms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from cti.domain.config.routes import TargetKind
from cti.store.models import (
    Agent,
    AuditEntry,
    Calendar,
    Did,
    InboundRule,
    ListedNumber,
    Menu,
    NumberList,
    OutboundRule,
    Queue,
    QueueMember,
    RingGroup,
    Trunk,
    User,
)
from webui.common.labels import label
from webui.common.paging import Page, page


def users(session: Session) -> Sequence[User]:
    return session.scalars(
        select(User).order_by(User.active.desc(), User.username).options(joinedload(User.agent))
    ).all()


def user_named(session: Session, username: str) -> User | None:
    return session.scalars(select(User).where(func.lower(User.username) == username.lower())).first()


def agents(session: Session) -> Sequence[Agent]:
    return session.scalars(select(Agent).order_by(Agent.number)).all()


def queues(session: Session) -> Sequence[Queue]:
    members = selectinload(Queue.members).joinedload(QueueMember.agent)
    return session.scalars(select(Queue).order_by(Queue.number).options(members)).all()


def queues_of(session: Session, agent_id: str) -> Sequence[QueueMember]:
    return session.scalars(select(QueueMember).where(QueueMember.agent_id == agent_id)).all()


def queue_names(session: Session) -> dict[str, list[str]]:
    """Agent ids to the names of their queues."""
    names: dict[str, list[str]] = {}
    rows = select(QueueMember.agent_id, Queue.name).join(Queue, Queue.id == QueueMember.queue_id).order_by(Queue.number)
    for agent_id, name in session.execute(rows):
        names.setdefault(agent_id, []).append(name)
    return names


def skill_names(session: Session) -> list[str]:
    """Every skill that an agent has or a queue asks for."""
    had = {name for skills in session.scalars(select(Agent.skills)) for name in skills}
    asked = {need["skill"] for needs in session.scalars(select(Queue.needs)) for need in needs}
    return sorted(had | asked)


def dids(session: Session) -> Sequence[Did]:
    return session.scalars(select(Did).order_by(Did.number)).all()


def menus(session: Session) -> Sequence[Menu]:
    return session.scalars(select(Menu).order_by(Menu.name, Menu.id)).all()


def ring_groups(session: Session) -> Sequence[RingGroup]:
    return session.scalars(select(RingGroup).order_by(RingGroup.name, RingGroup.id)).all()


def uses_of_group(session: Session, group_id: str) -> list[str]:
    """What sends calls to a ring group, by name."""
    wanted = (TargetKind.GROUP, group_id)
    found = [did.number for did in dids(session) if (did.target_kind, did.target_id) == wanted]
    found += [rule.name for rule in rules(session) if (rule.target_kind, rule.target_id) == wanted]
    found += [menu.name for menu in menus(session) if _menu_leads_to(menu, *wanted)]
    for queue in queues(session):
        goals = [rule.get("target", {}) for rule in queue.overflow]
        found += [queue.name] if any((goal.get("kind"), goal.get("id")) == wanted for goal in goals) else []
    others = (group for group in ring_groups(session) if group.id != group_id)
    return found + [group.name for group in others if (group.otherwise_kind, group.otherwise_id) == wanted]


def _menu_leads_to(menu: Menu, kind: TargetKind, target_id: str) -> bool:
    keys = [(option.get("kind"), option.get("id")) for option in menu.options.values()]
    return (kind, target_id) in [(menu.otherwise_kind, menu.otherwise_id), *keys]


def trunks(session: Session) -> Sequence[Trunk]:
    return session.scalars(select(Trunk).order_by(Trunk.id)).all()


def extension_taken(session: Session, number: str, agent: Agent | None = None, queue: Queue | None = None) -> bool:
    """Another agent or queue is dialled by this number."""
    holder = session.scalars(select(Agent).where(Agent.number == number)).first()
    group = session.scalars(select(Queue).where(Queue.number == number)).first()
    return (holder is not None and holder is not agent) or (group is not None and group is not queue)


def calendars(session: Session) -> Sequence[Calendar]:
    return session.scalars(select(Calendar).order_by(Calendar.name, Calendar.id)).all()


def rules(session: Session) -> Sequence[InboundRule]:
    return session.scalars(select(InboundRule).order_by(InboundRule.order, InboundRule.id)).all()


def outbound_rules(session: Session) -> Sequence[OutboundRule]:
    return session.scalars(select(OutboundRule).order_by(OutboundRule.order, OutboundRule.id)).all()


def move(rows: list[Any], here: int, direction: str) -> bool:
    """Put the row one place ``up`` or ``down`` and number all; whether there is such a place."""
    there = here + (-1 if direction == "up" else 1)
    if not 0 <= there < len(rows):
        return False
    rows[here], rows[there] = rows[there], rows[here]
    for place, row in enumerate(rows):
        row.order = place
    return True


def number_lists(session: Session) -> Sequence[NumberList]:
    return session.scalars(select(NumberList).order_by(NumberList.name, NumberList.id)).all()


def listed(session: Session) -> dict[str, int]:
    """How many numbers each list holds, by its id."""
    counted = select(ListedNumber.list_id, func.count()).group_by(ListedNumber.list_id)
    return {row[0]: row[1] for row in session.execute(counted)}


def target_choices(session: Session) -> list[tuple[str, str]]:
    """Everything a number or a key can reach, as (``kind:id``, words)."""
    found = [(f"menu:{m.id}", f"{label('menu', 'target')} · {m.name}") for m in menus(session)]
    found += [(f"queue:{q.id}", f"{label('queue', 'target')} · {q.number} {q.name}") for q in queues(session)]
    found += [(f"agent:{a.id}", f"{label('agent', 'target')} · {a.number} {a.user.name}") for a in agents(session)]
    found += [(f"group:{g.id}", f"{label('group', 'target')} · {g.name}") for g in ring_groups(session)]
    found += [(f"voicemail:{q.id}", f"{label('voicemail', 'target')} · {q.number} {q.name}") for q in queues(session)]
    return [*found, ("hangup:", label("hangup", "target"))]


def split_target(value: str) -> tuple[TargetKind, str]:
    kind, _colon, target_id = value.partition(":")
    return TargetKind(kind), target_id


def audit_query(
    *, who: str, action: str, thing: str, address: str, since: datetime | None, until: datetime | None
) -> Select[Any]:
    query = select(AuditEntry)
    for condition in (
        AuditEntry.username == who if who else None,
        AuditEntry.action.startswith(action, autoescape=True) if action else None,
        AuditEntry.object.startswith(thing, autoescape=True) if thing else None,
        AuditEntry.address == address if address else None,
        AuditEntry.at >= since if since else None,
        AuditEntry.at < until if until else None,
    ):
        if condition is not None:
            query = query.where(condition)
    return query


def audit_entries(session: Session, query: Select[Any], cursor: str) -> Page[Any]:
    return page(session, query, (AuditEntry.at, AuditEntry.id), cursor, lambda e: (e.at, e.id))
