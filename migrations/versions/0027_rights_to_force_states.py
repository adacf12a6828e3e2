"""Forcing ready, busy and log-out upon others: a right each. Who was given or refused all in one has or lacks each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

WHOLE = "supervise.state"
PARTS = ("supervise.force_ready", "supervise.force_not_ready", "supervise.force_logout")

ROLES = sa.table("role_rights", sa.column("role"), sa.column("rights", sa.JSON()))
USERS = sa.table("users", sa.column("id"), sa.column("rights", sa.JSON()))


def upgrade() -> None:
    _change(_parted)


def downgrade() -> None:
    _change(_whole)


def _parted(rights: dict[str, Any]) -> dict[str, Any]:
    if WHOLE not in rights:
        return rights
    rest = {code: granted for code, granted in rights.items() if code != WHOLE}
    return rest | dict.fromkeys(PARTS, rights[WHOLE])


def _whole(rights: dict[str, Any]) -> dict[str, Any]:
    """Nobody becomes more: given only to who was given each, taken from who lacks one."""
    rest = {code: granted for code, granted in rights.items() if code not in PARTS}
    chosen = [rights.get(part) for part in PARTS]
    if False in chosen:
        return rest | {WHOLE: False}
    return rest | {WHOLE: True} if all(chosen) else rest


def _change(new: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    connection = op.get_bind()
    for table, key in ((ROLES, ROLES.c.role), (USERS, USERS.c.id)):
        for ident, rights in connection.execute(sa.select(key, table.c.rights)).all():
            changed = new(rights or {})
            if changed != (rights or {}):
                connection.execute(sa.update(table).where(key == ident).values(rights=changed))
