"""Whose rows a user may see: ``visible`` narrows a list, ``may_see`` answers for one row. Must not know any page.

Rows of customers and tickets may belong to nobody; everybody who may open the page sees those.
"""

from __future__ import annotations

from typing import Any, TypeVar

from flask import abort, g, has_app_context
from flask_login import current_user
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from cti.store.models import Agent, Department, User
from webui.common import db
from webui.common.rights import Kind, Scope

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
UNOWNED = {Kind.CUSTOMERS, Kind.TICKETS}


def visible(query: Query, owner: Any, kind: Kind | str, user: Any = None, session: Session | None = None) -> Query:
    """``query`` without the rows that ``user`` (the signed-in one) may not see; ``owner`` is the column of user ids."""
    condition = seen(owner, kind, user, session)
    return query if condition is None else query.where(condition)


def seen(owner: Any, kind: Kind | str, user: Any = None, session: Session | None = None) -> ColumnElement[bool] | None:
    """The condition of ``visible`` by itself; ``None`` when all rows may be seen."""
    ids = user_ids(kind, user, session)
    if ids is None:
        return None
    held: ColumnElement[bool] = owner.in_(sorted(ids))
    return or_(owner.is_(None), held) if Kind(kind) in UNOWNED else held


def may_see(owner_id: str | None, kind: Kind | str, user: Any = None, session: Session | None = None) -> bool:
    """Whether ``user`` may see a row of the user ``owner_id``."""
    ids = user_ids(kind, user, session)
    if ids is None:
        return True
    return owner_id in ids if owner_id else Kind(kind) in UNOWNED


def must_see(owner_id: str | None, kind: Kind | str) -> None:
    """Refuse the request (403, which is audited) unless ``may_see``."""
    if not may_see(owner_id, kind):
        abort(403)


def user_ids(kind: Kind | str, user: Any = None, session: Session | None = None) -> frozenset[str] | None:
    """The users whose rows may be seen; ``None``: everybody's."""
    who = user or current_user
    scope = who.scopes[Kind(kind)]
    if scope is Scope.ALL:
        return None
    if scope is Scope.OWN or who.department_id is None:
        return frozenset({who.id})
    return colleagues(session or db.session(), who.id, who.department_id)


def agent_ids(kind: Kind | str) -> frozenset[str] | None:
    """As ``user_ids``, as ids of agents."""
    users = user_ids(kind)
    if users is None:
        return None
    return frozenset(db.session().scalars(select(Agent.id).where(Agent.user_id.in_(sorted(users)))))


def colleagues(session: Session, user_id: str, department_id: int) -> frozenset[str]:
    """The users of the department and of all below it, looked up once a request."""
    kept: dict[int, frozenset[str]] = g.setdefault("scope_groups", {}) if has_app_context() else {}
    if department_id not in kept:
        parents = {row[0]: row[1] for row in session.execute(select(Department.id, Department.parent_id))}
        wanted = below(parents, department_id)
        kept[department_id] = frozenset(session.scalars(select(User.id).where(User.department_id.in_(sorted(wanted)))))
    return kept[department_id] | {user_id}


def below(parents: dict[int, int | None], top: int) -> set[int]:
    """``top`` and every department under it; ``parents`` maps each to the one above. A ring ends where it began."""
    children: dict[int | None, list[int]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    found, waiting = {top}, [top]
    while waiting:
        fresh = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(fresh)
        waiting.extend(fresh)
    return found
