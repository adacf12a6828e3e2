"""Queues put callers forward who gave up and call again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

COLUMNS = (("retry_within", sa.Double(), "0"), ("retry_points", sa.Integer(), "1"))


def upgrade() -> None:
    with op.batch_alter_table("queues") as table:
        for name, kind, default in COLUMNS:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=default))
    with op.batch_alter_table("queues") as table:
        for name, _kind, _default in COLUMNS:
            table.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("queues") as table:
        for name, _kind, _default in COLUMNS:
            table.drop_column(name)
