"""Goods, prices by period, stock, members and points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from cti.store.initials import initials
from cti.store.models.base import Money, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PRODUCTS = sa.table("products", sa.column("id"), sa.column("name"), sa.column("initials"))

ADDED: dict[str, tuple[tuple[str, Callable[[], Any], str], ...]] = {
    "products": (
        ("initials", lambda: sa.String(length=64), ""),
        ("category", lambda: sa.String(length=64), ""),
        ("unit", lambda: sa.String(length=16), ""),
        ("bundle", sa.Boolean, "0"),
        ("track_stock", sa.Boolean, "0"),
        ("backorder", sa.Boolean, "0"),
        ("low_stock", sa.Integer, "0"),
        ("points_price", sa.Integer, "0"),
    ),
    "orders": (
        ("delivery", lambda: sa.String(length=32), "express"),
        ("invoice_title", lambda: sa.String(length=128), ""),
        ("invoice_tax_no", lambda: sa.String(length=32), ""),
        ("goods_total", Money, "0"),
        ("discount", Money, "0"),
        ("shipping_fee", Money, "0"),
        ("points_used", sa.Integer, "0"),
        ("points_amount", Money, "0"),
    ),
    "order_lines": (
        ("discount", Money, "0"),
        ("points", sa.Integer, "0"),
        ("kind", lambda: sa.String(length=32), "sale"),
    ),
}
"""Columns of tables that may be long: added as they are, never by copying the table, hence with a default."""

INDEXES = (
    ("products", ("initials",)),
    ("products", ("category",)),
    ("orders", ("medium_id", "created_at")),
    ("orders", ("airing_id",)),
    ("order_lines", ("parent_id",)),
)
TABLES = (
    "stock_reservations",
    "point_entries",
    "point_rules",
    "members",
    "stock_movements",
    "stock",
    "warehouses",
    "gift_rules",
    "bundle_parts",
    "product_pictures",
    "product_prices",
    "order_drafts",
)


def upgrade() -> None:
    for table, columns in ADDED.items():
        for name, kind, value in columns:
            default = sa.text("false") if kind is sa.Boolean and not _sqlite() else value
            op.add_column(table, sa.Column(name, kind(), nullable=False, server_default=default))
    for name in ("medium_id", "airing_id"):
        op.add_column("orders", sa.Column(name, BIG_ID, nullable=True))
    _parent()
    for table, names in INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, list(names))
    op.execute("UPDATE orders SET goods_total = total")
    rows = op.get_bind().execute(sa.select(PRODUCTS.c.id, PRODUCTS.c.name)).all()
    for product_id, name in rows:
        op.execute(PRODUCTS.update().where(PRODUCTS.c.id == product_id).values(initials=initials(name)))
    _goods()
    _stock()
    _points()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for table, names in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{'_'.join(names)}"), table)
    for table, columns in reversed(ADDED.items()):
        with op.batch_alter_table(table) as batch:
            for name, _, _ in columns:
                batch.drop_column(name)
            if table == "orders":
                batch.drop_column("medium_id")
                batch.drop_column("airing_id")
            if table == "order_lines":
                if not _sqlite():  # there it goes with its column
                    batch.drop_constraint(op.f("fk_order_lines_parent_id"), type_="foreignkey")
                batch.drop_column("parent_id")


def _sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _parent() -> None:
    """A line's bundle. SQLite takes the foreign key with the column only."""
    name = op.f("fk_order_lines_parent_id")
    if _sqlite():
        op.execute(
            f"ALTER TABLE order_lines ADD COLUMN parent_id INTEGER CONSTRAINT {name} REFERENCES order_lines (id)"
        )
        return
    op.add_column("order_lines", sa.Column("parent_id", BIG_ID, nullable=True))
    op.create_foreign_key(name, "order_lines", "order_lines", ["parent_id"], ["id"])


def _key(table: str, column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete="CASCADE" if cascade else None)


