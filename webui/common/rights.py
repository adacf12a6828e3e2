"""What a user may do and see: the role's permissions, given or taken away for the role, then for the user.

Kinds of data have a scope: ``own`` rows, those of the ``group`` (the department and everything below it), ``all``.
Scope and ``*.read_all`` are one thing: whoever has the permission sees all, whoever sees all has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from cti.store.models import Role, RoleRights, User
from webui.common.permissions import ROLE_PERMISSIONS, Permission


class Scope(StrEnum):
    OWN = "own"
    GROUP = "group"
    ALL = "all"


class Kind(StrEnum):
    """Kinds of data whose rows have owners."""

    CUSTOMERS = "customers"
    ORDERS = "orders"
    TICKETS = "tickets"
    CALLS = "calls"


READ_ALL = {Kind.ORDERS: Permission.ORDERS_READ_ALL, Kind.CALLS: Permission.CALLS_READ_ALL}
"""The kinds whose rows are one's own unless a permission says otherwise; of the others everybody sees all."""


@dataclass(frozen=True)
class Rights:
    permissions: frozenset[Permission]
    scopes: Mapping[Kind, Scope]


def rights_of(user: User, role: RoleRights | None) -> Rights:
    """``role`` is the row of the user's role, if administrators changed what it may."""
    held = set(ROLE_PERMISSIONS[Role(user.role)])
    chosen: dict[str, Any] = {}
    for source in (role, user):
        if source is not None:
            held = adjusted(held, source.rights or {})
            chosen |= source.scopes or {}
    scopes = {}
    for kind in Kind:
        scopes[kind] = scope_of(kind, chosen.get(kind.value), held)
        if kind in READ_ALL:
            (held.add if scopes[kind] is Scope.ALL else held.discard)(READ_ALL[kind])
    return Rights(frozenset(held), scopes)


def adjusted(held: set[Permission], rights: Mapping[str, Any]) -> set[Permission]:
    """Codes that no permission has (an older or newer version's) do nothing."""
    known = {str(permission): permission for permission in Permission}
    given = {known[code] for code, granted in rights.items() if granted is True and code in known}
    taken = {known[code] for code, granted in rights.items() if granted is False and code in known}
    return (held | given) - taken


def scope_of(kind: Kind, chosen: Any, held: set[Permission]) -> Scope:
    if chosen in set(Scope):
        return Scope(chosen)
    if kind in READ_ALL:
        return Scope.ALL if READ_ALL[kind] in held else Scope.OWN
    return Scope.ALL


def load(session: Session, user: User) -> Rights:
    return rights_of(user, session.get(RoleRights, user.role))
