"""DAHDI boards: which spans there are and how they signal, and the wizard that looks what this machine has.

Files for the switch are made of it elsewhere (``dialplan.dahdi``); it must not know them.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.domain.dahdi import HOST, MOST_SPANS, Span, SpanKind, channels, read_spans
from cti.provision.found_boards import find_boards
from cti.settings import Settings
from cti.store.models import Trunk, VoiceBoard
from cti.switch_settings import SwitchSettings
from webui.admin.publish import announce
from webui.boards import queries, words
from webui.boards.span_form import OF_KIND, SpanForm, shown
from webui.common import audit, db
from webui.common.permissions import Permission, requires

blueprint = Blueprint("spans", __name__)


@blueprint.get("/find")
@requires(Permission.BOARDS_WRITE)
def find() -> ResponseReturnValue:
    """What this machine seems to have, and what to do about it."""
    settings: Settings = current_app.extensions["callyard_settings"]
    found = find_boards()
    boards = {name: spans_of(name) for name in queries.dahdi_boards()}
    return render_template(
        "boards/find.html",
        found=found,
        boards=boards,
        fresh={name: found.spans[len(spans) :] for name, spans in boards.items()},
        board=settings.board,
        used={file.strip() for switch in settings.switches() for file in switch.program.split(";")},
        words=words,
    )


@blueprint.post("/<name>/spans/found")
@requires(Permission.BOARDS_WRITE)
def add_found(name: str) -> ResponseReturnValue:
    """Add the spans of this machine's driver that are not in the list yet; how they signal can be changed then."""
    board = load(name)
    fresh = find_boards().spans[len(board.spans) :]
    if not fresh:
        flash(_("Nothing new was found."), "info")
        return redirect(url_for("boards.spans.find"), 303)
    return save(board, [*board.spans, *(span.document() for span in fresh)])


@blueprint.get("/<name>/spans")
@requires(Permission.BOARDS_WRITE)
def index(name: str) -> ResponseReturnValue:
    spans = spans_of(load(name).name)
    return render_template(
        "boards/spans.html", name=name, spans=[described(spans, n) for n in range(1, len(spans) + 1)],
        file=switch_of(name).home / "etc" / "dahdi_system.conf", words=words, most=MOST_SPANS,
    )  # fmt: skip


@blueprint.route("/<name>/spans/new", methods=["GET", "POST"])
@requires(Permission.BOARDS_WRITE)
def new(name: str) -> ResponseReturnValue:
    try:
        kind = SpanKind(request.args.get("kind", ""))
    except ValueError:
        abort(404)
    board = load(name)
    if len(board.spans) >= MOST_SPANS:
        abort(409)
    form = made_form(kind, None)
    if form.validate_on_submit():
        return save(board, [*board.spans, form.document()])
    return show(form, name, 0), 422 if form.is_submitted() else 200


@blueprint.route("/<name>/spans/<int:number>", methods=["GET", "POST"])
@requires(Permission.BOARDS_WRITE)
def edit(name: str, number: int) -> ResponseReturnValue:
    board = load(name)
    span = one_of(board, number)
    form = made_form(span.kind, span)
    if form.validate_on_submit():
        documents = list(board.spans)
        documents[number - 1] = form.document()
        return save(board, documents)
    return show(form, name, number), 422 if form.is_submitted() else 200


@blueprint.post("/<name>/spans/<int:number>/delete")
@requires(Permission.BOARDS_WRITE)
def delete(name: str, number: int) -> ResponseReturnValue:
    """The channels of those after it are counted anew, as DAHDI does."""
    board = load(name)
    one_of(board, number)
    return save(board, [document for at, document in enumerate(board.spans, 1) if at != number])


# ---------------------------------------------------------------- pieces


def switch_of(name: str) -> SwitchSettings:
    switch = queries.dahdi_boards().get(name)
    return switch if switch is not None else abort(404)


def load(name: str) -> VoiceBoard:
    switch_of(name)
    return queries.load(db.session(), name)


def spans_of(name: str) -> tuple[Span, ...]:
    return read_spans(queries.load(db.session(), name).spans or [])


def one_of(board: VoiceBoard, number: int) -> Span:
    spans = read_spans(board.spans or [])
    return spans[number - 1] if 1 <= number <= len(spans) else abort(404)


def described(spans: tuple[Span, ...], number: int) -> dict[str, Any]:
    own = [one.number for one in channels(spans) if one.span == number]
    span = spans[number - 1]
    return {"number": number, "span": span, "first": min(own), "last": max(own), "count": len(own)}


def made_form(kind: SpanKind, span: Span | None) -> SpanForm:
    form = SpanForm(data=shown(span)) if span is not None else SpanForm()
    form.begin(kind)
    form.taken = frozenset(trunk.id for trunk in queries.all_trunks(db.session()) if trunk.host != HOST)
    return form


def show(form: SpanForm, name: str, number: int) -> str:
    trunks = [trunk.id for trunk in queries.all_trunks(db.session()) if trunk.host == HOST]
    fields = OF_KIND[form.kind]
    return render_template(
        "boards/span.html", form=form, name=name, number=number, fields=fields, trunks=trunks, words=words
    )


def save(board: VoiceBoard, documents: list[dict[str, Any]]) -> ResponseReturnValue:
    """The trunks of the spans come into being with them."""
    spans, database = read_spans(documents), db.session()
    before = [words.span(span) for span in read_spans(board.spans or [])]
    board.spans = documents
    for trunk in sorted({span.trunk for span in spans}):
        if database.get(Trunk, trunk) is None:
            database.add(queries.new_trunk(trunk, switch_of(board.name).name))
            audit.record("trunk.create", f"trunk/{trunk}", None, {"host": HOST})
    audit.record("board.spans", f"board/{board.name}", {"spans": before}, {"spans": [words.span(s) for s in spans]})
    database.commit()
    announce(switch=True)
    return redirect(url_for("boards.spans.index", name=board.name), 303)