def _goods() -> None:
    op.create_table(
        "product_prices",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("price", Money(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("medium_id", BIG_ID, nullable=True),
        _key("product_prices", "product_id", "products.id", cascade=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_prices")),
    )
    op.create_index(op.f("ix_product_prices_product_id_starts_at"), "product_prices", ["product_id", "starts_at"])
    op.create_table(
        "bundle_parts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("bundle_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        _key("bundle_parts", "bundle_id", "products.id", cascade=True),
        _key("bundle_parts", "product_id", "products.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundle_parts")),
    )
    parts = ["bundle_id", "product_id"]
    op.create_index(op.f("ix_bundle_parts_bundle_id_product_id"), "bundle_parts", parts, unique=True)
    op.create_index(op.f("ix_bundle_parts_product_id"), "bundle_parts", ["product_id"])
    op.create_table(
        "product_pictures",
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("mime", sa.String(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        _key("product_pictures", "product_id", "products.id", cascade=True),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_pictures")),
    )
    op.create_table(
        "gift_rules",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("min_quantity", sa.Integer(), nullable=False),
        sa.Column("min_total", Money(), nullable=True),
        sa.Column("gift_id", BIG_ID, nullable=False),
        sa.Column("gift_quantity", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.Boolean(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        _key("gift_rules", "product_id", "products.id"),
        _key("gift_rules", "gift_id", "products.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_rules")),
    )
    op.create_index(op.f("ix_gift_rules_active_starts_at"), "gift_rules", ["active", "starts_at"])
    op.create_table(
        "order_drafts",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        _key("order_drafts", "user_id", "users.id", cascade=True),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_order_drafts")),
    )
    op.create_index(op.f("ix_order_drafts_updated_at"), "order_drafts", ["updated_at"])


def _stock() -> None:
    op.create_table(
        "warehouses",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouses")),
        sa.UniqueConstraint("code", name=op.f("uq_warehouses_code")),
    )
    op.create_table(
        "stock",
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("warehouse_id", BIG_ID, nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_on_hand")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_reserved")),
        _key("stock", "product_id", "products.id"),
        _key("stock", "warehouse_id", "warehouses.id"),
        sa.PrimaryKeyConstraint("product_id", "warehouse_id", name=op.f("pk_stock")),
    )
    op.create_index(op.f("ix_stock_warehouse_id"), "stock", ["warehouse_id"])
    op.create_table(
        "stock_movements",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("warehouse_id", BIG_ID, nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("order_id", BIG_ID, nullable=True),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(length=255), nullable=False),
        _key("stock_movements", "product_id", "products.id"),
        _key("stock_movements", "warehouse_id", "warehouses.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index(op.f("ix_stock_movements_at_id"), "stock_movements", ["at", "id"])
    op.create_index(op.f("ix_stock_movements_product_id_at"), "stock_movements", ["product_id", "at"])
    op.create_index(op.f("ix_stock_movements_order_id"), "stock_movements", ["order_id"])
    op.create_table(
        "stock_reservations",
        sa.Column("line_id", BIG_ID, nullable=False),
        sa.Column("warehouse_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.CheckConstraint("reserved >= 0 AND shipped >= 0", name=op.f("ck_stock_reservations_quantities")),
        _key("stock_reservations", "line_id", "order_lines.id", cascade=True),
        _key("stock_reservations", "product_id", "products.id"),
        _key("stock_reservations", "warehouse_id", "warehouses.id"),
        sa.PrimaryKeyConstraint("line_id", "warehouse_id", name=op.f("pk_stock_reservations")),
    )
    op.create_index(op.f("ix_stock_reservations_warehouse_id"), "stock_reservations", ["warehouse_id"])


def _points() -> None:
    op.create_table(
        "members",
        sa.Column("customer_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("owed", sa.Integer(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_members_balance")),
        sa.CheckConstraint("owed >= 0", name=op.f("ck_members_owed")),
        _key("members", "customer_id", "customers.id", cascade=True),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_members")),
        sa.UniqueConstraint("number", name=op.f("uq_members_number")),
    )
    op.create_index(op.f("ix_members_joined_at_customer_id"), "members", ["joined_at", "customer_id"])
    op.create_table(
        "point_rules",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("spend", Money(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _key("point_rules", "product_id", "products.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_rules")),
    )
    op.create_index(op.f("ix_point_rules_active_starts_at"), "point_rules", ["active", "starts_at"])
    op.create_table(
        "point_entries",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("customer_id", BIG_ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("order_id", BIG_ID, nullable=True),
        sa.Column("rule_id", BIG_ID, nullable=True),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("text", sa.String(length=255), nullable=False),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_point_entries_remaining")),
        _key("point_entries", "customer_id", "members.customer_id", cascade=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_entries")),
    )
    op.create_index(op.f("ix_point_entries_customer_id_at"), "point_entries", ["customer_id", "at"])
    op.create_index(op.f("ix_point_entries_expires_at"), "point_entries", ["expires_at"])
    op.create_index(op.f("ix_point_entries_order_id"), "point_entries", ["order_id"])
