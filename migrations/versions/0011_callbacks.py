"""Callers of a queue who keep their place and are called back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ADDED = (
    ("callback", sa.Boolean(), sa.false()),
    ("callback_tries", sa.Integer(), "3"),
    ("callback_every", sa.Double(), "300"),
)


def upgrade() -> None:
    with op.batch_alter_table("queues") as table:
        for name, kind, value in ADDED:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=value))
    with op.batch_alter_table("queues") as table:
        for name, _, _ in ADDED:
            table.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("queues") as table:
        for name, _, _ in reversed(ADDED):
            table.drop_column(name)
