"""How many minutes a day an agent may be busy for a reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("busy_reasons") as table:
        table.add_column(sa.Column("minutes_a_day", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("busy_reasons") as table:
        table.alter_column("minutes_a_day", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("busy_reasons") as table:
        table.drop_column("minutes_a_day")
