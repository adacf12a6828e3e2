"""Airings on both databases: whose call it is, what never overlaps, what each one brought."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import media
from cti.store.models import Airing, Call, Medium
from tests.stores import Store

EVENING = datetime(2026, 11, 21, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.sessions() as session:
        session.add(Medium(id=1, name="Channel 5"))
        session.commit()
        yield session


def air(session: Session, minute: float, length: float = 10, dnis: str = "8000", **values: Any) -> Airing:
    starts = EVENING + minute * MINUTE
    given = {"programme": f"at {minute}", "cost": Decimal("100.00")} | values
    airing = Airing(medium_id=1, dnis=dnis, starts_at=starts, ends_at=starts + length * MINUTE, **given)
    media.save(session, airing)
    session.commit()
    return airing


def ring(session: Session, name: str, minute: float, dnis: str = "8000", **values: Any) -> None:
    at = EVENING + minute * MINUTE
    row = {"version": 1, "direction": "inbound", "dnis": dnis, "created_at": at, "document": {}} | values
    session.add(Call(id=name, **row))
    session.commit()


def test_a_call_belongs_to_the_airing_that_began_last_on_its_number(session: Session) -> None:
    first, second = air(session, 0), air(session, 30)
    elsewhere = air(session, 5, dnis="8001")
    found = {
        minute: media.airing_of(session, "8000", EVENING + minute * MINUTE) for minute in (-1, 0, 29, 30, 159, 160)
    }
    assert found == {-1: None, 0: first, 29: first, 30: second, 159: second, 160: None}
    assert media.airing_of(session, "8001", EVENING + 6 * MINUTE) == elsewhere
    assert media.airing_of(session, "", EVENING) is None
    assert (first.number, second.number, elsewhere.number) == (1001, 1002, 1003)


def test_airings_on_one_number_never_overlap(session: Session) -> None:
    air(session, 0)
    air(session, 10)
    air(session, 5, dnis="8001")
    with pytest.raises(media.AiringsOverlap) as refused:
        air(session, 9.5, programme="late")
    session.rollback()
    assert (refused.value.params["number"], refused.value.params["programme"]) == (1001, "at 0")
    row = session.scalars(select(Airing).where(Airing.number == 1002)).one()
    row.starts_at = EVENING + 9 * MINUTE
    with pytest.raises(media.AiringsOverlap):
        media.save(session, row)
    session.rollback()
    row.starts_at = EVENING + 12 * MINUTE
    media.save(session, row)
    session.commit()
    assert len(session.scalars(select(Airing)).unique().all()) == 3


def test_of_two_who_plan_the_same_time_at_once_one_gets_it(store: Store, session: Session) -> None:
    air(session, -60)
    gate, planned, refused = threading.Barrier(6), [], []

    def plan(n: int) -> None:
        with store.sessions() as mine:
            gate.wait(30)
            try:
                air(mine, n, programme=str(n))
                planned.append(n)
            except media.AiringsOverlap:
                mine.rollback()
                refused.append(n)

    threads = [threading.Thread(target=plan, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(planned), len(refused)) == (1, 5)


def test_the_calls_of_each_airing_are_counted_and_stand_by_minute(session: Session) -> None:
    first, second, silent = air(session, 0), air(session, 30), air(session, 300)
    for n, minute in enumerate((-0.5, 0, 0.2, 3, 29.9, 30, 40, 159.9, 160)):
        ring(session, f"c{n}", minute)
    ring(session, "out", 1, direction="outbound")
    ring(session, "test", 1, test=True)
    ring(session, "other", 1, dnis="8001")
    assert media.calls_of(session, select(Airing.id)) == {first.id: 4, second.id: 3}
    assert media.calls_of(session, select(Airing.id).where(Airing.id == silent.id)) == {}
    times = media.call_times(session, first.id)
    assert media.by_minute(times, first.starts_at) == [2, 0, 0, 1, *[0] * 25, 1]
    assert media.by_minute([], first.starts_at) == []
