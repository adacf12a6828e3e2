"""Departments, rights, code tables, custom fields, saved queries, transfers of lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cti.store.models.base import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
USERS = sa.table("users", sa.column("id"), sa.column("user_group"), sa.column("department_id"))
DEPARTMENTS = sa.table("departments", sa.column("id"), sa.column("name"), sa.column("position"))


def upgrade() -> None:
    _rights()
    _fields()
    _transfers()


def downgrade() -> None:
    for table in ("import_mappings", "transfers", "saved_queries", "custom_fields", "codes", "role_rights"):
        op.drop_table(table)
    with op.batch_alter_table("settings") as table:
        table.drop_column("changed_at")
        table.drop_column("changed_by")
    with op.batch_alter_table("orders") as table:
        table.drop_column("custom")
    with op.batch_alter_table("customers") as table:
        table.drop_index(op.f("ix_customers_custom"))
        table.drop_index(op.f("ix_customers_owner_user_id"))
        table.drop_constraint(op.f("fk_customers_owner_user_id"), type_="foreignkey")
        table.drop_column("owner_user_id")
        table.drop_column("custom")
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("user_group", sa.String(length=64), nullable=False, server_default=""))
    names = sa.select(DEPARTMENTS.c.name).where(DEPARTMENTS.c.id == USERS.c.department_id).scalar_subquery()
    op.execute(USERS.update().where(USERS.c.department_id.is_not(None)).values(user_group=names))
    with op.batch_alter_table("users") as table:
        table.alter_column("user_group", server_default=None)
        table.drop_index(op.f("ix_users_department_id"))
        table.drop_constraint(op.f("fk_users_department_id"), type_="foreignkey")
        for column in ("department_id", "rights", "scopes"):
            table.drop_column(column)
    op.drop_table("departments")


def _rights() -> None:
    op.create_table(
        "departments",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("parent_id", BIG_ID, nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["departments.id"], name=op.f("fk_departments_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departments")),
    )
    op.create_index(op.f("ix_departments_parent_id"), "departments", ["parent_id"])
    op.create_table(
        "role_rights",
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_role_rights")),
    )
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("department_id", BIG_ID, nullable=True))
        table.add_column(sa.Column("rights", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("scopes", sa.JSON(), nullable=False, server_default="{}"))
        table.create_foreign_key(op.f("fk_users_department_id"), "departments", ["department_id"], ["id"])
        table.create_index(op.f("ix_users_department_id"), ["department_id"])
    _groups_become_departments()
    with op.batch_alter_table("users") as table:
        table.alter_column("rights", server_default=None)
        table.alter_column("scopes", server_default=None)
        table.drop_column("user_group")


def _groups_become_departments() -> None:
    groups = sa.select(USERS.c.user_group).where(USERS.c.user_group != "").distinct().order_by(USERS.c.user_group)
    for place, name in enumerate(op.get_bind().scalars(groups).all()):
        op.execute(DEPARTMENTS.insert().values(name=name, position=place))
        made = sa.select(DEPARTMENTS.c.id).where(DEPARTMENTS.c.name == name).scalar_subquery()
        op.execute(USERS.update().where(USERS.c.user_group == name).values(department_id=made))


def _fields() -> None:
    op.create_table(
        "codes",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "code", name=op.f("pk_codes")),
    )
    op.create_table(
        "custom_fields",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_fields")),
    )
    op.create_index(op.f("ix_custom_fields_subject_key"), "custom_fields", ["subject", "key"], unique=True)
    op.create_table(
        "saved_queries",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_queries_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_queries")),
    )
    op.create_index(op.f("ix_saved_queries_user_id_name"), "saved_queries", ["user_id", "name"])
    with op.batch_alter_table("customers") as table:
        table.add_column(sa.Column("custom", DOCUMENT, nullable=False, server_default="{}"))
        table.add_column(sa.Column("owner_user_id", sa.String(length=40), nullable=True))
        table.create_foreign_key(op.f("fk_customers_owner_user_id"), "users", ["owner_user_id"], ["id"])
        table.create_index(op.f("ix_customers_owner_user_id"), ["owner_user_id"])
    with op.batch_alter_table("orders") as table:
        table.add_column(sa.Column("custom", DOCUMENT, nullable=False, server_default="{}"))
    for name in ("customers", "orders"):
        with op.batch_alter_table(name) as table:
            table.alter_column("custom", server_default=None)
    op.create_index(
        op.f("ix_customers_custom"),
        "customers",
        ["custom"],
        postgresql_using="gin",
        postgresql_ops={"custom": "jsonb_path_ops"},
    )
    with op.batch_alter_table("settings") as table:
        table.add_column(sa.Column("changed_by", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("changed_at", UtcDateTime(), nullable=True))
    with op.batch_alter_table("settings") as table:
        table.alter_column("changed_by", server_default=None)


def _transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=128), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("rows", "done", "made", "changed", "skipped", "wrong")
        ),
        sa.Column("stop", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_transfers_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
    )
    op.create_index(op.f("ix_transfers_user_id_created_at"), "transfers", ["user_id", "created_at"])
    op.create_index(op.f("ix_transfers_state_seen_at"), "transfers", ["state", "seen_at"])
    op.create_index(op.f("ix_transfers_created_at"), "transfers", ["created_at"])
    op.create_table(
        "import_mappings",
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("heading", sa.String(length=128), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("subject", "heading", name=op.f("pk_import_mappings")),
    )
