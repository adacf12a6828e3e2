"""Durable events into tables: in batches, as often and in whatever order they come. Must not know the bus.

A call's row is written only over a row of a lower version, its legs likewise: of two events of one version the first
counts. A recording's row only ever gains; a voicemail's is made once. So a repeated or late event changes nothing, and
nothing is looked up first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cti.store.events import CallEvent, Event, RecordingEvent, Row, StretchEvent
from cti.store.models import (
    AgentStretch,
    Call,
    CallLeg,
    DeadLetter,
    MessageState,
    Recording,
    RecordingState,
    Voicemail,
)


def write(session: Session, events: Iterable[Event]) -> None:
    """Write a batch; the caller commits. Raises what SQLAlchemy raises, then nothing of it may be committed."""
    calls: dict[str, CallEvent] = {}
    stretches: dict[tuple[Any, ...], Row] = {}
    complete: dict[str, Row] = {}
    for event in events:
        match event:
            case CallEvent(call=row):
                known = calls.get(row["id"])
                if known is None or known.call["version"] < row["version"]:
                    calls[row["id"]] = event
            case StretchEvent(row=row):
                stretches[(row["agent_id"], row["started_at"], row["state"])] = row
            case RecordingEvent(row=row):
                complete[row["id"]] = row
    _write_calls(session, list(calls.values()))
    _merge_recordings(session, list(complete.values()), complete=True)
    _upsert(session, AgentStretch, list(stretches.values()))


def bury(session: Session, subject: str, sequence: int, data: bytes, error: str) -> None:
    """Keep a message that cannot be stored, for a person to look at."""
    payload = data[:200_000].decode("utf-8", "replace").replace("\x00", "\ufffd")
    reason = error.replace("\x00", "")[:2000]
    row = {"subject": subject[:255], "sequence": sequence, "payload": payload, "error": reason}
    statement = _insert(session, DeadLetter.__table__).values(row).on_conflict_do_nothing(index_elements=["sequence"])
    session.execute(statement)


def _write_calls(session: Session, events: list[CallEvent]) -> None:
    _upsert(session, Call, [event.call for event in events], guard="version")
    legs = {leg["id"]: leg for event in events for leg in event.legs}
    _upsert(session, CallLeg, list(legs.values()), guard="version")
    announced = {row["id"]: row for event in events for row in event.recordings}
    _merge_recordings(session, list(announced.values()), complete=False)
    _add_voicemails(session, {row["recording_id"]: row for event in events for row in event.voicemails})


def _add_voicemails(session: Session, rows: dict[str, Row]) -> None:
    if rows:
        values = [{"state": MessageState.NEW, **row} for _, row in sorted(rows.items())]
        statement = _insert(session, Voicemail.__table__).on_conflict_do_nothing(index_elements=["recording_id"])
        session.connection().execute(statement, values)


def _upsert(session: Session, model: Any, rows: list[Row], guard: str = "") -> None:
    if not rows:
        return
    table: Table = model.__table__
    keys = [column.name for column in table.primary_key]
    statement = _insert(session, table)
    new = statement.excluded
    changed = {name: new[name] for name in rows[0] if name not in keys}
    where = new[guard] > table.c[guard] if guard else None
    _execute(session, statement.on_conflict_do_update(index_elements=keys, set_=changed, where=where), rows)


def _merge_recordings(session: Session, rows: list[Row], *, complete: bool) -> None:
    """``complete`` rows bring the true file name and end; announced ones only an end that is not known yet."""
    if not rows:
        return
    table: Table = Recording.__table__  # type: ignore[assignment]
    statement = _insert(session, table)
    new = statement.excluded
    if complete:
        changed = {"ended_at": func.coalesce(new.ended_at, table.c.ended_at), "spool_file": new.spool_file}
    else:
        changed = {"ended_at": func.coalesce(table.c.ended_at, new.ended_at)}
    values = [{"state": RecordingState.PENDING, "file": "", "duration": 0.0, "bytes": 0, **row} for row in rows]
    _execute(session, statement.on_conflict_do_update(index_elements=["id"], set_=changed), values)


def _execute(session: Session, statement: Any, rows: list[Row]) -> None:
    """One prepared statement for all rows; in a fixed order of keys, so that two writers never wait in a circle."""
    session.connection().execute(statement, sorted(rows, key=_key))


def _key(row: Mapping[str, Any]) -> str:
    return str(row["id"]) if "id" in row else f"{row['agent_id']} {row['started_at']} {row['state']}"


def _insert(session: Session, table: Any) -> Any:
    dialect = session.get_bind().dialect.name
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
