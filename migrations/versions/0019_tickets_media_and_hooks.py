"""Callback tickets that are held, media and airings, keys and webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cti.store.models.base import BigId, Money, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TICKET = (
    ("origin", sa.String(length=32), "lost"),
    ("urgent", sa.Boolean(), sa.false()),
    ("name", sa.String(length=128), ""),
    ("other", sa.String(length=128), ""),
    ("note", sa.Text(), ""),
    ("dnis", sa.String(length=128), ""),
    ("tries", sa.Integer(), "0"),
    ("back_call_id", sa.String(length=40), ""),
)
TICKET_NULL = (
    ("customer_id", BigId),
    ("made_by", sa.String(length=40)),
    ("open_since", UtcDateTime()),
    ("held_by", sa.String(length=40)),
    ("held_until", UtcDateTime()),
    ("tried_at", UtcDateTime()),
    ("retry_at", UtcDateTime()),
    ("order_id", BigId),
    ("changed_at", UtcDateTime()),
)
TICKET_KEYS = (
    ("customer_id", "customers", "SET NULL"),
    ("made_by", "users", None),
    ("held_by", "users", None),
    ("order_id", "orders", "SET NULL"),
)
TICKET_INDEXES = (("state", "urgent", "first_at"), ("changed_at",), ("held_by",), ("order_id",))


def upgrade() -> None:
    _tickets()
    _media()


def downgrade() -> None:
    op.drop_index(_index("calls", ("dnis", "created_at")), "calls")
    for table in ("airing_products", "airings", "media"):
        op.drop_table(table)
    _no_tickets()


def _tickets() -> None:
    with op.batch_alter_table("callback_tickets") as table:
        for name, kind, value in TICKET:
            table.add_column(sa.Column(name, kind, nullable=False, server_default=value))
        for name, null_kind in TICKET_NULL:
            table.add_column(sa.Column(name, null_kind, nullable=True))
    op.execute("UPDATE callback_tickets SET changed_at = lost_at")
    with op.batch_alter_table("callback_tickets") as table:
        for name, _, _ in TICKET:
            table.alter_column(name, server_default=None)
        table.alter_column("changed_at", nullable=False)
        for name, other, on_delete in TICKET_KEYS:
            table.create_foreign_key(f"fk_callback_tickets_{name}", other, [name], ["id"], ondelete=on_delete)
        for columns in TICKET_INDEXES:
            table.create_index(_index("callback_tickets", columns), list(columns))
    op.create_table(
        "ticket_steps",
        sa.Column("id", BigId, nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["callback_tickets.id"], name=op.f("fk_ticket_steps_ticket_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ticket_steps_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_steps")),
    )
    op.create_index(op.f("ix_ticket_steps_ticket_id_id"), "ticket_steps", ["ticket_id", "id"])


def _no_tickets() -> None:
    op.drop_table("ticket_steps")
    with op.batch_alter_table("callback_tickets") as table:
        for columns in TICKET_INDEXES:
            table.drop_index(_index("callback_tickets", columns))
        for name, _, _ in TICKET_KEYS:
            table.drop_constraint(f"fk_callback_tickets_{name}", type_="foreignkey")
        for name, _ in TICKET_NULL:
            table.drop_column(name)
        for name, _, _ in TICKET:
            table.drop_column(name)


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint("name", name=op.f("uq_media_name")),
    )
    op.create_table(
        "airings",
        sa.Column("id", BigId, nullable=False),
        sa.Column("number", BigId, nullable=False),
        sa.Column("medium_id", BigId, nullable=False),
        sa.Column("programme", sa.String(length=128), nullable=False),
        sa.Column("dnis", sa.String(length=32), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("counts_until", UtcDateTime(), nullable=False),
        sa.Column("cost", Money(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["medium_id"], ["media.id"], name=op.f("fk_airings_medium_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_airings")),
        sa.UniqueConstraint("number", name=op.f("uq_airings_number")),
    )
    for columns in (("dnis", "starts_at"), ("starts_at",), ("medium_id", "starts_at")):
        op.create_index(_index("airings", columns), "airings", list(columns))
    op.create_table(
        "airing_products",
        sa.Column("airing_id", BigId, nullable=False),
        sa.Column("product_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["airing_id"], ["airings.id"], name=op.f("fk_airing_products_airing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_airing_products_product_id")),
        sa.PrimaryKeyConstraint("airing_id", "product_id", name=op.f("pk_airing_products")),
    )
    op.create_index(_index("airing_products", ("product_id",)), "airing_products", ["product_id"])
    op.create_index(_index("calls", ("dnis", "created_at")), "calls", ["dnis", "created_at"])


def _index(table: str, columns: tuple[str, ...]) -> str:
    return str(op.f(f"ix_{table}_{'_'.join(columns)}"))
