"""Queues whose callers hear the agent's number before they talk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("queues") as table:
        table.add_column(sa.Column("announce_number", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("queues") as table:
        table.alter_column("announce_number", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("queues") as table:
        table.drop_column("announce_number")
