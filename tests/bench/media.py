"""media: how long the media report takes over three million orders, a million calls and an airing an hour."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session, sessionmaker

from cti.store.database import for_large_reads, make_engine, make_session_factory
from cti.store.models import utc_now
from tests.bench.people import ORDERS, _insert, loaded
from webui.reports import media
from webui.reports.filters import Filters

CALLS = 1_000_000
HOURS = 3 * 365 * 24
TIMES = 5


def measure(orders: int = ORDERS) -> dict[str, Any]:
    """By itself, with few customers: the report does not ask for them."""
    with loaded(1_000, orders) as url:
        return measure_on(url)


def measure_on(url: str) -> dict[str, Any]:
    """Milliseconds for a month, a year and everything; caches are warm, as in a centre at work."""
    engine = make_engine(url, statement_timeout=0)
    sessions = make_session_factory(engine)
    try:
        with engine.begin() as connection:
            fill(connection)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE orders, calls, airings"))
        today = utc_now().date()
        spans = {"month": 31, "year": 365, "all": 3 * 366}
        asked = Filters(today, today + timedelta(days=1), "Asia/Shanghai", group="medium")
        return {
            name: timed(sessions, replace(asked, since=today - timedelta(days=days))) for name, days in spans.items()
        }
    finally:
        engine.dispose()


def fill(connection: Connection) -> None:
    """Ten media, an airing an hour for three years on three numbers, orders and calls that answer them."""
    begin = "date_trunc('hour', now()) - interval '3 years'"
    at = f"{begin} + interval '1 hour' * n"
    _insert(connection, "media", "generate_series(1, 10) n", id="n", name="'Medium ' || n", kind="'tv'", active="true")
    _insert(
        connection, "airings", f"generate_series(0, {HOURS}) n", id="n + 1", number="1000 + n",
        medium_id="1 + n % 10", programme="'Show ' || n % 50", dnis="(8000 + n % 3)::text", starts_at=at,
        ends_at=f"{at} + interval '30 minutes'", counts_until=f"{at} + interval '150 minutes'", cost="500",
    )  # fmt: skip
    of = f"1 + floor(extract(epoch FROM created_at - ({begin})) / 3600)::bigint"
    connection.execute(
        text(f"UPDATE orders SET airing_id = {of}, medium_id = 1 + (({of} - 1) % 10) WHERE created_at > {begin}")
    )
    _insert(
        connection, "calls", f"generate_series(1, {CALLS}) n", id="'call' || n", version="1", direction="'inbound'",
        dnis="(8000 + n % 3)::text", created_at=f"now() - interval '3 years' * ({CALLS} - n) / {CALLS}",
    )  # fmt: skip


def timed(sessions: sessionmaker[Session], filters: Filters) -> dict[str, float]:
    """The best and the median of some runs, after one that warms the caches."""
    found = []
    for _run in range(TIMES + 1):
        with sessions() as session:
            began = time.perf_counter()
            for_large_reads(session)
            rows = media.brought_by(session, filters)
            found.append(1000 * (time.perf_counter() - began))
            assert sum(brought.orders for brought in rows.values()) > 0
    return {"best": round(min(found[1:]), 1), "median": round(sorted(found[1:])[TIMES // 2], 1)}


if __name__ == "__main__":
    print(measure())
