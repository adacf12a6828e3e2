"""Alembic's environment: the tables of ``cti.store.models`` on whichever database ``sqlalchemy.url`` names."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, Enum, text

from cti.store import marks
from cti.store.database import make_engine
from cti.store.models.base import Base, Money, UtcDateTime

MIGRATION_LOCK = 4_357_011  # any number, the same for every process of ours


def _render(kind: str, item: Any, _api: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, Money | UtcDateTime):
        return f"{type(item).__name__}()"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=_render,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
    )
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
    else:  # a table that is made anew is dropped first: rows that point at it must not be removed with it
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")  # triggers may name a table that is made anew
        connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    marks.put(connection)
    connection.commit()


def main() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None, "call through cti.store.setup.migrate, or give -x or sqlalchemy.url"
    engine = make_engine(url, statement_timeout=0)
    try:
        with engine.connect() as connection:
            _run(connection)
    finally:
        engine.dispose()


if not context.is_offline_mode():
    main()
else:
    raise SystemExit("migrations need a database: there is no offline mode")
