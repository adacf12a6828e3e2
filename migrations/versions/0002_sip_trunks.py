"""Trunks as carriers and exchanges need them; service numbers that belong to one trunk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ADDED = (
    ("transport", sa.String(length=32), "udp"),
    ("outbound_proxy", sa.String(length=255), ""),
    ("auth_user", sa.String(length=64), ""),
    ("realm", sa.String(length=255), ""),
    ("expiry", sa.Integer(), "300"),
    ("codecs", sa.JSON(), '["alaw", "ulaw"]'),
    ("dtmf", sa.String(length=32), "rfc2833"),
    ("max_channels", sa.Integer(), "0"),
    ("ping", sa.Boolean(), sa.true()),
    ("sources", sa.JSON(), "[]"),
    ("did_from", sa.String(length=32), "request"),
    ("did_fixed", sa.String(length=32), ""),
    ("did_rules", sa.JSON(), "[]"),
    ("caller_rules", sa.JSON(), "[]"),
    ("dial_rules", sa.JSON(), "[]"),
    ("caller_id", sa.String(length=32), "fixed"),
    ("caller_in", sa.String(length=32), "both"),
    ("hide_number", sa.Boolean(), sa.false()),
    ("switches", sa.JSON(), "[]"),
)


def upgrade() -> None:
    """What existing trunks did until now is written into them; then the values are the model's business."""
    with op.batch_alter_table("trunks") as table:
        for name, kind, value in ADDED:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=value))
    op.execute("UPDATE trunks SET caller_in = 'pai' WHERE username <> ''")
    with op.batch_alter_table("trunks") as table:
        for name, _, _ in ADDED:
            table.alter_column(name, server_default=None)
    with op.batch_alter_table("dids") as table:
        table.add_column(sa.Column("trunk_id", sa.String(length=40), nullable=False, server_default=""))
    with op.batch_alter_table("dids") as table:
        table.alter_column("trunk_id", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("dids") as table:
        table.drop_column("trunk_id")
    with op.batch_alter_table("trunks") as table:
        for name, _, _ in reversed(ADDED):
            table.drop_column(name)
