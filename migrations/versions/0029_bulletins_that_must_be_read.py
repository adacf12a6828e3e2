"""Bulletins that everybody has to confirm."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bulletins") as table:
        table.add_column(sa.Column("must_read", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("bulletins") as table:
        table.alter_column("must_read", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("bulletins") as table:
        table.drop_column("must_read")
