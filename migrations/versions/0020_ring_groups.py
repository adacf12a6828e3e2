"""Ring groups; outbound rules by agent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ring_groups",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("ring_order", sa.String(length=32), nullable=False),
        sa.Column("ring_timeout", sa.Double(), nullable=False),
        sa.Column("otherwise_kind", sa.String(length=32), nullable=False),
        sa.Column("otherwise_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ring_groups")),
    )
    with op.batch_alter_table("outbound_rules") as table:
        table.add_column(sa.Column("agents", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("outbound_rules") as table:
        table.alter_column("agents", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("outbound_rules") as table:
        table.drop_column("agents")
    op.drop_table("ring_groups")
