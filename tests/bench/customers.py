"""customers: how long it takes to find one among a million. Phone look-up, the search box, a list, a timeline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from cti.store import customer_search, customer_stats, timeline
from cti.store.customer_stats import Step
from cti.store.database import make_engine, make_session_factory
from cti.store.models import Customer, CustomerPhone
from tests.bench.people import GIVEN, SURNAMES
from tests.bench.stage import quantile

LOOKUPS, SEARCHES = 2_000, 150  # searches are of each kind


def measure_on(url: str) -> dict[str, Any]:
    """Milliseconds; caches are warm, as in a centre at work."""
    engine = make_engine(url)
    sessions = make_session_factory(engine)
    try:
        found = {"phone": _phones(sessions), "search": _searches(sessions)}
        return found | {"timeline": _timelines(sessions), "statistics": _statistics(sessions)}
    finally:
        engine.dispose()


def _phones(sessions: sessionmaker[Session]) -> dict[str, float]:
    chance = random.Random(1)
    with sessions() as session:
        count = session.scalar(select(func.max(CustomerPhone.id))) or 0
        ids = {chance.randrange(1, count + 1) for _ in range(LOOKUPS)}
        numbers = list(session.scalars(select(CustomerPhone.number).where(CustomerPhone.id.in_(ids))))
    return timed(sessions, [lambda s, n=n: customer_search.by_phone(s, n) for n in numbers])  # type: ignore[misc]


def _searches(sessions: sessionmaker[Session]) -> dict[str, dict[str, float]]:
    chance = random.Random(2)

    def one() -> str:
        return chance.choice(SURNAMES)

    def given() -> str:
        return chance.choice(GIVEN)

    kinds: dict[str, Callable[[], str]] = {
        "two_characters": lambda: one() + given(),
        "three_characters": lambda: one() + given() + given(),
        "given_name": lambda: given() + given(),
        "one_character": lambda: chance.choice(SURNAMES + GIVEN),
        "initials": lambda: "".join(chance.choice("WLZCYHXSG") for _ in range(chance.choice((1, 2, 3)))),
        "phone_beginning": lambda: f"1{chance.choice((38, 39, 58))}{chance.randrange(10 ** chance.randrange(8))}",
        "number": lambda: str(chance.randrange(100_001, 1_100_000)),
        "mail": lambda: f"mail{chance.randrange(1, 1_000_000)}@",
        "nothing": lambda: f"{given()}QX{one()}",
    }
    found: dict[str, dict[str, float]] = {}
    everything: list[float] = []
    for kind, make in kinds.items():
        texts = [make() for _ in range(SEARCHES)]
        spent = times(sessions, [lambda s, t=t: customer_search.find(s, t) for t in texts])  # type: ignore[misc]
        everything += spent
        found[kind] = shares(spent)
    return {"all": shares(everything)} | found


def _timelines(sessions: sessionmaker[Session]) -> dict[str, float]:
    chance = random.Random(4)
    with sessions() as session:
        count = session.scalar(select(func.max(Customer.id))) or 0
    ids = [chance.randrange(1, count + 1) for _ in range(SEARCHES)]
    return timed(sessions, [lambda s, n=n: timeline.read(s, s.get_one(Customer, n)) for n in ids])  # type: ignore[misc]


def _statistics(sessions: sessionmaker[Session]) -> dict[str, float]:
    zone, day = ZoneInfo("Asia/Shanghai"), date(2026, 11, 22)
    kinds: dict[str, Callable[[Session], Any]] = {
        "regions": customer_stats.by_region,
        "sex": customer_stats.by_sex,
        "age": lambda session: customer_stats.by_age(session, day),
        "years": lambda session: customer_stats.growth(session, Step.YEAR, date(2016, 1, 1), day, zone),
        "days": lambda session: customer_stats.growth(session, Step.DAY, date(2026, 10, 22), day, zone),
    }
    return {kind: shares(times(sessions, [work] * 5))["p50"] for kind, work in kinds.items()}


def timed(sessions: sessionmaker[Session], work: Sequence[Callable[[Session], Any]]) -> dict[str, float]:
    return shares(times(sessions, work))


def times(sessions: sessionmaker[Session], work: Sequence[Callable[[Session], Any]]) -> list[float]:
    """Each piece of work in a session of its own, as in a request; a few first, that are not counted."""
    for piece in work[:5]:
        with sessions() as session:
            piece(session)
    spent = []
    for piece in work:
        began = time.perf_counter()
        with sessions() as session:
            piece(session)
        spent.append(1000 * (time.perf_counter() - began))
    return spent


def shares(spent: Sequence[float]) -> dict[str, float]:
    return {f"p{share:g}": round(quantile(spent, share / 100), 2) for share in (50, 95, 99)} | {
        "max": round(max(spent), 1)
    }
