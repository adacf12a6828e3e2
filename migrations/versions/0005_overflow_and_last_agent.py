"""Overflow rules of queues, the wait told to callers, and returning customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ADDED = (
    ("overflow", sa.JSON(), "[]"),
    ("announce_wait", sa.Boolean(), sa.false()),
    ("last_agent_days", sa.Integer(), "0"),
    ("last_agent_wait", sa.Double(), "30"),
)


def upgrade() -> None:
    """Existing rows get what held until now; then the values are the model's business."""
    with op.batch_alter_table("queues") as table:
        for column, kind, value in ADDED:
            table.add_column(sa.Column(column, kind, nullable=False, server_default=value))
    with op.batch_alter_table("queues") as table:
        for column, _, _ in ADDED:
            table.alter_column(column, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("queues") as table:
        for column, _, _ in reversed(ADDED):
            table.drop_column(column)
