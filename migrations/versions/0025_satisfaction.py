"""How satisfied callers are, asked after the call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cti.store.models.base import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("queues") as table:
        table.add_column(sa.Column("survey", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("queues") as table:
        table.alter_column("survey", server_default=None)
    op.add_column("calls", sa.Column("surveyed_at", UtcDateTime()))
    op.add_column("calls", sa.Column("rating", sa.SmallInteger()))
    op.add_column("calls", sa.Column("rated_agent_id", sa.String(length=40), nullable=False, server_default=""))
    op.create_index(op.f("ix_calls_surveyed_at"), "calls", ["surveyed_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_calls_surveyed_at"), "calls")
    with op.batch_alter_table("calls") as table:
        for name in ("rated_agent_id", "rating", "surveyed_at"):
            table.drop_column(name)
    with op.batch_alter_table("queues") as table:
        table.drop_column("survey")
