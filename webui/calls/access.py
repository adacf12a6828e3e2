"""Whose calls and recordings the signed-in user may see, hear and describe; one place for all pages."""

from __future__ import annotations

from collections.abc import Collection

from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.errors import CallyardError
from cti.store.models import Call, CallLeg, CallNote, Recording
from webui.common import db, scope
from webui.common.bus import request_engine
from webui.common.permissions import Permission
from webui.common.rights import Kind
from webui.followup.access import may_hear

ENGINE_DEADLINE = 1.0


def took_part(session: Session, call_id: str, agents: Collection[str] = ()) -> bool:
    """The phone of the user, or of one of ``agents``, rang or talked in this call."""
    wanted = {*agents, current_user.agent_id} - {""}
    query = select(CallLeg.id).where(CallLeg.call_id == call_id, CallLeg.agent_id.in_(sorted(wanted))).limit(1)
    return bool(wanted) and session.scalar(query) is not None


def may_see(session: Session, call: Call) -> bool:
    agents = scope.agent_ids(Kind.CALLS)
    return agents is None or call.agent_id in agents or took_part(session, call.id, agents)


def may_listen(recording: Recording) -> bool:
    if current_user.can(Permission.RECORDINGS_LISTEN_ALL):
        agents = scope.agent_ids(Kind.CALLS)
        if agents is None or recording.agent_id in agents:
            return True
    if not recording.agent_id:
        return may_hear(db.session(), recording.id)
    own = bool(current_user.agent_id) and recording.agent_id == current_user.agent_id
    return own and bool(current_user.can(Permission.RECORDINGS_LISTEN_OWN))


def may_describe(session: Session, call_id: str) -> bool:
    """May write the note of this call, and say which customer it was.

    A call in progress may not be in the database yet: then the engine is asked whether it is this agent's.
    """
    if took_part(session, call_id):
        return True
    if current_user.can(Permission.CALLS_READ_ALL) and session.get(Call, call_id) is not None:
        return True
    if not current_user.agent_id:
        return False
    try:
        reply = request_engine("cy.cmd.agent", {"op": "state", "agent_id": current_user.agent_id}, ENGINE_DEADLINE)
    except CallyardError:
        return engine_silent(session, call_id)
    agent = reply.get("agent") or {}
    return call_id in [(agent.get(part) or {}).get("call_id") for part in ("call", "watched")]


def engine_silent(session: Session, call_id: str) -> bool:
    """Without the engine an agent may still describe a call in progress that nobody else has described."""
    call = session.get(Call, call_id)
    if call is not None and call.ended_at is not None:
        return False
    note = session.get(CallNote, call_id)
    return note is None or note.user_id == current_user.id
