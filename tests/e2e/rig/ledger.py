"""What the database says of calls, as tests ask for it: rows once the worker has written them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import soundfile
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from cti.store.models import Call, Recording, RecordingState
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.tones import RATE, Samples


async def finished_call(centre: Centre, number: str, deadline: float = 10.0) -> Call:
    """The newest call of customer ``number``, once it is ended in the database; with legs, recordings and note."""

    def look() -> Call | None:
        with centre.database() as session:
            call = session.scalars(
                select(Call)
                .where(Call.number.endswith(number))
                .order_by(Call.created_at.desc())
                .options(selectinload(Call.legs), selectinload(Call.recordings), selectinload(Call.note))
            ).first()
            return call if call is not None and call.ended_at is not None else None

    found = await until(f"an ended call of {number} in the database", look, deadline, every=0.1)
    assert found is not None
    return found


async def operations(centre: Centre, call_id: str, last: str, deadline: float = 10.0) -> dict[str, list[str]]:
    """The operation log of a call once it tells of ``last``: names by kind, without what a switch refused."""
    end = time.monotonic() + deadline
    while True:
        kept = await centre.bus.traced(f"cy.trace.call.{call_id}")
        lines = [line for message in kept for line in message.document["lines"] if "error" not in line]
        if any(line.get("name") == last for line in lines):
            break
        assert time.monotonic() < end, lines
        await asyncio.sleep(0.1)
    found: dict[str, list[str]] = {}
    for line in sorted(lines, key=lambda line: line["at"]):
        found.setdefault(line["kind"], []).append(line.get("name", line.get("state", "")))
    return found


async def calls_of(centre: Centre, number: str) -> list[Call]:
    with centre.database() as session:
        return list(session.scalars(select(Call).where(Call.number.endswith(number)).order_by(Call.created_at)))


async def recordings(centre: Centre, call: Call, deadline: float = 15.0) -> list[tuple[Recording, Samples]]:
    """All recordings of an ended call, in order, once none is pending; samples have the shape (n, 2):
    what the customer says, what the customer hears."""

    def look() -> list[Recording]:
        with centre.database() as session:
            rows = list(
                session.scalars(select(Recording).where(Recording.call_id == call.id).order_by(Recording.started_at))
            )
        return rows if rows and all(row.state is RecordingState.READY for row in rows) else []

    rows = await until(f"the recordings of {call.id} are ready", look, deadline, every=0.1)
    found = []
    for row in rows:
        samples, rate = soundfile.read(recording_path(centre, row), dtype="int16", always_2d=True)
        assert rate == RATE
        assert samples.shape[1] == 2
        found.append((row, np.asarray(samples)))
    return found


def recording_path(centre: Centre, row: Recording) -> Path:
    return centre.settings.recordings_dir / row.file
