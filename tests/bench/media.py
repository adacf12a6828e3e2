"""media: how long reports of media and products take: three million orders, a million calls, an airing an hour."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.orm import Session, sessionmaker

from cti.store import rollups
from cti.store.database import for_large_reads, make_engine, make_session_factory
from cti.store.models import ReportDay, utc_now
from tests.bench.people import ORDERS, _insert, loaded, take_indexes
from webui.reports import media, orders
from webui.reports.filters import Filters

CALLS = 1_000_000
HOURS = 3 * 365 * 24
TIMES = 5
SPANS = {"month": 31, "year": 365, "all": 3 * 366}


def measure(count: int = ORDERS) -> dict[str, Any]:
    """By itself, with few customers: the report does not ask for them."""
    with loaded(1_000, count) as url:
        return measure_on(url)


def measure_on(url: str) -> dict[str, Any]:
    """Milliseconds for a month, a year and everything; caches are warm, as in a centre at work.

    ``straight`` is the media report of everything before days were summed; ``days`` were summed in ``seconds``.
    """
    engine = make_engine(url, statement_timeout=0)
    sessions = make_session_factory(engine)
    today = utc_now().date()
    asked = Filters(today, today + timedelta(days=1), "Asia/Shanghai", group="medium")
    everything = replace(asked, since=today - timedelta(days=SPANS["all"]))
    found: dict[str, Any] = {}
    try:
        if engine.dialect.name == "postgresql":
            _fill(engine)
        with sessions() as session:
            if session.scalar(select(ReportDay.day).limit(1)) is None:
                found["straight"] = timed(sessions, media.brought_by, everything)["median"]
                found |= fold(session, today)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        for name, report in (("media", media.brought_by), ("products", _products)):
            found[name] = {
                span: timed(sessions, report, replace(asked, since=today - timedelta(days=days)))
                for span, days in SPANS.items()
            }
        return found
    finally:
        engine.dispose()


def _products(session: Session, filters: Filters) -> Any:
    return orders.whole(session, filters), session.execute(orders.lines(session, filters)).all()


def fold(session: Session, today: date) -> dict[str, Any]:
    began = time.perf_counter()
    days = rollups.fold_due(session, today, 3600)
    return {"days": days, "seconds": round(time.perf_counter() - began, 1)}


def _fill(engine: Engine) -> None:
    with engine.begin() as connection:
        if connection.scalar(text("SELECT count(*) FROM airings")):
            return
        connection.execute(text("SET session_replication_role = replica"))  # nothing is summed yet
        indexes = take_indexes(connection, "orders")
        fill(connection)
        for definition in indexes:
            connection.execute(text(definition))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE orders, calls, airings"))


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


def timed(
    sessions: sessionmaker[Session], report: Callable[[Session, Filters], Any], filters: Filters
) -> dict[str, float]:
    """The best and the median of some runs, after one that warms the caches."""
    found = []
    for _run in range(TIMES + 1):
        with sessions() as session:
            began = time.perf_counter()
            for_large_reads(session)
            assert report(session, filters)
            found.append(1000 * (time.perf_counter() - began))
    return {"best": round(min(found[1:]), 1), "median": round(sorted(found[1:])[TIMES // 2], 1)}


if __name__ == "__main__":
    print(measure())
