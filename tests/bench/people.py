"""A shop of any size in PostgreSQL, made by the server itself: customers with names as they are spread, and orders.

``loaded`` gives its address to every benchmark that wants one. Names are put together by chance; numbers are made up.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from sqlalchemy import Connection, MetaData, Table, insert, text

from cti.store.database import make_engine
from cti.store.initials import initials
from cti.store.models import (
    Address,
    Counter,
    Customer,
    CustomerKey,
    CustomerPhone,
    Order,
    OrderLine,
    OrderStatus,
    Product,
    Role,
    User,
)
from cti.store.search_keys import keys_of
from cti.store.setup import migrate
from tests.postgres import Postgres, find_programs

CUSTOMERS, ORDERS = 1_000_000, 3_000_000
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
    "苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
)
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红建国文春梅海燕雪荣新佳慧宇晨浩然子轩梓涵欣怡诗雨"
PLACES = ("110108", "310115", "440106", "510107", "130602", "320106", "330106", "420111", "370202", "610113")
KEPT = "CALLYARD_BENCH_DATABASE"
FOLDED = ("customers", "customer_phones", "customer_keys", "addresses", "orders", "order_lines")


@contextmanager
def loaded(customers: int = CUSTOMERS, orders: int = ORDERS) -> Iterator[str]:
    """The address of a database with so many customers (a phone, an address each) and orders (a line each).

    ``CALLYARD_BENCH_DATABASE`` names one on a PostgreSQL that runs already; it is filled once and stays.
    """
    if kept := os.environ.get(KEPT):
        migrate(kept)
        if not _filled(kept):
            fill(kept, customers, orders)
        yield kept
        return
    programs = find_programs()
    if programs is None:
        raise RuntimeError("PostgreSQL is missing (initdb, pg_ctl): apt-get install postgresql")
    server = Postgres(programs)
    server.start()
    try:
        url = server.new_database()
        migrate(url)
        fill(url, customers, orders)
        yield url
    finally:
        server.stop()
        server.remove()


def _filled(url: str) -> bool:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT EXISTS (SELECT FROM orders)"))
    engine.dispose()
    return bool(found)


@contextmanager
def small(customers: int = 50_000) -> Iterator[str]:
    """The address of an SQLite database with so many customers, a phone, an address and three orders each."""
    with tempfile.TemporaryDirectory(prefix="cyb-") as folder:
        url = f"sqlite:///{folder}/callyard.db"
        migrate(url)
        engine = make_engine(url)
        chance = random.Random(3)
        with engine.begin() as connection:
            for first in range(1, customers + 1, 5_000):
                _some(connection, chance, range(first, min(first + 5_000, customers + 1)))
        with engine.begin() as connection:
            _some_orders(connection, customers)
            last = (("customer", 100_000 + customers), ("order", 10_000_000 + 3 * customers))
            connection.execute(insert(Counter), [{"name": name, "value": value} for name, value in last])
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        engine.dispose()
        yield url


def _some(connection: Connection, chance: random.Random, ids: range) -> None:
    names = {id: chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2, 2)))) for id in ids}
    now = datetime.now(UTC)
    rows = [
        {
            "id": id, "number": 100_000 + id, "name": name, "name_initials": initials(name), "first_entry_at": now,
            "updated_at": now, "email": f"mail{id}@example.com" if id % 3 == 0 else "",
        }
        for id, name in names.items()
    ]  # fmt: skip
    connection.execute(insert(Customer), rows)
    numbers = [{"customer_id": id, "number": f"+86138{id * 7919 % 10**8:08d}"} for id in ids]
    connection.execute(insert(CustomerPhone), numbers)
    connection.execute(insert(Address), [{"customer_id": id, "line": f"演示路 {id}", "is_default": True} for id in ids])
    keys = [{"key": key, "customer_id": id} for id, name in names.items() for key in keys_of(name)]
    connection.execute(insert(CustomerKey), keys)


def _some_orders(connection: Connection, customers: int) -> None:
    """Spread over three years, each with a line of one of a hundred products."""
    now, count = datetime.now(UTC), 3 * customers
    connection.execute(
        insert(User), [{"id": "bench", "username": "bench", "name": "B", "password_hash": "-", "role": Role.AGENT}]
    )
    price = [Decimal(10 * n) - Decimal("0.10") for n in range(1, 101)]
    goods = [{"id": n, "code": f"B{n}", "name": f"演示商品 {n}", "price": price[n - 1]} for n in range(1, 101)]
    connection.execute(insert(Product), goods)
    states = (OrderStatus.COMPLETED, OrderStatus.COMPLETED, OrderStatus.SHIPPED, OrderStatus.NEW)
    for first in range(1, count + 1, 5_000):
        ids = range(first, min(first + 5_000, count + 1))
        orders = [
            {
                "id": n, "number": str(10_000_000 + n), "customer_id": 1 + n * 7919 % customers,
                "agent_user_id": "bench", "status": states[n % 4], "total": price[n % 100], "medium_id": 1 + n % 10,
                "created_at": now - timedelta(days=3 * 365 * (count - n) / count),
            }
            for n in ids
        ]  # fmt: skip
        connection.execute(insert(Order), orders)
        lines = [
            {"order_id": n, "product_id": n % 100 + 1, "price": price[n % 100], "amount": price[n % 100]} for n in ids
        ]
        connection.execute(insert(OrderLine), lines)


def fill(url: str, customers: int, orders: int) -> None:
    """Put the rows in while there are no indexes, then make the indexes and the statistics."""
    engine = make_engine(url, statement_timeout=0)
    began = time.monotonic()
    with engine.begin() as connection:
        connection.execute(text("SET maintenance_work_mem = '512MB'"))
        connection.execute(text("SET work_mem = '256MB'"))
        connection.execute(text("SET session_replication_role = replica"))  # keys are known to fit
        indexes = take_indexes(connection, *FOLDED)
        _pool(connection)
        _customers(connection, customers)
        _orders(connection, customers, orders)
        for definition in indexes:
            connection.execute(text(definition))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    print(f"{customers} customers and {orders} orders in {time.monotonic() - began:.0f} s", flush=True)


def take_indexes(connection: Connection, *tables: str) -> list[str]:
    """Drop the indexes of ``tables``; what makes them again."""
    found = connection.execute(
        text(
            "SELECT indexdef, indexrelid::regclass AS name FROM pg_index JOIN pg_indexes "
            "ON pg_indexes.indexname = (SELECT relname FROM pg_class WHERE oid = indexrelid) "
            "WHERE NOT indisprimary AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid) "
            "AND tablename = ANY(:tables)"
        ),
        {"tables": list(tables)},
    ).all()
    for row in found:
        connection.execute(text(f"DROP INDEX {row.name}"))
    return [row.indexdef for row in found]


def _pool(connection: Connection) -> None:
    """Every name there is, with its initials and keys; customers take theirs from here."""
    connection.execute(text("CREATE TEMP TABLE pool (id int PRIMARY KEY, name text, letters text)"))
    connection.execute(text("CREATE TEMP TABLE pool_keys (id int, key text)"))
    givens = [*GIVEN, *("".join(pair) for pair in product(GIVEN, GIVEN))]
    names = [surname + given for surname in SURNAMES for given in givens]
    cursor: Any = connection.connection.cursor()
    with cursor.copy("COPY pool FROM STDIN") as copy:
        for id, name in enumerate(names):
            copy.write_row((id, name, initials(name)))
    with cursor.copy("COPY pool_keys FROM STDIN") as copy:
        for id, name in enumerate(names):
            for key in keys_of(name):
                copy.write_row((id, key))
    connection.execute(text("CREATE INDEX ON pool_keys (id)"))
    connection.execute(text("ANALYZE pool"))
    connection.execute(text("ANALYZE pool_keys"))


def _customers(connection: Connection, count: int) -> None:
    """The usual surnames and characters are far more frequent than the others, as they are in life."""
    surnames, singles = len(SURNAMES), len(GIVEN)
    givens = singles * (singles + 1)
    chance = (
        f"floor({surnames} * power(random(), 2))::int * {givens} + CASE WHEN random() < 0.2 "
        f"THEN floor({singles} * power(random(), 1.5))::int "
        f"ELSE {singles} * (1 + floor({singles} * power(random(), 1.5))::int) "
        f"+ floor({singles} * power(random(), 1.5))::int END"
    )
    connection.execute(text("SELECT setseed(0.5)"))
    connection.execute(
        text(f"CREATE TEMP TABLE made AS SELECT n, ({chance}) AS pool FROM generate_series(1::bigint, :count) n"),
        {"count": count},
    )
    place = f"(ARRAY{list(PLACES)})[1 + n % {len(PLACES)}]"
    _insert(
        connection,
        "customers",
        "made JOIN pool ON pool.id = made.pool",
        id="n", number="100000 + n", name="pool.name", name_initials="pool.letters",
        sex="(ARRAY['female','male','unknown'])[1 + n % 3]",
        birthday="date '1940-01-01' + (n * 7919 % 25000)::int",
        email="CASE WHEN n % 3 = 0 THEN 'mail' || n || '@example.com' ELSE '' END",
        level="(ARRAY['normal','normal','normal','silver','gold','vip'])[1 + n % 6]",
        source="(ARRAY['tv','web','phone'])[1 + n % 3]",
        region=place,
        first_entry_at=f"now() - interval '10 years' * ({count} - n) / {count}",
        updated_at=f"now() - interval '2 years' * ({count} - n) / {count}",
    )  # fmt: skip
    _insert(
        connection, "customer_phones", "made", id="n", customer_id="n", label="'mobile'",
        number="'+861' || (ARRAY['38','39','58','86','99'])[1 + n % 5] || lpad((n * 7919 % 100000000)::text, 8, '0')",
    )  # fmt: skip
    _insert(
        connection, "addresses", "made", id="n", customer_id="n", region=place, city="'演示市'", line="'演示路 ' || n",
        is_default="true",
    )  # fmt: skip
    connection.execute(
        text("INSERT INTO customer_keys SELECT key, n FROM made JOIN pool_keys p ON p.id = made.pool ORDER BY 1, 2")
    )
    for table in ("customers", "customer_phones", "addresses"):
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {count})"))
    connection.execute(text("INSERT INTO counters VALUES ('customer', 100000 + :count)"), {"count": count})


def _orders(connection: Connection, customers: int, count: int) -> None:
    _insert(connection, "users", "(SELECT 1) one", id="'bench'", username="'bench'", name="'Bench'", role="'agent'",
            locale="'zh_CN'", password_hash="'x'")  # fmt: skip
    _insert(connection, "products", "generate_series(1, 100) n", id="n", code="'B' || n", name="'演示商品 ' || n",
            price="n * 10 - 0.1", active="true")  # fmt: skip
    rows = f"generate_series(1::bigint, {count}) n"
    _insert(
        connection, "orders", rows, id="n", number="(10000000 + n)::text",
        customer_id=f"1 + n * 7919 % {customers}",
        agent_user_id="'bench'", status="(ARRAY['completed','completed','shipped','new'])[1 + n % 4]",
        payment="'cash_on_delivery'", total="(n % 100 + 1) * 10 - 0.1",
        created_at=f"now() - interval '3 years' * ({count} - n) / {count}",
    )  # fmt: skip
    _insert(
        connection, "order_lines", rows, id="n", order_id="n", product_id="n % 100 + 1", quantity="1",
        price="(n % 100 + 1) * 10 - 0.1", amount="(n % 100 + 1) * 10 - 0.1",
    )  # fmt: skip
    for table in ("orders", "order_lines", "products"):
        last = f"(SELECT max(id) FROM {table})"
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})"))
    connection.execute(text("INSERT INTO counters VALUES ('order', 10000000 + :count)"), {"count": count})


def _insert(connection: Connection, into: str, source: str, /, **values: str) -> None:
    """Rows from ``source``; what must hold something and is not named gets nothing of its kind."""
    table = Table(into, MetaData(), autoload_with=connection)
    for column in table.columns:
        if column.name not in values and not column.nullable and column.server_default is None:
            values[column.name] = _nothing(str(column.type).upper())
    columns = ", ".join(f'"{column}"' for column in values)
    connection.execute(text(f"INSERT INTO {into} ({columns}) SELECT {', '.join(values.values())} FROM {source}"))


def _nothing(kind: str) -> str:
    if "JSON" in kind:
        return "'{}'"
    if "CHAR" in kind or "TEXT" in kind:
        return "''"
    if "TIME" in kind:
        return "now()"
    return "false" if "BOOL" in kind else "0"
