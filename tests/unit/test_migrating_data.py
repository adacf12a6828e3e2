"""What is in a database of an older version is still there after the upgrade, and has what the new version needs."""

from __future__ import annotations

from typing import Any

from alembic import command
from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

from cti.store.database import make_engine
from cti.store.models import Role, RoleRights, User
from cti.store.setup import _config, migrate
from tests.stores import Store


def test_nothing_that_points_at_a_table_made_anew_is_lost_and_customers_are_found(empty_url: str) -> None:
    command.upgrade(_config(empty_url), "0012")
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        an_older_centre(connection)
    migrate(empty_url)
    with engine.connect() as connection:
        for table in ("queue_members", "customer_phones", "addresses", "orders", "order_lines"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1, table
        assert connection.scalar(text("SELECT region FROM customers")) == "110108"
        assert connection.scalar(text("SELECT region FROM addresses")) == "110108"
        keys = set(connection.scalars(text("SELECT key FROM customer_keys")))
        assert keys == {"演示", "示人", "人$", "^Y", "^YS", "^YSR"}
        if engine.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    engine.dispose()


def an_older_centre(connection: Connection) -> None:
    row(connection, "users", id="u1", username="agent")
    row(connection, "agents", id="a1", user_id="u1", number="1001")
    row(connection, "queues", id="q1", number="2001")
    row(connection, "queue_members", queue_id="q1", agent_id="a1")
    row(connection, "customers", id=1, number=100_001, name="演示人")
    row(connection, "customer_phones", id=1, customer_id=1, number="+862166667788")
    row(connection, "addresses", id=1, customer_id=1, city="北京市海淀区", is_default=True)
    row(connection, "products", id=1, code="P1")
    row(connection, "orders", id=1, number="1", customer_id=1, agent_user_id="u1")
    row(connection, "order_lines", id=1, order_id=1, product_id=1)


def row(connection: Connection, table_name: str, /, **values: Any) -> None:
    """A row with something in every column that must hold something."""
    table = Table(table_name, MetaData(), autoload_with=connection)
    some: dict[type, Any] = {str: "", int: 0, bool: False, float: 0.0}
    for column in table.columns:
        if not column.nullable and column.name not in values:
            kind = str(column.type).upper()
            if "JSON" in kind:
                values[column.name] = []
            elif "TIME" in kind:
                values[column.name] = func.now()
            else:
                values[column.name] = some.get(column.type.python_type, 0)
    connection.execute(insert(table).values(**values))


EACH = ("supervise.force_ready", "supervise.force_not_ready", "supervise.force_logout")


def test_a_right_that_became_three_is_given_or_taken_whole_and_back_nobody_may_more(store: Store) -> None:
    command.downgrade(_config(store.url), "0026")
    had: dict[str, dict[str, bool]] = {"u1": {"supervise.state": True, "x": False}, "u2": {"supervise.state": False}}
    with store.engine.begin() as connection:
        for user, rights in (had | {"u3": {"x": True}, "u4": {}}).items():
            row(connection, "users", id=user, username=user, role="agent", rights=rights)
        row(connection, "role_rights", role="agent", rights={"supervise.state": True})
    migrate(store.url)
    with store.sessions() as session:
        users = {user.id: user for user in session.query(User)}
        assert users["u1"].rights == {"x": False} | dict.fromkeys(EACH, True)
        assert users["u2"].rights == dict.fromkeys(EACH, False)
        assert [users[user].rights for user in ("u3", "u4")] == [{"x": True}, {}]
        role = session.get(RoleRights, Role.AGENT)
        assert role is not None
        assert role.rights == dict.fromkeys(EACH, True)
        users["u3"].rights = {EACH[0]: True, EACH[1]: True}
        users["u4"].rights = {EACH[0]: True, EACH[1]: False}
        session.commit()
    command.downgrade(_config(store.url), "0026")
    with store.engine.connect() as connection:
        table = Table("users", MetaData(), autoload_with=connection)
        rights = {found.id: found.rights for found in connection.execute(select(table.c.id, table.c.rights))}
        assert rights == had | {"u3": {}, "u4": {"supervise.state": False}}
