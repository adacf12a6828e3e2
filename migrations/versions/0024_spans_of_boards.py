"""Spans of DAHDI boards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("boards") as table:
        table.add_column(sa.Column("spans", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("boards") as table:
        table.alter_column("spans", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("boards") as table:
        table.drop_column("spans")
