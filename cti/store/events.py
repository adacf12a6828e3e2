"""From a durable message to plain values for the tables. Every text comes from outside: cleaned and cut to size here.

Must not know a database or the bus; docs/bus.md has the documents.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from cti.domain.errors import CallyardError
from cti.domain.phones import normalise

Row = dict[str, Any]

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # what no database can store as text
_SUSPECT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")  # the same as JSON may spell it
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9]+)?")
_LATEST = 4_102_444_800.0  # the year 2100


class BadEvent(CallyardError):
    """A durable message that is not as docs/bus.md says; the message tells what is wrong."""

    code = "event.bad"


@dataclass(frozen=True, slots=True)
class CallEvent:
    call: Row
    legs: list[Row]
    recordings: list[Row]
    voicemails: list[Row]


@dataclass(frozen=True, slots=True)
class StretchEvent:
    row: Row


@dataclass(frozen=True, slots=True)
class RecordingEvent:
    """The switch says the file is complete."""

    row: Row


Event = CallEvent | StretchEvent | RecordingEvent


def parse(subject: str, data: bytes) -> Event:
    """Raises ``BadEvent``."""
    try:
        document = json.loads(data)
        if _SUSPECT.search(data):
            document = _clean(document)
        match subject.split(".")[2:3]:
            case ["call"]:
                return _call(document["call"])
            case ["agent"]:
                return StretchEvent(_stretch(document))
            case ["recording"]:
                return RecordingEvent(_recording(document))
        raise BadEvent(f"unknown subject {subject}")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise BadEvent(f"{subject}: {error!r}"[:500]) from error


def _call(document: dict[str, Any]) -> CallEvent:
    legs = [_leg(document, leg, position) for position, leg in enumerate(document["legs"])]
    first = _served_by(document, legs)
    row = {
        "id": _id(document["call_id"]),
        "version": int(document["version"]),
        "switch": _text(document.get("switch"), 32),
        "direction": _text(document["direction"], 16),
        "ani": _text(document.get("ani"), 128),
        "ani_name": _text(document.get("ani_name"), 255),
        "dnis": _text(document.get("dnis"), 128),
        "number": _customer_number(document, legs),
        "queue_id": _text(document.get("queue_id"), 40),
        "agent_id": first["agent_id"] if first else "",
        "language": _text(document.get("language"), 16),
        "trunk": _text(document.get("trunk"), 64),
        "created_at": _time(document["created_at"]),
        "queued_at": _maybe_time(document.get("queued_at")),
        "answered_at": _maybe_time(document.get("answered_at")),
        "ended_at": _maybe_time(document.get("ended_at")),
        "cause": _text(document.get("cause"), 32),
        "ended_by": _text(document.get("ended_by"), 16),
        "surveyed_at": _maybe_time(document.get("surveyed_at")),
        "rating": _rating(document.get("rating")),
        "rated_agent_id": _text(document.get("rated_agent"), 40),
        "state": _text(document.get("state"), 16),
        "digits": _text(document.get("digits"), 64),
        "test": bool(document.get("test", False)),
        "document": document,
    }
    recordings = [_announced(document["call_id"], entry) for entry in document.get("recordings", ())]
    voicemails = [
        _voicemail(document["call_id"], entry) for entry in document.get("recordings", ()) if entry.get("voicemail")
    ]
    return CallEvent(row, legs, recordings, voicemails)


def _served_by(document: dict[str, Any], legs: list[Row]) -> Row | None:
    """The leg of the first agent who talked with the customer; else of the first who picked up, as for a call out."""
    both = zip(legs, document["legs"], strict=True)
    there = [(leg, told) for leg, told in both if leg["kind"] == "agent" and leg["answered_at"] is not None]
    return min(there, key=lambda found: not found[1].get("joined", True), default=(None, None))[0]


def _customer_number(document: dict[str, Any], legs: list[Row]) -> str:
    if document["direction"] == "inbound":
        return normalise(_text(document.get("ani"), 128))
    customer = next((leg["number"] for leg in legs if leg["kind"] == "customer" and leg["number"]), None)
    return normalise(customer or _text(document.get("dnis"), 128))


def _leg(call: dict[str, Any], leg: dict[str, Any], position: int) -> Row:
    return {
        "id": _id(leg["leg_id"]),
        "call_id": _id(call["call_id"]),
        "version": int(call["version"]),
        "position": position,
        "kind": _text(leg["kind"], 16),
        "device": _text(leg.get("device"), 64),
        "number": _text(leg.get("number"), 128),
        "agent_id": _text(leg.get("agent_id"), 40),
        "channel": _text(leg.get("channel"), 150),
        "created_at": _time(leg["created_at"]),
        "alerting_at": _maybe_time(leg.get("alerting_at")),
        "answered_at": _maybe_time(leg.get("answered_at")),
        "ended_at": _maybe_time(leg.get("ended_at")),
        "cause": _text(leg.get("cause"), 32),
        "held_seconds": float(leg.get("held_seconds") or 0.0),
        "state": _text(leg.get("state"), 16),
    }


def _announced(call_id: str, entry: dict[str, Any]) -> Row:
    """A recording as its call tells of it: the file may not be complete yet."""
    return _recording({**entry, "call_id": call_id, "file": f"{entry['name']}.raw"})


def _voicemail(call_id: str, entry: dict[str, Any]) -> Row:
    return {
        "recording_id": _id(entry["recording_id"]),
        "call_id": call_id,
        "queue_id": _id(entry["voicemail"]),
        "left_at": _time(entry["started_at"]),
    }


def _recording(document: dict[str, Any]) -> Row:
    return {
        "id": _id(document["recording_id"]),
        "call_id": _id(document["call_id"]),
        "leg_id": _text(document.get("leg_id"), 40),
        "agent_id": _text(document.get("agent_id"), 40),
        "spool_file": safe_path(document["file"]),
        "started_at": _time(document["started_at"]),
        "ended_at": _maybe_time(document.get("ended_at")),
    }


def _stretch(document: dict[str, Any]) -> Row:
    return {
        "agent_id": _id(document["agent_id"]),
        "number": _text(document.get("number"), 16),
        "state": _text(document["state"], 32),
        "reason": _text(document.get("reason"), 32),
        "started_at": _time(document["started_at"]),
        "ended_at": _time(document["ended_at"]),
        "queue_id": _text(document.get("queue_id"), 40),
        "call_id": _text(document.get("call_id"), 40),
    }


def safe_path(name: object) -> str:
    """A relative path of plain names, at most 255 characters. Raises ``BadEvent``."""
    if not isinstance(name, str) or len(name) > 255:
        raise BadEvent(f"file name {str(name)[:80]!r}")
    if not all(_NAME.fullmatch(part) for part in name.split("/")):
        raise BadEvent(f"file name {name!r}")
    return str(PurePosixPath(name))


def _id(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 40 or _UNSTORABLE.search(value):
        raise BadEvent(f"id {str(value)[:80]!r}")
    return value


def _text(value: object, length: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadEvent(f"not a text: {str(value)[:80]!r}")
    return _UNSTORABLE.sub("", value)[:length]


def _time(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise BadEvent(f"not a time: {str(value)[:80]!r}")
    return datetime.fromtimestamp(value, UTC)


def _maybe_time(value: object) -> datetime | None:
    return None if value is None else _time(value)


def _rating(value: object) -> int | None:
    if value is None or (type(value) is int and 1 <= value <= 3):
        return value
    raise BadEvent(f"not a rating: {str(value)[:80]!r}")


def _clean(value: Any) -> Any:
    """The same document without ``_UNSTORABLE``."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("", key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
