"""Skills of agents; levels, weights, needs and priorities of queues."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ADDED = {
    "agents": (("skills", sa.JSON(), "{}"),),
    "queue_members": (("level", sa.Integer(), "1"), ("weight", sa.Integer(), "1")),
    "queues": (
        ("level_after", sa.Double(), "0"),
        ("needs", sa.JSON(), "[]"),
        ("priority", sa.Double(), "0"),
        ("age", sa.Double(), "60"),
    ),
}


def upgrade() -> None:
    """Existing rows get what held until now; then the values are the model's business."""
    for name, columns in ADDED.items():
        with op.batch_alter_table(name) as table:
            for column, kind, value in columns:
                table.add_column(sa.Column(column, kind, nullable=False, server_default=value))
        with op.batch_alter_table(name) as table:
            for column, _, _ in columns:
                table.alter_column(column, server_default=None)


def downgrade() -> None:
    for name, columns in ADDED.items():
        with op.batch_alter_table(name) as table:
            for column, _, _ in reversed(columns):
                table.drop_column(column)
