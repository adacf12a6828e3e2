"""Agents who may be called at a number outside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agents") as table:
        table.add_column(sa.Column("outside_number", sa.String(length=32), nullable=False, server_default=""))
    with op.batch_alter_table("agents") as table:
        table.alter_column("outside_number", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("agents") as table:
        table.drop_column("outside_number")
