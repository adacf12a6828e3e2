"""What becomes of money that carriers handed over differently."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cti.store.models.base import Money, UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PARENTS = {
    "carrier_id": "carriers",
    "settlement_id": "settlements",
    "parcel_id": "parcels",
    "order_id": "orders",
    "parent_id": "carrier_differences",
    "receipt_id": "receipts",
}
INDEXES = (["carrier_id", "state"], ["state", "opened_at"], ["order_id"], ["parcel_id"], ["settlement_id"])


def upgrade() -> None:
    op.create_table(
        "carrier_differences",
        sa.Column("id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        *(sa.Column(name, BIG, nullable=name != "carrier_id") for name in PARENTS),
        sa.Column("waybill", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("asked_by", sa.String(length=40), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_carrier_differences_amount")),
        *(
            sa.ForeignKeyConstraint([name], [f"{parent}.id"], name=op.f(f"fk_carrier_differences_{name}"))
            for name, parent in PARENTS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_differences")),
        sa.UniqueConstraint("number", name=op.f("uq_carrier_differences_number")),
    )
    for columns in INDEXES:
        op.create_index(op.f(f"ix_carrier_differences_{'_'.join(columns)}"), "carrier_differences", columns)
    op.create_table(
        "carrier_difference_steps",
        sa.Column("id", BIG, nullable=False),
        sa.Column("difference_id", BIG, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("before", sa.String(length=32), nullable=False),
        sa.Column("after", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["difference_id"],
            ["carrier_differences.id"],
            name=op.f("fk_carrier_difference_steps_difference_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_difference_steps")),
    )
    op.create_index(op.f("ix_carrier_difference_steps_difference_id"), "carrier_difference_steps", ["difference_id"])
    with op.batch_alter_table("settlement_lines") as table:
        table.add_column(sa.Column("decision", sa.String(length=32), nullable=False, server_default="carry"))
    with op.batch_alter_table("settlement_lines") as table:
        table.alter_column("decision", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("settlement_lines") as table:
        table.drop_column("decision")
    op.drop_table("carrier_difference_steps")
    op.drop_table("carrier_differences")
