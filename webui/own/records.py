"""What the store knows of one agent's last days: stretches of states, calls, notes, recordings. Takes a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.switch.terms import Cause
from cti.store.models import AgentStretch, Call, CallLeg, CallNote, Recording, RecordingState
from webui.own.figures import Figures, Stretch, by_day, last_days, midnight

LONGEST = timedelta(days=1)
"""A stretch that began before the days asked for reaches into them at most from so long ago."""


def own_days(
    session: Session, agent_id: str, user_id: str, today: date, zone: tzinfo, running: Stretch | None = None
) -> dict[date, Figures]:
    """The last days with their times and calls; ``running`` is the state that has not ended yet."""
    since = midnight(last_days(today)[0], zone)
    stretches = _stretches(session, agent_id, since)
    days = by_day([*stretches, running] if running else stretches, today, zone)
    for at, direction, business_type in _calls(session, agent_id, user_id, since):
        figures = days.get(at.astimezone(zone).date())
        if figures is None:
            continue
        if direction == "inbound":
            figures.inbound += 1
        else:
            figures.outbound += 1
        if business_type is not None:
            figures.types[str(business_type)] += 1
    return days


def _stretches(session: Session, agent_id: str, since: datetime) -> list[Stretch]:
    query = select(AgentStretch.state, AgentStretch.started_at, AgentStretch.ended_at).where(
        AgentStretch.agent_id == agent_id, AgentStretch.started_at > since - LONGEST, AgentStretch.ended_at > since
    )
    return [Stretch(*row) for row in session.execute(query)]


def _calls(session: Session, agent_id: str, user_id: str, since: datetime) -> Sequence[tuple]:
    """When, direction and the user's own type of each call in which the agent talked."""
    query = (
        select(CallLeg.call_id, CallLeg.answered_at, Call.direction, CallNote.business_type)
        .join(Call, Call.id == CallLeg.call_id)
        .outerjoin(CallNote, (CallNote.call_id == CallLeg.call_id) & (CallNote.user_id == user_id))
        .where(CallLeg.agent_id == agent_id, CallLeg.created_at >= since - LONGEST, CallLeg.answered_at >= since)
        .where(CallLeg.cause != Cause.CANCELLED)  # picked up when a colleague had the caller already
        .order_by(CallLeg.answered_at)
    )
    first = {row[0]: tuple(row[1:]) for row in reversed(session.execute(query).all())}
    return list(first.values())


def own_recordings(session: Session, agent_id: str, most: int = 15) -> Sequence[tuple[Recording, Call]]:
    """The last recordings of the agent's calls, newest first."""
    query = (
        select(Recording, Call)
        .join(Call, Call.id == Recording.call_id)
        .where(Recording.agent_id == agent_id, Recording.state == RecordingState.READY)
        .order_by(Recording.started_at.desc())
        .limit(most)
    )
    return [(recording, call) for recording, call in session.execute(query)]
