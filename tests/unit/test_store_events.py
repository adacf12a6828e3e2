"""Durable messages as plain values: what is right comes through whole, what is wrong is refused by one error."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.domain.calls import Call, Direction
from cti.domain.legs import Leg, LegKind
from cti.store.events import BadEvent, CallEvent, RecordingEvent, StretchEvent, parse, safe_path
from tests.ledger import BEGAN, call_event, recording_event, stretch_event


def parsed(event: tuple[str, str, dict[str, Any]]) -> Any:
    subject, _, payload = event
    return parse(subject, json.dumps(payload).encode())


def test_a_call_with_its_legs_and_recordings() -> None:
    event = parsed(call_event())
    assert isinstance(event, CallEvent)
    assert event.call["number"] == "+8613800138000"
    assert event.call["agent_id"] == "a1"
    assert event.call["created_at"] == datetime.fromtimestamp(BEGAN, UTC)
    assert [(leg["kind"], leg["position"], leg["version"]) for leg in event.legs] == [
        ("customer", 0, 6),
        ("agent", 1, 6),
    ]
    assert event.recordings[0]["spool_file"] == "2026/11/21/c1-1.raw"


def test_an_outbound_call_belongs_to_the_number_that_was_dialled() -> None:
    event = parsed(call_event(direction="outbound", ani="1001", dnis="13900139000", legs=[]))
    assert event.call["number"] == "+8613900139000"
    assert event.call["agent_id"] == ""


def test_the_engines_own_call_document_is_understood() -> None:
    call = Call(call_id="c9", switch="sim", direction=Direction.INBOUND, created_at=BEGAN, ani="1", dnis="8000")
    call.legs.append(Leg("l1", LegKind.CUSTOMER, "ch1", BEGAN))
    event = parsed(("cy.log.call.c9", "", {"event": "offered", "at": BEGAN, "cause": "", "call": call.to_document()}))
    assert event.call["id"] == "c9"
    assert event.legs[0]["channel"] == "ch1"


def test_stretches_and_complete_recordings() -> None:
    assert isinstance(parsed(stretch_event()), StretchEvent)
    event = parsed(recording_event())
    assert isinstance(event, RecordingEvent)
    assert event.row["ended_at"] == datetime.fromtimestamp(BEGAN + 65.5, UTC)


def test_hostile_texts_are_cleaned_and_cut() -> None:
    name = "a\x00b\ud800<script>'\"\r\n😀" + "x" * 500
    event = parsed(call_event(ani_name=name, ani="\x00+86'; DROP--"))
    assert event.call["ani_name"].startswith("ab<script>'\"\r\n😀x")
    assert len(event.call["ani_name"]) == 255
    assert event.call["number"] == "+86"
    assert "\x00" not in json.dumps(event.call["document"], ensure_ascii=False)


@pytest.mark.parametrize(
    "event",
    [
        call_event(version="x"),
        call_event(created_at="yesterday"),
        call_event(created_at=1e30),
        call_event(call_id=""),
        call_event(call_id="x" * 41),
        call_event(legs=None),
        call_event(recordings=[{"recording_id": "r", "name": "../../etc/passwd", "started_at": 1.0}]),
        recording_event(file="/etc/passwd"),
        recording_event(file=".hidden/x.raw"),
        recording_event(started_at=None),
        stretch_event(state=7),
        stretch_event(ended_at=True),
        ("cy.log.other.1", "", {}),
        ("cy.log", "", {}),
    ],
)
def test_what_is_wrong_is_refused(event: tuple[str, str, dict[str, Any]]) -> None:
    with pytest.raises(BadEvent):
        parsed(event)


@given(st.sampled_from(["call", "agent", "recording"]), st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(kind: str, data: bytes) -> None:
    with pytest.raises(BadEvent):
        parse(f"cy.log.{kind}.x", data)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_keys = st.sampled_from(sorted(call_event()[2]["call"]))


@given(_keys, _json)
def test_any_field_of_any_kind_is_taken_or_refused(key: str, value: Any) -> None:
    subject, _, payload = call_event(**{key: value})
    try:
        event = parse(subject, json.dumps(payload).encode())
    except BadEvent:
        return
    assert isinstance(event, CallEvent)


@pytest.mark.parametrize(
    "name", ["../x.raw", "a/../b.raw", "/a.raw", "a//b.raw", "", "a\\b.raw", "a/b\n.raw", "-a.raw"]
)
def test_paths_stay_inside(name: str) -> None:
    with pytest.raises(BadEvent):
        safe_path(name)
