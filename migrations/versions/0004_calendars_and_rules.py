"""Calendars, inbound rules, kept lists of numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cti.store.models.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendars",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("closed", sa.JSON(), nullable=False),
        sa.Column("worked", sa.JSON(), nullable=False),
        sa.Column("override_open", sa.Boolean(), nullable=False),
        sa.Column("override_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
    )
    op.create_table(
        "inbound_rules",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("callers", sa.JSON(), nullable=False),
        sa.Column("lists", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("calendar_id", sa.String(length=40), nullable=False),
        sa.Column("say", sa.String(length=128), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("target_kind", sa.String(length=32), nullable=False),
        sa.Column("target_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_rules")),
    )
    op.create_table(
        "number_lists",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("do_not_call", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_lists")),
    )
    op.create_table(
        "listed_numbers",
        sa.Column("list_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("note", sa.String(length=128), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["list_id"], ["number_lists.id"], name=op.f("fk_listed_numbers_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "number", name=op.f("pk_listed_numbers")),
    )


def downgrade() -> None:
    for name in ("listed_numbers", "number_lists", "inbound_rules", "calendars"):
        op.drop_table(name)
