"""The page of voice boards: lines, states and levels as they change; block, test tone, and the plan of the lines.

What is live is asked of the board's host each time; it must not know how a host works.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.domain.dahdi import BOARD_PREFIX, channels
from cti.domain.errors import BadRequest, CallyardError, CommandRefused
from cti.settings import Settings
from cti.store.models import VoiceBoard
from webui.admin.publish import announce
from webui.boards import forms, listening, queries, spans, words
from webui.common import audit, db
from webui.common.bus import request_engine
from webui.common.labels import LABELS
from webui.common.permissions import Permission, requires

blueprint = Blueprint("boards", __name__, url_prefix="/boards")
blueprint.register_blueprint(spans.blueprint)
blueprint.register_blueprint(listening.blueprint)

DEADLINE = 1.5
PATTERNS = {
    "number": re.compile(r"[0-9]{3,20}"),
    "dialed": re.compile(r"[0-9*#]{1,20}"),
    "digits": re.compile(r"[0-9*#]{0,8}"),
}


def install(app: Flask) -> None:
    LABELS["audit"] |= words.AUDIT


@blueprint.get("")
@requires(Permission.BOARDS_READ)
def index() -> ResponseReturnValue:
    return render_template(
        "boards/index.html",
        boards=[live(name) for name in queries.boards()],
        numbers=queries.numbers(db.session()),
        words=words,
    )


@blueprint.get("/<name>/lines")
@requires(Permission.BOARDS_READ)
def lines(name: str) -> ResponseReturnValue:
    """The table alone, for the open page."""
    return render_template("boards/_lines.html", board=live(known(name)), words=words)


@blueprint.get("/<name>/plan")
@requires(Permission.BOARDS_WRITE)
def plan(name: str) -> ResponseReturnValue:
    form = plan_form(known(name))
    form.fill(queries.load(db.session(), name))
    return show_plan(name, form)


@blueprint.post("/<name>/plan")
@requires(Permission.BOARDS_WRITE)
def change_plan(name: str) -> ResponseReturnValue:
    form = plan_form(known(name))
    if not form.read(request.form):
        return show_plan(name, form), 422
    board = queries.load(db.session(), name)
    before = snapshot(board)
    form.write(board)
    audit.record("board.plan", f"board/{name}", before, snapshot(board))
    db.session().commit()
    announce(switch=is_dahdi(name))
    return redirect(url_for("boards.index"), 303)


@blueprint.post("/<name>/lines/<int:line>/block")
@requires(Permission.BOARDS_WRITE)
def block(name: str, line: int) -> ResponseReturnValue:
    """Take the line out of service, or put it back; a call that is on it goes on."""
    board = queries.load(db.session(), known(name))
    entry = queries.line_of(board, existing(name, line))
    before = {"line": line, "blocked": entry.blocked}
    entry.blocked = request.form.get("blocked") == "1"
    after = {"line": line, "blocked": entry.blocked}
    audit.record("board.block" if entry.blocked else "board.unblock", f"board/{name}", before, after)
    db.session().commit()
    announce(switch=is_dahdi(name))
    return redirect(url_for("boards.index"), 303)


@blueprint.post("/<name>/lines/<int:line>/test")
@requires(Permission.BOARDS_WRITE)
def test(name: str, line: int) -> ResponseReturnValue:
    """Ring the telephone; who lifts it hears a tone."""
    audit.record("board.test", f"board/{known(name)}", None, {"line": line})
    db.session().commit()
    ask(name, op="test", line=line)
    flash(_("Line %(line)s rings; who lifts the telephone hears 1,000 Hz for five seconds.", line=line), "success")
    return redirect(url_for("boards.index"), 303)


@blueprint.post("/<name>/lines/<int:line>/hand")
@requires(Permission.BOARDS_WRITE)
def hand(name: str, line: int) -> ResponseReturnValue:
    """What somebody at the far end of a simulated line does."""
    what = request.form.get("what", "")
    if what not in words.HANDS:
        raise BadRequest("unknown", field="what")
    ask(known(name), op="hand", line=line, what=what)
    return render_template("boards/_lines.html", board=live(name), words=words)


@blueprint.post("/<name>/call")
@requires(Permission.BOARDS_WRITE)
def call(name: str) -> ResponseReturnValue:
    """A caller on a free outside line of a simulated board."""
    given = {field: request.form.get(field, "") for field in PATTERNS}
    for field, pattern in PATTERNS.items():
        if not pattern.fullmatch(given[field]):
            raise BadRequest(f"{field} is not right", field=field)
    audit.record("board.call", f"board/{known(name)}", None, given)
    db.session().commit()
    caller = {"dialed": given["dialed"], "caller_number": given["number"], "caller_name": "", "digits": given["digits"]}
    if name in gateways():
        ask(name, op="execute", command={"kind": "TestCall", **caller, "digit_after": 3.0, "max_seconds": 300.0})
    else:
        request_engine("cy.cmd.centre", {"op": "test_call", **caller, "switch": name})
    flash(_("A caller rings on an outside line."), "success")
    return redirect(url_for("boards.index"), 303)


# ---------------------------------------------------------------- pieces


def is_dahdi(name: str) -> bool:
    return name.startswith(BOARD_PREFIX)


def gateways() -> set[str]:
    """Boards that the engine does not know: their lines are calls of a softswitch."""
    settings: Settings = current_app.extensions["callyard_settings"]
    return {switch.name for switch in settings.switches() if switch.gateway}


def known(name: str) -> str:
    if name not in queries.boards():
        abort(404)
    return name


def ask(name: str, **question: Any) -> dict[str, Any]:
    return request_engine(f"cy.cmd.board.{name}", question, DEADLINE)


def live(name: str) -> dict[str, Any]:
    """``up`` false when the host does not answer: then the lines are those of the plan."""
    shared = {"name": name, "dahdi": is_dahdi(name), "vendor": "", "simulated": False, "listens": False, "lines": []}
    try:
        answer = ask(name, op="lines")
    except CallyardError:
        return {**shared, "up": False}
    lines = list(answer.get("lines", []))
    if is_dahdi(name):
        planned = queries.planned(db.session(), name)
        agents = talking() if any(line["channel"] for line in lines) else {}
        lines = [
            {
                **line,
                "dialed": planned[line["line"]].dialed if line["line"] in planned else "",
                "agent": agents.get(line["channel"], ""),
            }
            for line in lines
        ]
    return {**shared, **answer, "up": True, "lines": lines}


def talking() -> dict[str, str]:
    """By channel: the agent who talks in its call, and can be listened to by telephone."""
    try:
        calls = request_engine("cy.cmd.centre", {"op": "calls"}, DEADLINE)["calls"]
    except CallyardError:
        return {}
    found = {}
    for call in calls:
        legs = [leg for leg in call["legs"] if leg["ended_at"] is None and not leg.get("listens")]
        agent = next((leg["agent_id"] for leg in legs if leg["agent_id"] and leg["joined"]), "")
        found |= {leg["channel"]: agent for leg in legs if agent}
    return found


def existing(name: str, line: int) -> int:
    """A line that the board or its plan has. Raises ``CommandRefused``."""
    there = {one["line"] for one in live(name)["lines"]} | set(queries.planned(db.session(), name))
    if is_dahdi(name):
        there |= {one.number for one in channels(spans.spans_of(name))}
    if line not in there:
        raise CommandRefused("there is no such line", line=line)
    return line


def plan_form(name: str) -> forms.PlanForm:
    database = db.session()
    choices = {
        "dialed": queries.numbers(database),
        "trunk": queries.trunks(database),
        "device": queries.telephones(database),
    }
    if is_dahdi(name):
        found = channels(spans.spans_of(name))
        kinds = [{"line": one.number, "kind": "extension" if one.telephone else "trunk"} for one in found]
        return forms.PlanForm(kinds, choices, forms.DAHDI_FIELDS)
    told = live(name)["lines"]
    rows = told or [
        {"line": line.line, "kind": "extension" if line.device else "trunk"}
        for line in queries.planned(database, name).values()
    ]
    return forms.PlanForm(rows, choices)


def show_plan(name: str, form: forms.PlanForm) -> str:
    return render_template(
        "boards/plan.html", name=name, form=form, words=words, fields=form.fields, dahdi=is_dahdi(name)
    )


def snapshot(board: VoiceBoard) -> dict[str, Any]:
    lines = {
        str(line.line): " ".join(part for part in (line.dialed, line.trunk, line.device) if part)
        for line in board.lines
    }
    return {"hunt": board.hunt, **lines}
