"""Calls in the API: to be read only."""

from __future__ import annotations

from flask import abort
from sqlalchemy import select

from cti.domain.phones import normalise
from cti.store.models import Call
from webui.api import schemas, shown
from webui.api.base import Document, blueprint, listed, problems
from webui.calls.access import may_see as sees_call
from webui.common import db, scope
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind


@blueprint.route("/calls")
@blueprint.arguments(schemas.CallQuery, location="query")
@blueprint.response(200, schemas.page_of(schemas.CallOut))
@problems()
@requires(Permission.CALLS_READ_OWN)
def calls(asked: Document) -> Document:
    """Calls, newest first."""
    own = scope.agent_ids(Kind.CALLS)
    query = select(Call) if own is None else select(Call).where(Call.agent_id.in_(sorted(own)), Call.agent_id != "")
    for condition in (
        Call.created_at >= asked["since"] if "since" in asked else None,
        Call.created_at < asked["until"] if "until" in asked else None,
        Call.number == normalise(asked["number"]) if "number" in asked else None,
        Call.direction == asked["direction"] if "direction" in asked else None,
    ):
        query = query if condition is None else query.where(condition)
    return listed(query, (Call.created_at, Call.id), asked, shown.call)


@blueprint.route("/calls/<string:call_id>")
@blueprint.response(200, schemas.CallOut)
@problems(_404="no such call")
@requires(Permission.CALLS_READ_OWN)
def call(call_id: str) -> Document:
    """One call."""
    row = db.session().get(Call, call_id) if valid_id(call_id) else None
    if row is None:
        abort(404)
    if not sees_call(db.session(), row):
        abort(403)
    return shown.call(row)
