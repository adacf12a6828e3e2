"""Customers in full: the country's divisions, regions, merges, the index of the search box."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cti.store.divisions import shipped

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    divisions = op.create_table(
        "divisions",
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("province", sa.String(length=64), nullable=False),
        sa.Column("city", sa.String(length=64), nullable=False),
        sa.Column("district", sa.String(length=64), nullable=False),
        sa.Column("postcode", sa.String(length=6), nullable=False),
        sa.Column("area_code", sa.String(length=5), nullable=False),
        sa.Column("initials", sa.String(length=32), nullable=False),
        sa.Column("keys", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_divisions")),
    )
    op.create_index(op.f("ix_divisions_postcode"), "divisions", ["postcode"])
    op.bulk_insert(divisions, list(shipped()))


def downgrade() -> None:
    op.drop_table("divisions")
