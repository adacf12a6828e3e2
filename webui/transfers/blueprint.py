"""Pages of transfers: start an export, send a file, say which column is which, look at what would happen, watch it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import delete, select

from cti.store import parameters
from cti.store.models import Transfer, TransferState, utc_now
from webui.common import audit, db
from webui.common.htmx import is_fragment
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires, signed_in
from webui.common.text import one_line
from webui.transfers import exporting, files, goods_lists, importing, lists, money_lists, setup_lists, shop_lists
from webui.transfers.cells import text_of
from webui.transfers.registry import LISTS, ListSpec
from webui.transfers.runner import BUSY, runner, settle
from webui.transfers.runner import install as install_runner

blueprint = Blueprint("transfers", __name__, url_prefix="/transfers")

ROOM = 64 * 1024
"""Bytes of an upload's form beside the file."""
FINAL = (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED, TransferState.INTERRUPTED)
MANY = 50


def install(app: Flask) -> None:
    install_runner(app)
    for part in (lists, goods_lists, money_lists, shop_lists, setup_lists):
        part.install()
    app.jinja_env.globals["may_import"] = may_import
    app.jinja_env.globals["may_export"] = may_export


@blueprint.url_value_preprocessor
def larger_uploads(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything reads the form: who may import may send more than other forms may hold."""
    if endpoint == "transfers.upload" and current_user.is_authenticated and current_user.can(Permission.LISTS_IMPORT):
        request.max_content_length = parameters.whole(db.session(), "lists.file_megabytes") * 1024 * 1024 + ROOM


def may_export(name: str) -> bool:
    spec = LISTS.get(name)
    return spec is not None and current_user.can(spec.permission) and current_user.can(Permission.LISTS_EXPORT)


def may_import(name: str) -> bool:
    spec = LISTS.get(name)
    importer = spec.importer if spec else None
    return (
        importer is not None and current_user.can(importer().permission) and current_user.can(Permission.LISTS_IMPORT)
    )


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """The user's own transfers, the newest first."""
    mine = select(Transfer).where(Transfer.user_id == current_user.id).order_by(Transfer.created_at.desc()).limit(MANY)
    rows = [settle(transfer) for transfer in db.session().scalars(mine)]
    return render_template("transfers/index.html", rows=rows, lists=LISTS)


@blueprint.post("/export/<name>")
@requires(Permission.LISTS_EXPORT)
def export(name: str) -> ResponseReturnValue:
    spec = load_list(name)
    if not may_export(name):
        abort(403)
    sent = {key: one_line(value, 200) for key, value in request.form.items() if key not in ("csrf_token", "before")}
    args = {key: value for key, value in sent.items() if value}
    transfer = begin("export", spec, {"args": args}, TransferState.RUNNING)
    transfer.file_name = f"{spec.name}-{utc_now():%Y%m%d-%H%M}.xlsx"
    db.session().commit()
    runner().start(transfer.id, request.remote_addr or "", exporting.export)
    return redirect(url_for("transfers.show", transfer_id=transfer.id), 303)


@blueprint.get("/import/<name>")
@requires(Permission.LISTS_IMPORT)
def choose(name: str) -> ResponseReturnValue:
    spec = load_list(name)
    if not may_import(name):
        abort(403)
    return upload_page(spec)


@blueprint.post("/import/<name>")
@requires(Permission.LISTS_IMPORT)
def upload(name: str) -> ResponseReturnValue:
    spec = load_list(name)
    if not may_import(name):
        abort(403)
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return upload_page(spec, _("Choose a file.")), 422
    transfer = begin("import", spec, {}, TransferState.READING)
    transfer.file_name = one_line(Path(sent.filename.replace("\\", "/")).name, 128)
    sent.save(files.path_of(current_app.extensions["callyard_settings"], transfer.id, files.UPLOAD))
    db.session().commit()
    runner().start(transfer.id, request.remote_addr or "", importing.read_file)
    return redirect(url_for("transfers.show", transfer_id=transfer.id), 303)


@blueprint.get("/<transfer_id>")
@signed_in
def show(transfer_id: str) -> ResponseReturnValue:
    transfer = load(transfer_id)
    template = "transfers/_state.html" if is_fragment() else "transfers/show.html"
    return render_template(template, **facts(transfer))


@blueprint.post("/<transfer_id>/check")
@requires(Permission.LISTS_IMPORT)
def check(transfer_id: str) -> ResponseReturnValue:
    transfer = load(transfer_id, TransferState.MAPPING, TransferState.CHECKED)
    spec = LISTS[transfer.subject]
    mapping, error = read_mapping(spec, len(transfer.options["headings"]))
    duplicates = request.form.get("duplicates", "")
    transfer.options = {**transfer.options, "mapping": mapping}
    if error or duplicates not in modes(spec):
        return render_template("transfers/show.html", **facts(transfer), error=error), 422
    transfer.options = {**transfer.options, "duplicates": duplicates}
    start(transfer, TransferState.CHECKING, importing.check)
    return redirect(url_for("transfers.show", transfer_id=transfer.id), 303)


@blueprint.post("/<transfer_id>/back")
@requires(Permission.LISTS_IMPORT)
def back(transfer_id: str) -> ResponseReturnValue:
    """From the look at what would happen to the columns again."""
    transfer = load(transfer_id, TransferState.CHECKED)
    transfer.state = TransferState.MAPPING
    db.session().commit()
    return redirect(url_for("transfers.show", transfer_id=transfer.id), 303)


@blueprint.post("/<transfer_id>/run")
@requires(Permission.LISTS_IMPORT)
def run(transfer_id: str) -> ResponseReturnValue:
    transfer = load(transfer_id, TransferState.CHECKED)
    for name in ("done", "made", "changed", "skipped", "wrong"):
        setattr(transfer, name, 0)
    start(transfer, TransferState.RUNNING, importing.run)
    return redirect(url_for("transfers.show", transfer_id=transfer.id), 303)


@blueprint.post("/<transfer_id>/again")
@signed_in
def again(transfer_id: str) -> ResponseReturnValue:
    """Go on after an interruption: an import where it was, everything else from the beginning."""
    transfer = load(transfer_id, TransferState.INTERRUPTED)
    if transfer.way == "export":
        start(transfer, TransferState.RUNNING, exporting.export)
    elif "preview" in transfer.options:
        start(transfer, TransferState.RUNNING, importing.run)
    elif "duplicates" in transfer.options:
        start(transfer, TransferState.CHECKING, importing.check)
    else:
        start(transfer, TransferState.READING, importing.read_file)
    return redirect(url_for("transfers.show", transfer_id=transfer.id), 303)


@blueprint.post("/<transfer_id>/stop")
@signed_in
def stop(transfer_id: str) -> ResponseReturnValue:
    transfer = load(transfer_id)
    if transfer.state in BUSY:
        transfer.stop = True
    elif transfer.state not in FINAL:
        transfer.state, transfer.ended_at = TransferState.CANCELLED, utc_now()
    db.session().commit()
    return redirect(url_for("transfers.show", transfer_id=transfer.id), 303)


@blueprint.get("/<transfer_id>/file")
@requires(Permission.LISTS_EXPORT)
def download(transfer_id: str) -> ResponseReturnValue:
    transfer = load(transfer_id, TransferState.DONE)
    if not may_export(transfer.subject):
        abort(403)
    audit.record("list.download", f"transfer/{transfer.id}", None, {"list": transfer.subject, "rows": transfer.rows})
    db.session().commit()
    return sheet(transfer, files.SHEET, transfer.file_name)


@blueprint.get("/<transfer_id>/wrong")
@requires(Permission.LISTS_IMPORT)
def wrong(transfer_id: str) -> ResponseReturnValue:
    transfer = load(transfer_id)
    return sheet(transfer, files.WRONG_SHEET, f"{Path(transfer.file_name).stem}-{_('to mend')}.xlsx")


def sheet(transfer: Transfer, what: str, name: str) -> Response:
    path = files.path_of(current_app.extensions["callyard_settings"], transfer.id, what)
    if transfer.state in BUSY or not path.exists():
        abort(404)
    return send_file(path.resolve(), as_attachment=True, download_name=name, max_age=0)


def start(transfer: Transfer, state: TransferState, work: Any) -> None:
    transfer.state, transfer.seen_at, transfer.stop, transfer.error = state, utc_now(), False, ""
    if state is not TransferState.RUNNING:
        transfer.done = 0
    db.session().commit()
    runner().start(transfer.id, request.remote_addr or "", work)


def begin(way: str, spec: ListSpec, options: dict[str, Any], state: TransferState) -> Transfer:
    clear_old()
    transfer = Transfer(way=way, subject=spec.name, user_id=current_user.id, options=options, state=state)
    db.session().add(transfer)
    db.session().flush()
    return transfer


def clear_old() -> None:
    """Files and rows of transfers that nobody needs any more."""
    from datetime import timedelta

    database, settings = db.session(), current_app.extensions["callyard_settings"]
    before = utc_now() - timedelta(days=parameters.whole(database, "lists.keep_days"))
    for transfer_id in database.scalars(select(Transfer.id).where(Transfer.created_at < before).limit(100)).all():
        files.remove(settings, transfer_id)
        database.execute(delete(Transfer).where(Transfer.id == transfer_id))


def load_list(name: str) -> ListSpec:
    if name not in LISTS:
        abort(404)
    return LISTS[name]


def load(transfer_id: str, *states: TransferState) -> Transfer:
    """The user's own transfer; 409 when it is in none of ``states``."""
    found = db.session().get(Transfer, transfer_id) if valid_id(transfer_id) else None
    if found is None or found.subject not in LISTS:
        abort(404)
    if found.user_id != current_user.id:
        abort(403)
    settle(found)
    if states and found.state not in states:
        abort(409)
    return found


def read_mapping(spec: ListSpec, headings: int) -> tuple[dict[str, str], str]:
    """Place → column as chosen in the page, and what is wrong with it."""
    columns = {column.key: column for column in spec.columns() if column.taken}
    chosen = {str(place): request.form.get(f"column-{place}", "") for place in range(headings)}
    mapping = {place: key for place, key in chosen.items() if key in columns}
    twice = sorted({str(columns[key].title) for key in mapping.values() if list(mapping.values()).count(key) > 1})
    if twice:
        return mapping, _("Chosen twice: %(columns)s", columns=", ".join(twice))
    missing = [str(column.title) for key, column in columns.items() if column.required and key not in mapping.values()]
    if missing:
        return mapping, _("Without these columns nothing can be imported: %(columns)s", columns=", ".join(missing))
    return mapping, ""


def modes(spec: ListSpec) -> tuple[str, ...]:
    return spec.importer().modes if spec.importer is not None else ()


def facts(transfer: Transfer) -> dict[str, Any]:
    spec = LISTS[transfer.subject]
    settings = current_app.extensions["callyard_settings"]
    samples: list[list[Any]] = []
    if transfer.state is TransferState.MAPPING:
        lines = files.lines(files.path_of(settings, transfer.id, files.ROWS))
        samples = [[text_of(cell) for cell in row] for _place, row in zip(range(4), lines, strict=False)][1:]
    return {
        "transfer": transfer,
        "spec": spec,
        "modes": modes(spec),
        "columns": [column for column in spec.columns() if column.taken],
        "samples": samples,
        "busy": transfer.state in BUSY,
        "final": transfer.state in FINAL,
        "has_wrong": files.path_of(settings, transfer.id, files.WRONG_SHEET).exists(),
        "share": min(100, round(100 * transfer.done / transfer.rows)) if transfer.rows else 0,
        "home": url_for(spec.home) if spec.home in current_app.view_functions else "",
    }


def upload_page(spec: ListSpec, error: str = "") -> str:
    most = parameters.whole(db.session(), "lists.import_rows")
    largest = parameters.whole(db.session(), "lists.file_megabytes")
    columns = [column for column in spec.columns() if column.taken]
    return render_template("transfers/upload.html", spec=spec, error=error, most=most, largest=largest, columns=columns)
