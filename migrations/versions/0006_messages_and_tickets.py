"""Messages that callers leave, tickets of lost calls, and what queues say about both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cti.store.models.base import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ADDED = (
    ("voicemail_greeting", sa.String(length=128), "voicemail_greeting"),
    ("voicemail_max", sa.Double(), "120"),
    ("tickets", sa.Boolean(), sa.true()),
    ("ticket_after", sa.Double(), "5"),
)


def upgrade() -> None:
    op.create_table(
        "voicemails",
        sa.Column("recording_id", sa.String(length=40), nullable=False),
        sa.Column("call_id", sa.String(length=40), nullable=False),
        sa.Column("queue_id", sa.String(length=40), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_voicemails_user_id")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_voicemails")),
    )
    op.create_index(
        op.f("ix_voicemails_state_left_at_recording_id"), "voicemails", ["state", "left_at", "recording_id"]
    )
    op.create_index(op.f("ix_voicemails_call_id"), "voicemails", ["call_id"])
    op.create_table(
        "callback_tickets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=128), nullable=False),
        sa.Column("queue_id", sa.String(length=40), nullable=False),
        sa.Column("call_id", sa.String(length=40), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("waited", sa.Double(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("lost_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_callback_tickets_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_tickets")),
    )
    op.create_index(op.f("ix_callback_tickets_state_lost_at_id"), "callback_tickets", ["state", "lost_at", "id"])
    op.create_index(
        op.f("ix_callback_tickets_number_queue_id_lost_at"), "callback_tickets", ["number", "queue_id", "lost_at"]
    )
    with op.batch_alter_table("queues") as table:
        for name, kind, value in ADDED:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=value))
    with op.batch_alter_table("queues") as table:
        for name, _, _ in ADDED:
            table.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("queues") as table:
        for name, _, _ in reversed(ADDED):
            table.drop_column(name)
    op.drop_table("callback_tickets")
    op.drop_table("voicemails")
