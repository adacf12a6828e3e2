"""The call log of an old system out of a file: finished calls, with who talked and what was noted. No call is touched
that this system had itself, but for its note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cti.store.models import Agent, Call, CallLeg, CallNote, CallType, Queue, User, utc_now
from cti.store.models.base import fresh_id
from webui.common import audit, scope
from webui.common.permissions import Permission
from webui.common.rights import Kind

LONGEST = timedelta(hours=24)
NOTE = ("call_type", "business_type", "summary")


class CallImporter:
    permission = Permission.CALLS_READ_ALL
    modes: tuple[str, ...] = ("skip", "update")

    def __init__(self) -> None:
        self._agents: dict[str, list[tuple[str, str]]] = {}
        self._queues: dict[str, str] = {}

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return ((values["number"], values["created_at"], values.get("direction") or "inbound"),)

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        """Reads agents and queues along: agents by number, user name or name."""
        self._queues = {name.lower(): queue_id for queue_id, name in session.execute(select(Queue.id, Queue.name))}
        names = {str(values["agent"]) for values in rows if values.get("agent")}
        wanted = or_(Agent.number.in_(names), User.username.in_(names), User.name.in_(names))
        people = select(Agent.id, User.id, Agent.number, User.username, User.name)
        self._agents = {}
        for agent_id, user_id, *known in session.execute(people.join(User, User.id == Agent.user_id).where(wanted)):
            for name in set(known):
                self._agents.setdefault(name, []).append((agent_id, user_id))
        numbers, times = {values["number"] for values in rows}, {values["created_at"] for values in rows}
        held = select(Call).where(Call.number.in_(numbers), Call.created_at.in_(times))
        return {(call.number, call.created_at, call.direction): call for call in session.scalars(held)}

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        if present is not None:
            return ""
        times = moments(values)
        if times[0] > utc_now():
            return _("The time is in the future.")
        known = [at for at in times if at is not None]
        if known != sorted(known) or known[-1] - known[0] > LONGEST:
            return _("Begun, answered, ended: these times do not follow one another within a day.")
        if values.get("queue") and str(values["queue"]).lower() not in self._queues:
            return _("There is no queue “%(name)s”.", name=values["queue"])
        if not values.get("agent"):
            return ""
        found = self._agents.get(str(values["agent"]), [])
        if len(found) != 1 or not scope.may_see(found[0][1], Kind.CALLS):
            return _("There is no agent “%(name)s” whose calls you may see, or more than one.", name=values["agent"])
        return ""

    def make(self, session: Session, values: Mapping[str, Any]) -> Call:
        created, answered, ended = moments(values)
        agent_id, user_id = self._agents[str(values["agent"])][0] if values.get("agent") else ("", current_user.id)
        direction = values.get("direction") or "inbound"
        call = Call(
            id=fresh_id(),
            version=1,
            direction=direction,
            number=values["number"],
            ani=values["number"] if direction == "inbound" else "",
            dnis=values.get("dnis") or (values["number"] if direction == "outbound" else ""),
            queue_id=self._queues.get(str(values.get("queue") or "").lower(), ""),
            agent_id=agent_id if answered else "",
            created_at=created,
            queued_at=created if values.get("queue") else None,
            answered_at=answered,
            ended_at=ended,
            state="ended",
            document={"imported": True},
        )
        session.add(call)
        if agent_id:
            times = {"created_at": created, "alerting_at": created, "answered_at": answered, "ended_at": ended}
            facts = {"version": 1, "position": 1, "kind": "agent", "agent_id": agent_id, "state": "ended"}
            session.add(CallLeg(id=fresh_id(), call_id=call.id, **facts, **times))
        note(session, call, values, user_id)
        return call

    def made(self, row: Call) -> None:
        told = {"number": row.number, "at": row.created_at.isoformat(), "imported": True}
        audit.record("call.import", f"call/{row.id}", None, told)

    def change(self, session: Session, present: Call, values: Mapping[str, Any]) -> None:
        note(session, present, values, current_user.id)


def note(session: Session, call: Call, values: Mapping[str, Any], user_id: str) -> None:
    """What was noted of the call; an empty cell changes nothing."""
    given = {name: values[name] for name in NOTE if values.get(name)}
    if not given:
        return
    held = session.get(CallNote, call.id)
    before = {name: str(getattr(held, name) or "") for name in NOTE} if held is not None else None
    if held is None:
        held = CallNote(call_id=call.id, user_id=user_id)
        session.add(held)
    for name, value in given.items():
        setattr(held, name, CallType(value) if name == "call_type" else value)
    if before is not None:
        after = {name: str(getattr(held, name) or "") for name in NOTE}
        if after != before:
            audit.record("call.note", f"call/{call.id}", before, after)


def moments(values: Mapping[str, Any]) -> tuple[datetime, datetime | None, datetime]:
    """Begun, answered, ended, as far as the file says; seconds talked stand for the one that is missing."""
    created, answered, ended = values["created_at"], values.get("answered_at"), values.get("ended_at")
    talked = timedelta(seconds=min(values.get("talked") or 0, int(LONGEST.total_seconds()) + 1))
    if answered is None and talked > timedelta():
        answered = max(created, ended - talked) if ended is not None else created
    if ended is None:
        ended = answered + talked if answered is not None else created
    return created, answered, ended
