"""Writing durable events, on both databases: often, late, in any order — the same rows."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from sqlalchemy import select

from cti.store.events import BadEvent, Event, parse
from cti.store.models import AgentStretch, Base, Call, CallLeg, DeadLetter, Recording, RecordingState
from cti.store.writer import bury, write
from tests.ledger import BEGAN, call_event, recording_event, stretch_event
from tests.stores import Store


def parsed(event: tuple[str, str, dict[str, Any]]) -> Event:
    subject, _, payload = event
    return parse(subject, json.dumps(payload).encode())


def store_batch(store: Store, events: list[Event]) -> None:
    with store.sessions() as session:
        write(session, events)
        session.commit()


def rows(store: Store, *tables: type[Base]) -> dict[str, list[Any]]:
    with store.engine.connect() as connection:
        return {
            model.__tablename__: [
                tuple(row) for row in connection.execute(select(model.__table__).order_by(*model.__table__.primary_key))
            ]
            for model in tables
        }


LEDGER = (Call, CallLeg, Recording, AgentStretch)


def story(call_id: str) -> list[Event]:
    events = [parsed(call_event(call_id, version)) for version in range(1, 7)]
    events.append(parsed(recording_event(call_id)))
    events.append(parsed(stretch_event(f"a-{call_id}", call_id=call_id)))
    return events


def test_a_call_is_a_row_with_legs_and_a_recording(store: Store) -> None:
    store_batch(store, story("c1"))
    with store.sessions() as session:
        call = session.scalars(select(Call)).one()
        assert (call.version, call.number, call.agent_id, call.ani_name) == (6, "+8613800138000", "a1", "张伟")
        assert [leg.kind for leg in call.legs] == ["customer", "agent"]
        assert [leg.held_seconds for leg in call.legs] == [3.0, 3.0]
        assert call.ended_at is not None
        assert (call.ended_at - call.created_at).total_seconds() == 65.25
        assert call.document["call_id"] == "c1"
        (recording,) = call.recordings
        assert (recording.state, recording.spool_file) == (RecordingState.PENDING, "2026/11/21/c1-1.raw")
        assert session.scalars(select(AgentStretch)).one().state == "talking"


def test_any_order_and_repetition_gives_the_same_rows(store: Store) -> None:
    expected: dict[str, list[Any]] = {}
    for seed in range(12):
        chance = random.Random(seed)
        events = story("c1") + story("c2")
        if seed:
            events += chance.choices(events, k=10)
            chance.shuffle(events)
        with store.engine.begin() as connection:
            for model in reversed(LEDGER):
                connection.execute(model.__table__.delete())
        while events:
            size = chance.randint(1, 7)
            store_batch(store, events[:size])
            events = events[size:]
        expected = expected or rows(store, *LEDGER)
        assert len(expected["calls"]) == 2
        assert rows(store, *LEDGER) == expected, f"seed {seed}"


def test_an_older_version_never_wins(store: Store) -> None:
    store_batch(store, [parsed(call_event("c1", 6))])
    before = rows(store, Call, CallLeg)
    store_batch(store, [parsed(call_event("c1", 4))])
    assert rows(store, Call, CallLeg) == before


def test_a_finished_recording_stays_finished(store: Store) -> None:
    store_batch(store, story("c1"))
    with store.sessions() as session:
        recording = session.scalars(select(Recording)).one()
        recording.state, recording.file = RecordingState.READY, "2026/11/21/c1-1.wav"
        session.commit()
    store_batch(store, story("c1"))
    with store.sessions() as session:
        recording = session.scalars(select(Recording)).one()
        assert (recording.state, recording.file) == (RecordingState.READY, "2026/11/21/c1-1.wav")


def test_a_batch_of_many_calls(store: Store) -> None:
    store_batch(store, [parsed(call_event(f"c{n}", version)) for n in range(700) for version in (1, 6)])
    shown = rows(store, Call, CallLeg)
    assert (len(shown["calls"]), len(shown["call_legs"])) == (700, 1400)


def test_a_buried_message_is_kept_once_as_it_came(store: Store) -> None:
    for _ in range(2):
        with store.sessions() as session:
            bury(session, "cy.log.call.x", 17, b'{"a": "\x00\xff"}', "not as it should be \x00")
            session.commit()
    with store.sessions() as session:
        letter = session.scalars(select(DeadLetter)).one()
        assert (letter.sequence, letter.payload) == (17, '{"a": "\ufffd\ufffd"}')


def test_how_satisfied_a_caller_was_stands_with_the_call(store: Store) -> None:
    asked = {"surveyed_at": BEGAN + 60, "rating": 2, "rated_agent": "a2"}
    store_batch(store, [parsed(call_event("c1", **asked)), parsed(call_event("c2", 6))])
    with store.sessions() as session:
        rated, other = session.scalars(select(Call).order_by(Call.id))
        assert (rated.rating, rated.rated_agent_id, rated.agent_id, rated.talked) == (2, "a2", "a1", 55.5)
        assert (other.rating, other.rated_agent_id, other.surveyed_at, other.talked) == (None, "", None, 60.75)
    for rating in (0, 4, True, "1", 2.0):
        with pytest.raises(BadEvent):
            parsed(call_event("c3", **asked | {"rating": rating}))
