"""Customers in full: the country's divisions, regions, merges, the index of the search box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from cti.store.locations import locate, path_code
from cti.store.models.base import UtcDateTime
from cti.store.places import shipped
from cti.store.search_keys import keys_of

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BATCH = 2_000
CUSTOMERS = sa.table("customers", sa.column("id"), sa.column("name"), sa.column("region"))
PHONES = sa.table("customer_phones", sa.column("id"), sa.column("customer_id"), sa.column("number"))
ADDRESSES = sa.table(
    "addresses",
    sa.column("id"),
    sa.column("customer_id"),
    sa.column("city"),
    sa.column("region"),
    sa.column("is_default"),
)
KEYS = sa.table("customer_keys", sa.column("key"), sa.column("customer_id"))


def upgrade() -> None:
    _divisions()
    _merges()
    _customers()
    _fill()


def downgrade() -> None:
    _order_of_numbers("default")
    with op.batch_alter_table("addresses") as table:
        table.drop_column("region")
    with op.batch_alter_table("customers") as table:
        table.drop_index(op.f("ix_customers_first_entry_at"))
        table.drop_index(op.f("ix_customers_merged_into_id"))
        table.drop_index(op.f("ix_customers_email"))
        table.drop_constraint(op.f("fk_customers_merged_into_id"), type_="foreignkey")
        table.drop_column("merged_into_id")
        table.drop_column("region")
    op.create_index(op.f("ix_customers_email"), "customers", ["email"])
    op.create_index(
        op.f("ix_customers_name_initials"),
        "customers",
        ["name_initials"],
        postgresql_ops={"name_initials": "text_pattern_ops"},
    )
    for name in ("customer_keys", "customer_merges", "divisions"):
        op.drop_table(name)


def _divisions() -> None:
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


def _merges() -> None:
    op.create_table(
        "customer_merges",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("winner_id", BIG_ID, nullable=False),
        sa.Column("loser_id", BIG_ID, nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("merged_at", UtcDateTime(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("undone_by", sa.String(length=40), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["winner_id"], ["customers.id"], name=op.f("fk_customer_merges_winner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["loser_id"], ["customers.id"], name=op.f("fk_customer_merges_loser_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_customer_merges_user_id")),
        sa.ForeignKeyConstraint(["undone_by"], ["users.id"], name=op.f("fk_customer_merges_undone_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_merges")),
    )
    op.create_index(op.f("ix_customer_merges_winner_id_merged_at"), "customer_merges", ["winner_id", "merged_at"])
    op.create_index(op.f("ix_customer_merges_loser_id"), "customer_merges", ["loser_id"])
    key = sa.String(length=8, collation="C").with_variant(sa.String(length=8), "sqlite")
    op.create_table(
        "customer_keys",
        sa.Column("key", key, nullable=False),
        sa.Column("customer_id", BIG_ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_keys_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "customer_id", name=op.f("pk_customer_keys")),
    )


def _customers() -> None:
    op.drop_index(op.f("ix_customers_name_initials"), "customers")
    op.drop_index(op.f("ix_customers_email"), "customers")
    with op.batch_alter_table("customers") as table:
        table.add_column(sa.Column("region", sa.String(length=6), nullable=False, server_default=""))
        table.add_column(sa.Column("merged_into_id", BIG_ID, nullable=True))
        table.create_foreign_key(op.f("fk_customers_merged_into_id"), "customers", ["merged_into_id"], ["id"])
    with op.batch_alter_table("customers") as table:
        table.alter_column("region", server_default=None)
    op.create_index(op.f("ix_customers_first_entry_at"), "customers", ["first_entry_at"])
    op.create_index(op.f("ix_customers_merged_into_id"), "customers", ["merged_into_id"])
    op.create_index(op.f("ix_customers_email"), "customers", ["email"], postgresql_ops={"email": "text_pattern_ops"})
    with op.batch_alter_table("addresses") as table:
        table.add_column(sa.Column("region", sa.String(length=6), nullable=False, server_default=""))
    with op.batch_alter_table("addresses") as table:
        table.alter_column("region", server_default=None)
    _order_of_numbers("C")


def _order_of_numbers(collation: str) -> None:
    """Numbers that begin alike are then read in order from one index; SQLite has always done so."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index(op.f("ix_customer_phones_number"), "customer_phones")
        op.execute(f'ALTER TABLE customer_phones ALTER COLUMN number TYPE varchar(32) COLLATE "{collation}"')
        ops = {} if collation == "C" else {"number": "text_pattern_ops"}
        op.create_index(op.f("ix_customer_phones_number"), "customer_phones", ["number"], postgresql_ops=ops)


def _fill() -> None:
    connection, last = op.get_bind(), 0
    while True:
        some = sa.select(CUSTOMERS.c.id, CUSTOMERS.c.name).where(CUSTOMERS.c.id > last)
        rows = connection.execute(some.order_by(CUSTOMERS.c.id).limit(BATCH)).all()
        if not rows:
            break
        _fill_some(connection, rows)
        last = rows[-1].id
    op.create_index(op.f("ix_customer_keys_customer_id"), "customer_keys", ["customer_id"])


def _fill_some(connection: sa.Connection, rows: Sequence[Any]) -> None:
    first, last = rows[0].id, rows[-1].id
    of_these = PHONES.c.customer_id.between(first, last)
    codes: dict[int, str] = {}
    for phone in connection.execute(sa.select(PHONES).where(of_these).order_by(PHONES.c.id)):
        if not codes.get(phone.customer_id):
            codes[phone.customer_id] = locate(phone.number).code
    places = []
    for address in connection.execute(sa.select(ADDRESSES).where(ADDRESSES.c.customer_id.between(first, last))):
        if code := path_code(address.city):
            places.append({"key": address.id, "code": code})
            if address.is_default:
                codes[address.customer_id] = code
    _set_region(connection, ADDRESSES, places)
    _set_region(connection, CUSTOMERS, [{"key": key, "code": code} for key, code in codes.items() if code])
    keys = [{"key": key, "customer_id": row.id} for row in rows for key in sorted(keys_of(row.name))]
    if keys:
        connection.execute(sa.insert(KEYS), keys)


def _set_region(connection: sa.Connection, table: sa.TableClause, values: list[dict[str, Any]]) -> None:
    if values:
        change = sa.update(table).where(table.c.id == sa.bindparam("key")).values(region=sa.bindparam("code"))
        connection.execute(change, values)
