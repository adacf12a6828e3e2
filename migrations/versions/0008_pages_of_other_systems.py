"""The address of another system's page that opens when a call of a queue is answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("queues") as table:
        table.add_column(sa.Column("pop_url", sa.String(length=500), nullable=False, server_default=""))
    with op.batch_alter_table("queues") as table:
        table.alter_column("pop_url", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("queues") as table:
        table.drop_column("pop_url")
