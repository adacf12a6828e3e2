"""Sums of orders and calls by day, for reports over long times; queries of orders by customer from an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cti.store import marks
from cti.store.models.base import BigId, Money

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_days",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "day", name=op.f("pk_report_days")),
    )
    op.create_table(
        "report_marks",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_marks")),
    )
    op.create_index(op.f("ix_report_marks_kind_day"), "report_marks", ["kind", "day"])
    _of_a_day(
        "order_days",
        sa.Column("medium_id", BigId, nullable=True),
        sa.Column("airing_id", BigId, nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("payment", sa.String(length=32), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("total", Money(), nullable=False),
    )
    _of_a_day(
        "product_days",
        sa.Column("product_id", BigId, nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("pieces", BigId, nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_product_days_product_id")),
    )
    _of_a_day(
        "call_days",
        sa.Column("airing_id", BigId, nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
    )
    marks.put(op.get_bind())
    _orders_of_customers(["status", "total"])


def downgrade() -> None:
    _orders_of_customers([])
    marks.take_away(op.get_bind())
    for table in ("call_days", "product_days", "order_days", "report_marks", "report_days"):
        op.drop_table(table)


def _orders_of_customers(include: list[str]) -> None:
    """The index of a customer's orders holds what queries ask of them; SQLite has no such columns."""
    if op.get_bind().dialect.name == "postgresql":
        name = op.f("ix_orders_customer_id_created_at")
        op.drop_index(name, "orders")
        op.create_index(name, "orders", ["customer_id", "created_at"], postgresql_include=include)


def _of_a_day(table: str, *columns: sa.Column[object] | sa.ForeignKeyConstraint) -> None:
    op.create_table(
        table,
        sa.Column("id", BigId, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_day"), table, ["day"])
