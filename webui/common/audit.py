"""Who did what: one entry in the request's session; it is stored by the same commit as the change it tells of."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_login import current_user

from cti.store.models import AuditEntry, User
from webui.common.db import session

LONGEST = {"action": 64, "object": 96, "address": 64, "username": 64}


def record(
    action: str,
    object: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    *,
    user: User | None = None,
    username: str = "",
) -> None:
    """Add an entry for ``action`` (``customer.change``) on ``object`` (``customer/12``); the caller commits.

    The actor is the signed-in user, or ``user``, or for a failed login only the ``username`` that was typed.
    """
    actor: Any = user or (current_user if current_user.is_authenticated else None)
    session().add(
        AuditEntry(
            user_id=actor.id if actor else None,
            username=(actor.username if actor else username)[: LONGEST["username"]],
            action=action[: LONGEST["action"]],
            object=object[: LONGEST["object"]],
            before=before,
            after=after,
            address=(request.remote_addr or "")[: LONGEST["address"]],
        )
    )
