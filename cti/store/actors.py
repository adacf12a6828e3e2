"""Who does something to an order or to money, as the store needs to know it: for rights, history and audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from cti.domain.errors import NotPermitted
from cti.store.models.people import AuditEntry


@dataclass(frozen=True)
class Actor:
    """``can`` says whether the user holds a permission, by its name."""

    user_id: str | None
    username: str
    can: Callable[[str], bool]
    address: str = ""

    def must(self, permission: str) -> None:
        """Raises ``NotPermitted``."""
        if not self.can(permission):
            raise NotPermitted(f"{self.username} lacks {permission}", permission=permission)


SYSTEM = Actor(None, "", lambda _permission: True)


def audit(
    session: Session, actor: Actor, action: str, object: str, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    """Into the audit, by the same commit as the change."""
    session.add(
        AuditEntry(
            user_id=actor.user_id,
            username=actor.username,
            action=action,
            object=object,
            before=before,
            after=after,
            address=actor.address,
        )
    )
