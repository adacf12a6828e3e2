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
TICKET_INDEXES = (("state", "urgent", "first_at"), ("changed_at",), ("held_by",), ("customer_id",), ("order_id",))


def upgrade() -> None:
    _tickets()
    _media()
    _api()


def downgrade() -> None:
    for table in ("webhook_deliveries", "webhooks", "api_requests", "api_keys"):
        op.drop_table(table)
    _orders_by_time([])
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
    include = ["direction", "test"]
    op.create_index(
        _index("calls", ("dnis", "created_at")), "calls", ["dnis", "created_at"], postgresql_include=include
    )
    _orders_by_time(["status", "total", "airing_id", "medium_id"])


def _orders_by_time(include: list[str]) -> None:
    """The index of orders by time holds what reports sum up; SQLite has no such columns."""
    if op.get_bind().dialect.name == "postgresql":
        name = _index("orders", ("created_at", "id"))
        op.drop_index(name, "orders")
        op.create_index(name, "orders", ["created_at", "id"], postgresql_include=include)


def _api() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_table(
        "api_requests",
        sa.Column("api_key_id", sa.String(length=40), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name=op.f("fk_api_requests_api_key_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("api_key_id", "token", name=op.f("pk_api_requests")),
    )
    op.create_index(_index("api_requests", ("created_at",)), "api_requests", ["created_at"])
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", BigId, nullable=False),
        sa.Column("webhook_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=96), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    for columns in (("state", "next_at"), ("webhook_id", "id"), ("kind", "object"), ("done_at",)):
        op.create_index(_index("webhook_deliveries", columns), "webhook_deliveries", list(columns))


def _index(table: str, columns: tuple[str, ...]) -> str:
    return str(op.f(f"ix_{table}_{'_'.join(columns)}"))
