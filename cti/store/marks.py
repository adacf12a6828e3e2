"""Triggers that mark the days whose sums for reports are no longer true, whoever changes an order, a call, an airing.

The mark is in the same transaction as the change. PostgreSQL marks every change: whoever sums the day meanwhile does
not see it. SQLite has one writer at a time, so that only days already summed are marked, once. A trigger whose text
changes gets a new name. A migration that changes the type of a column named here calls ``take_away`` before; they are
put back at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, column, event, inspect, select
from sqlalchemy import table as named

from cti.store.models.base import Base

WATCHED = {
    "orders": ("created_at", "medium_id", "airing_id", "status", "payment", "total"),
    "order_lines": ("order_id", "product_id", "quantity", "amount"),
    "calls": ("created_at", "dnis", "direction", "test"),
    "airings": ("dnis", "starts_at", "counts_until"),
}
MARKED = {"orders": "orders", "order_lines": "orders", "calls": "calls", "airings": "calls"}
OPERATIONS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def put(connection: Connection) -> bool:
    """Put in what is missing. Changes went unmarked meanwhile: then nothing counts as summed. Whether any was."""
    if not inspect(connection).has_table("report_marks"):
        return False
    wanted = set(_names())
    if wanted <= _present(connection):
        return False
    take_away(connection)
    for statement in _postgresql() if connection.dialect.name == "postgresql" else _sqlite():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("DELETE FROM report_days")
    return True


def take_away(connection: Connection) -> None:
    for table in WATCHED:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS mark_{table}() CASCADE")
            continue
        for name in _names(table):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def _names(*tables: str) -> list[str]:
    return [f"mark_{table}_{operation.lower()}" for table in tables or WATCHED for operation in OPERATIONS]


def _present(connection: Connection) -> set[str]:
    of, name = ("pg_trigger", "tgname") if connection.dialect.name == "postgresql" else ("sqlite_master", "name")
    return set(connection.scalars(select(column(name)).select_from(named(of))))


def _changed(table: str, differ: str) -> str:
    return " OR ".join(f"OLD.{name} {differ} NEW.{name}" for name in WATCHED[table])


# ---------------------------------------------------------------- PostgreSQL


def _postgresql() -> Sequence[str]:
    found = []
    for table in WATCHED:
        marks = "".join(
            f"IF TG_OP <> '{other}' THEN {_mark_postgresql(table, row)}; END IF; "
            for row, other in (("OLD", "INSERT"), ("NEW", "DELETE"))
        )
        body = f"BEGIN {marks}RETURN NULL; END"
        found.append(f"CREATE FUNCTION mark_{table}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        for operation, name in zip(OPERATIONS, _names(table), strict=True):
            when = f"WHEN ({_changed(table, 'IS DISTINCT FROM')}) " if operation == "UPDATE" else ""
            found.append(
                f"CREATE TRIGGER {name} AFTER {operation} ON {table} FOR EACH ROW {when}EXECUTE FUNCTION mark_{table}()"
            )
    return found


def _mark_postgresql(table: str, row: str) -> str:
    into = f"INSERT INTO report_marks (kind, day) SELECT '{MARKED[table]}', "
    if table == "order_lines":
        return f"{into}(created_at AT TIME ZONE 'UTC')::date FROM orders WHERE id = {row}.order_id"
    if table == "airings":
        begin, end = (f"({row}.{name} AT TIME ZONE 'UTC')::date" for name in ("starts_at", "counts_until"))
        return f"{into}{begin} + n FROM generate_series(0, {end} - {begin}) n"
    return f"{into}({row}.created_at AT TIME ZONE 'UTC')::date"


# ---------------------------------------------------------------- SQLite


def _sqlite() -> Sequence[str]:
    found = []
    for table in WATCHED:
        for (operation, rows), name in zip(OPERATIONS.items(), _names(table), strict=True):
            when = f"WHEN {_changed(table, 'IS NOT')} " if operation == "UPDATE" else ""
            body = "".join(f"{_mark_sqlite(table, row)}; " for row in rows)
            found.append(f"CREATE TRIGGER {name} AFTER {operation} ON {table} FOR EACH ROW {when}BEGIN {body}END")
    return found


SUMMED = {
    "orders": "d.day = substr(ROW.created_at, 1, 10)",
    "order_lines": "d.day = (SELECT substr(created_at, 1, 10) FROM orders WHERE id = ROW.order_id)",
    "calls": "d.day = substr(ROW.created_at, 1, 10)",
    "airings": "d.day BETWEEN substr(ROW.starts_at, 1, 10) AND substr(ROW.counts_until, 1, 10)",
}
MARK = """INSERT INTO report_marks (kind, day) SELECT d.kind, d.day FROM report_days d WHERE d.kind = 'KIND' AND DAYS
    AND NOT EXISTS (SELECT 1 FROM report_marks m WHERE m.kind = d.kind AND m.day = d.day)"""


def _mark_sqlite(table: str, row: str) -> str:
    return MARK.replace("KIND", MARKED[table]).replace("DAYS", SUMMED[table]).replace("ROW", row)


@event.listens_for(Base.metadata, "after_create")
def _created(_metadata: Any, connection: Connection, **_more: Any) -> None:
    put(connection)
