"""Orders that are to be paid before they go are found by an index of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

NAME = "ix_orders_prepaid"
WHERE = sa.text("payment <> 'cash_on_delivery' AND status IN ('new', 'held', 'confirmed', 'picking', 'packed')")


def upgrade() -> None:
    op.create_index(NAME, "orders", ["created_at", "id"], postgresql_where=WHERE, sqlite_where=WHERE)


def downgrade() -> None:
    op.drop_index(NAME, "orders")
