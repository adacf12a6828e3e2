"""Own fields of callback tickets, own fields as columns of lists, orders found by them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _add("callback_tickets", sa.Column("custom", DOCUMENT, nullable=False, server_default="{}"))
    _add("custom_fields", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        op.f("ix_orders_custom"),
        "orders",
        ["custom"],
        postgresql_using="gin",
        postgresql_ops={"custom": "jsonb_path_ops"},
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_orders_custom"), "orders")
    for name, column in (("custom_fields", "listed"), ("callback_tickets", "custom")):
        with op.batch_alter_table(name) as table:
            table.drop_column(column)


def _add(name: str, column: sa.Column[object]) -> None:
    with op.batch_alter_table(name) as table:
        table.add_column(column)
    with op.batch_alter_table(name) as table:
        table.alter_column(column.name, server_default=None)
