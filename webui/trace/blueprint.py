"""Pages of the operation log: of one call, also while it goes on, and of what belongs to no call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.bus.base import Traced
from cti.domain.errors import EngineUnavailable
from cti.settings import Settings
from cti.store.models import Call
from webui.calls.blueprint import load, seen_legs
from webui.calls.forms import Filters, read_filters
from webui.calls.queries import names, outcome_of
from webui.common import audit, db, scope
from webui.common.i18n import as_datetime, localtime
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.common.text import one_line
from webui.trace import queries
from webui.trace.lines import KINDS, Line, in_order
from webui.trace.vocabulary import KINDS as KIND_WORDS
from webui.trace.words import Told, told

blueprint = Blueprint("trace", __name__, url_prefix="/operations")

QUIET = timedelta(seconds=10)
"""After the end of a call something may still be said of it."""

DAY = timedelta(days=1)
SHOWN = 500


@blueprint.get("")
@requires(Permission.CALLS_TRACE)
def index() -> ResponseReturnValue:
    """Calls whose log may be read; below, what switches and agents did without a call."""
    database, filters, now = db.session(), read_filters(request.args), datetime.now(UTC)
    channel, switch, text = (one_line(request.args.get(name, ""), 150) for name in ("channel", "switch", "text"))
    own, oldest = scope.agent_ids(Kind.CALLS), now - timedelta(days=settings().trace_days)
    people = queries.people(database)
    since = filters.since or now - DAY
    messages, silent = read_all(("switch.>", "agent.>"), since)
    lines = [line for line in in_order(messages) if without_call(line, filters, own, switch)]
    found = [one for one in told(reversed(lines), people) if text.casefold() in as_text(one).casefold()]
    if filters.agent:
        audit.record("trace.read", f"agent/{filters.agent}")
        database.commit()
    return render_template(
        "trace/index.html",
        calls=queries.calls_of(database, filters, own, channel, oldest),
        outcome_of=outcome_of,
        lines=found[:SHOWN],
        more=len(found) > SHOWN or len(messages) >= queries.MOST,
        silent=silent,
        since=since,
        filters=filters,
        args=request.args,
        agents=names(database, own),
        switches=sorted({line.switch for line in lines if line.switch} | ({switch} if switch else set())),
        kinds=KIND_WORDS,
        days=settings().trace_days,
    )


@blueprint.get("/calls/<call_id>")
@requires(Permission.CALLS_TRACE)
def call(call_id: str) -> ResponseReturnValue:
    one = load(call_id)
    found = reading(one)
    audit.record("trace.read", f"call/{one.id}")
    db.session().commit()
    return render_template(
        "trace/call.html", call=one, found=found, live=is_live(one), args=request.args, kinds=KIND_WORDS
    )


@blueprint.get("/calls/<call_id>/lines")
@requires(Permission.CALLS_TRACE)
def lines(call_id: str) -> ResponseReturnValue:
    """All lines again, when there are new ones since the page has them; for a call that goes on."""
    one, known = load(call_id), request.args.get("last", "")
    found = reading(one)
    if is_live(one) and (found.silent or str(found.last) == known):
        return "", 204
    return render_template("trace/_lines.html", call=one, found=found, live=is_live(one), kinds=KIND_WORDS)


@blueprint.get("/calls/<call_id>/text")
@requires(Permission.CALLS_TRACE)
def text(call_id: str) -> ResponseReturnValue:
    """The same as text. Raises ``EngineUnavailable`` where nobody can say."""
    one = load(call_id)
    found = reading(one)
    if found.silent:
        raise EngineUnavailable("the operation log cannot be read")
    audit.record("trace.download", f"call/{one.id}")
    db.session().commit()
    head = f"{_('Operation log')} {one.id} {localtime(one.created_at)}"
    body = "\n".join((head, "", *map(as_text, found.lines), ""))
    name = f"operations-{one.id}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'} if "download" in request.args else {}
    return Response(body, content_type="text/plain; charset=utf-8", headers=headers)


@dataclass(frozen=True)
class Reading:
    """``lines`` that this user asks for and may know of; ``silent``: nobody could say; place of the ``last`` message;
    names of ``legs`` by channel."""

    lines: list[Told]
    silent: bool
    last: int
    legs: Mapping[str, str]


def reading(one: Call) -> Reading:
    messages, silent = read_all((f"call.{one.id}",))
    legs = seen_legs(one)
    hidden = {leg.channel for leg in one.legs} - {leg.channel for leg in legs}
    watchers = {leg.agent_id for leg in one.legs if leg.channel in hidden and leg.agent_id}
    kind, channel = request.args.get("kind", ""), request.args.get("leg", "")
    wanted = [
        line
        for line in in_order(messages)
        if not concerns(line, hidden, watchers)
        and (not kind or line.kind == kind or kind not in KINDS)
        and (not channel or channel in line.channels)
    ]
    people = queries.people(db.session(), legs)
    return Reading(told(wanted, people), silent, messages[-1].sequence if messages else 0, people.legs)


def concerns(line: Line, channels: set[str], agents: set[str]) -> bool:
    """Whether a line tells of a supervisor who listens unknown to this user."""
    if not channels:
        return False
    listens = line.kind == "request" and line.data.get("by") == "supervisor"
    return listens or bool(line.channels & channels) or str(line.data.get("agent") or "") in agents


def read_all(subjects: Sequence[str], since: datetime | None = None) -> tuple[list[Traced], bool]:
    """Messages of these subjects, and whether nobody could say."""
    try:
        found = [queries.read(subject, since.timestamp() if since else 0.0) for subject in subjects]
    except EngineUnavailable:
        return [], True
    return sorted((message for part in found for message in part), key=lambda message: message.sequence), False


def without_call(line: Line, filters: Filters, own: Collection[str] | None, switch: str) -> bool:
    """Whether the list of what belongs to no call has this line: in time, of the switch or agent that is asked for."""
    kind, _dot, ident = line.subject.partition(".")
    at = as_datetime(line.at)
    if filters.until and at is not None and at >= filters.until:
        return False
    if kind == "agent":
        return (own is None or ident in own) and not switch and filters.agent in ("", ident)
    return not filters.agent and switch in ("", line.switch)


def is_live(one: Call) -> bool:
    return one.ended_at is None or datetime.now(UTC) - one.ended_at < QUIET


def as_text(one: Told) -> str:
    parts = (localtime(one.at, "yyyy-MM-dd HH:mm:ss.SSS"), str(KIND_WORDS.get(one.kind, one.kind)), one.switch, one.who)
    words = f"{one.words}  [{one.outcome}]" if one.outcome else one.words
    return "  ".join((*filter(None, parts), words))


def settings() -> Settings:
    found: Settings = current_app.extensions["callyard_settings"]
    return found
