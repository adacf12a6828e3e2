"""What must be true of the books when a wild day is over. Each function gives its complaints; none is well."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from cti.store.models import Call, CallLeg, RecordingState
from cti.store.recordings import BRIEF
from tests.chaos.people import Dark, Placed
from tests.e2e.rig.centre import Centre

DIGITS = 11
SOON = 2.0  # seconds in which a command is done, or is not
UNRECORDED = 1.0  # seconds of talk of one call that need not be on its recordings: joining, and rounding
Stretch = tuple[float, float]


def all_calls(centre: Centre) -> list[Call]:
    with centre.database() as session:
        return list(
            session.scalars(
                select(Call).options(selectinload(Call.legs), selectinload(Call.recordings)).order_by(Call.id)
            )
        )


def unfinished(calls: Iterable[Call], dark: Dark) -> list[str]:
    """Rows and recordings that the worker has still to finish. Of one that was asked for as the engine went away nobody
    knows whether it began: the worker gives it up after ten minutes. One that was refused is no such."""
    told = [f"call {c.id} of {c.number} is {c.state}" for c in calls if c.ended_at is None]
    for call in calls:
        for one in call.recordings:
            began = one.started_at.timestamp()
            brief = one.ended_at is not None and one.ended_at - one.started_at < BRIEF
            if one.state is RecordingState.PENDING and (brief or not dark.within(began - SOON, began + SOON)):
                legs = [(leg.kind, leg.answered_at, leg.ended_at) for leg in call.legs]
                told.append(f"recording {one.id} of {one.started_at} to {one.ended_at} pends; legs {legs}")
    return told


def missing(placed: Iterable[Placed], calls: Iterable[Call], dark: Dark) -> list[str]:
    """Calls that were taken up and are not in the books, or more than once; but for those that came and went unseen."""
    found: dict[str, int] = {}
    for call in calls:
        number = call.number[-DIGITS:]  # the country's code may stand before it
        found[number] = found.get(number, 0) + 1
    told = []
    for one in placed:
        rows = found.get(one.number, 0)
        if rows > 1:
            told.append(f"{one.number} called once and is in the books {rows} times")
        elif rows == 0 and one.reached and not dark.covers(one.began, one.ended):
            told.append(f"{one.number} called and is not in the books; {one.call.events}")
    return told


def incomplete(calls: Iterable[Call], dark: Dark) -> list[str]:
    """Rows that contradict themselves."""
    told = []
    for call in calls:
        name = f"call {call.id} of {call.number}"
        if not call.cause or not call.ended_by:
            told.append(f"{name}: ended by {call.ended_by!r}, cause {call.cause!r}")
        if not any(leg.kind == "customer" for leg in call.legs) and not _never_dialled(call, dark):
            told.append(f"{name} has no customer; legs {[(leg.kind, leg.answered_at) for leg in call.legs]}")
        for leg in call.legs:
            times = [t for t in (leg.created_at, leg.alerting_at, leg.answered_at, leg.ended_at) if t is not None]
            if leg.ended_at is None or times != sorted(times):
                told.append(f"{name}: leg {leg.kind} {leg.number}: {times}")
            elif call.ended_at is not None and leg.ended_at > call.ended_at:
                told.append(f"{name}: leg {leg.kind} {leg.number} outlived it")
    return told


def _never_dialled(call: Call, dark: Dark) -> bool:
    """A colleague was called; or a number outside was to be, but the agent's own phone was not picked up before, or
    nobody was there to go on."""
    if call.direction != "outbound":
        return call.direction == "internal"
    unseen = call.ended_at is not None and dark.within(call.created_at.timestamp(), call.ended_at.timestamp()) > 0
    return unseen or not any(leg.answered_at for leg in call.legs)


def unrecorded(calls: Iterable[Call], dark: Dark) -> list[str]:
    """Calls that talked longer than was recorded, but for what happened while the engine was away."""
    told = []
    for call in calls:
        customers = [s for leg in call.legs if leg.kind == "customer" for s in _talked(leg)]
        agents = [s for leg in call.legs if leg.kind == "agent" for s in _talked(leg)]
        talk = [(max(a, c), min(b, d)) for a, b in customers for c, d in _union(agents) if max(a, c) < min(b, d)]
        seconds = sum(b - a - dark.within(a, b) for a, b in talk)
        kept = sum(r.duration for r in call.recordings if r.state is RecordingState.READY)
        if seconds > kept + UNRECORDED:
            told.append(f"call {call.id} of {call.number}: {seconds:.1f} s of talk, {kept:.1f} s recorded")
    return told


def _talked(leg: CallLeg) -> list[Stretch]:
    if leg.answered_at is None or leg.ended_at is None:
        return []
    return [(leg.answered_at.timestamp(), leg.ended_at.timestamp())]


def _union(stretches: Iterable[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
