"""A file's rows into a list: read, checked without a trace, then stored in portions. Runs as the user.

Progress stands in the same transaction as the rows it tells of: after a restart an import goes on exactly where it
was. Rows that cannot be are kept with the reason, and given back as a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from cti.domain.errors import CallyardError
from cti.store import parameters
from cti.store.models import ImportMapping, Transfer, TransferState, utc_now
from webui.common import audit, db
from webui.common.errors import message_for
from webui.common.permissions import Permission
from webui.transfers import files
from webui.transfers.cells import WrongCell, read, text_of
from webui.transfers.registry import LISTS, Cell, Column, Importer, ListSpec, WrongRow
from webui.transfers.runner import Failed, beat, go_on

PORTION = 200
PREVIEW = 15
REFUSALS = (IntegrityError, CallyardError, WrongRow)
"""With which a single row may be refused while it is stored."""


@dataclass
class Tally:
    """``seen``: keys of rows of this file that came before."""

    made: int = 0
    changed: int = 0
    skipped: int = 0
    wrong: int = 0
    seen: set[Any] = field(default_factory=set)


@dataclass
class Row:
    """One row of the file: ``number`` as Excel counts them; ``values`` or why there are none."""

    number: int
    cells: list[Any]
    values: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    outcome: str = ""


def read_file(transfer: Transfer) -> None:
    """The upload into lines, and a guess which column is which."""
    database, settings = db.session(), current_app.extensions["callyard_settings"]
    most = parameters.whole(database, "lists.import_rows")
    database.commit()
    try:
        transfer.rows = files.read_upload(settings, transfer.id, most, lambda: beat(transfer.id))
    except files.UnreadableFile as error:
        raise Failed(unreadable(error.code)) from error
    headings = [str(cell)[:128] for cell in next(files.lines(where(transfer, files.ROWS)))]
    transfer.options = {**transfer.options, "headings": headings, "mapping": guess(LISTS[transfer.subject], headings)}
    transfer.state = TransferState.MAPPING
    database.commit()


def unreadable(code: str) -> str:
    texts = {
        "empty": _("There is no row below the headings."),
        "broken": _("This is no Excel or CSV file that can be read. Open it in Excel and save it anew as .xlsx."),
        "bomb": _("This file unpacks to far more than a sheet can be. It was not opened."),
        "encrypted": _("This file has a password. Save it without one."),
        "rows": _("There are more rows than an import takes. Cut the file into parts."),
        "columns": _("There are more than 200 columns."),
    }
    return texts.get(code) or _("This file needs too much memory or time. Cut it into parts, or save it as CSV.")


def guess(spec: ListSpec, headings: Sequence[str]) -> dict[str, str]:
    """Place of the heading → column: as the last time, else by name; no column twice."""
    named: dict[str, str] = {}
    for column in spec.columns():
        if column.taken:
            for word in (column.key, str(column.title), *column.also):
                named.setdefault(folded(word), column.key)
    found: dict[str, str] = {}
    for place, heading in enumerate(headings):
        kept = db.session().get(ImportMapping, (spec.name, folded(heading)[:128]))
        wanted = kept.column if kept is not None else named.get(folded(heading), "")
        if wanted in named.values() and wanted not in found.values():
            found[str(place)] = wanted
    return found


def folded(text: str) -> str:
    return "".join(text.lower().split()).rstrip("*:：")


def remember(transfer: Transfer) -> None:
    database = db.session()
    for place, heading in enumerate(transfer.options["headings"]):
        key = folded(heading)[:128]
        if not key:
            continue
        kept = database.get(ImportMapping, (transfer.subject, key)) or ImportMapping(
            subject=transfer.subject, heading=key
        )
        kept.column = transfer.options["mapping"].get(str(place), "")
        database.add(kept)


def check(transfer: Transfer) -> None:
    """What would happen with each row; nothing is stored but the counts, the first rows and the wrong ones."""
    database, tally, preview = db.session(), Tally(), []
    importer = the_importer(transfer)
    remember(transfer)
    with where(transfer, files.WRONG).open("w", encoding="utf-8") as wrong:
        transfer.done = 0
        for portion in portions(transfer):
            for row, _present in judged(portion, importer, transfer, tally):
                if row.outcome == "wrong":
                    note(wrong, row)
                if len(preview) < PREVIEW:
                    preview.append({"number": row.number, "cells": row.cells, "outcome": row.outcome, "why": row.wrong})
            told(transfer, tally, len(portion))
            go_on(transfer)
            database.commit()
    give_back(transfer)
    transfer.options = {**transfer.options, "preview": preview}
    transfer.state, transfer.seen_at = TransferState.CHECKED, utc_now()
    database.commit()


def run(transfer: Transfer) -> None:
    """Store the rows; from the beginning, or from where it was interrupted."""
    database, importer = db.session(), the_importer(transfer)
    tally = Tally(transfer.made, transfer.changed, transfer.skipped, transfer.wrong)
    with where(transfer, files.WRONG).open("a" if transfer.done else "w", encoding="utf-8") as wrong:
        for portion in portions(transfer, stored=True):
            store(portion, importer, transfer, tally, wrong)
    give_back(transfer)
    transfer.state, transfer.ended_at = TransferState.DONE, utc_now()
    counts = {name: getattr(transfer, name) for name in ("rows", "made", "changed", "skipped", "wrong")}
    audit.record("list.import", f"transfer/{transfer.id}", None, {"list": transfer.subject, **counts})
    database.commit()


def store(portion: list[Row], importer: Importer, transfer: Transfer, tally: Tally, wrong: Any) -> None:
    """One portion in one transaction; if the database refuses it, row by row, so that one row costs only itself."""
    database = db.session()
    transfer.seen_at = utc_now()
    database.flush()  # the transaction has begun: on SQLite a savepoint outside of one commits
    before = (tally.made, tally.changed, tally.skipped, tally.wrong, set(tally.seen))
    try:
        with database.begin_nested():
            apply(judged(portion, importer, transfer, tally), importer)
    except REFUSALS:
        tally.made, tally.changed, tally.skipped, tally.wrong, tally.seen = before
        for row in portion:
            row.wrong, row.outcome = row.wrong if not row.values else [], ""
            try:
                with database.begin_nested():
                    apply(judged([row], importer, transfer, tally), importer)
            except REFUSALS as error:
                tally.made -= row.outcome == "new"
                tally.changed -= row.outcome == "change"
                tally.wrong += 1
                row.outcome, row.wrong = "wrong", [reason(error)]
    for row in portion:
        if row.outcome == "wrong":
            note(wrong, row)
    wrong.flush()
    told(transfer, tally, len(portion))
    go_on(transfer)
    database.commit()
    database.expunge_all()
    database.add(transfer)


def reason(error: Exception) -> str:
    if isinstance(error, IntegrityError):
        return _("The database refused this row: something in it is there already.")
    if isinstance(error, CallyardError):
        return message_for(error.code, error.params)
    return str(error)


def apply(rows: Iterator[tuple[Row, Any]], importer: Importer) -> None:
    """A row that is twice in the portion changes what its first coming made."""
    database = db.session()
    made: list[Any] = []
    fresh: dict[Any, Any] = {}
    for row, present in rows:
        if row.outcome not in ("new", "change"):
            continue
        there = (
            present if present is not None else next((fresh[k] for k in importer.keys(row.values) if k in fresh), None)
        )
        if row.outcome == "change" and there is not None:
            importer.change(database, there, row.values)
            continue
        made.append(importer.make(database, row.values))
        fresh.update((key, made[-1]) for key in importer.keys(row.values))
    database.flush()
    for one in made:
        importer.made(one)


def judged(portion: list[Row], importer: Importer, transfer: Transfer, tally: Tally) -> Iterator[tuple[Row, Any]]:
    """Each row with its outcome (new, change, skip, wrong) and the row of the list that it is, if there is one."""
    mode = transfer.options.get("duplicates", "skip")
    good = [row.values for row in portion if not row.wrong]
    found = importer.find(db.session(), good) if good else {}
    for row in portion:
        keys: tuple[Any, ...] = importer.keys(row.values) if not row.wrong else ()
        present = next((found[key] for key in keys if key in found), None)
        twice = present is not None or any(key in tally.seen for key in keys)
        row.outcome = "wrong" if row.wrong else "new" if not twice or mode == "new" else mode
        row.outcome = {"update": "change"}.get(row.outcome, row.outcome)
        if row.outcome in ("new", "change") and (why := importer.wrong(db.session(), row.values, present)):
            row.outcome, row.wrong = "wrong", [why]
            keys = ()
        tally.seen.update(keys)
        tally.made += row.outcome == "new"
        tally.changed += row.outcome == "change"
        tally.skipped += row.outcome == "skip"
        tally.wrong += row.outcome == "wrong"
        yield row, present


def portions(transfer: Transfer, *, stored: bool = False) -> Iterator[list[Row]]:
    """The rows that are not through yet, read into values. ``stored``: each portion is going to be a transaction."""
    spec = LISTS[transfer.subject]
    columns = {column.key: column for column in spec.columns() if column.taken}
    mapping = {int(place): columns[key] for place, key in transfer.options["mapping"].items() if key in columns}
    lines = enumerate(islice(files.lines(where(transfer, files.ROWS)), transfer.done + 1, None), transfer.done + 2)
    codes: dict[tuple[str, Any], Any] = {}
    portion: list[Row] = []
    for number, cells in lines:
        row = parsed(number, cells, mapping, codes)
        alone = stored and not row.wrong and spec.alone(row.values)
        if portion and (alone or len(portion) == PORTION):
            yield portion
            portion = []
        portion.append(row)
        if alone:
            yield portion
            portion = []
    if portion:
        yield portion


def parsed(number: int, cells: list[Any], mapping: Mapping[int, Column], codes: dict[tuple[str, Any], Any]) -> Row:
    """``codes``: the codes that cells of rows before this one meant, so that their words are looked up once."""
    row = Row(number, cells)
    for place, column in mapping.items():
        raw = cells[place] if place < len(cells) else None
        try:
            if not column.codes:
                row.values[column.key] = read(column, raw)
            elif (column.key, raw) in codes:
                row.values[column.key] = codes[column.key, raw]
            else:
                row.values[column.key] = codes[column.key, raw] = read(column, raw)
        except WrongCell as error:
            row.wrong.append(str(error))
    if row.wrong:
        row.values = {}
    return row


def the_importer(transfer: Transfer) -> Importer:
    spec = LISTS[transfer.subject]
    may = spec.importer is not None and current_user.can(spec.importer.permission)
    if spec.importer is None or not may or not current_user.can(Permission.LISTS_IMPORT):
        raise Failed(_("You may not import into this list."))
    return spec.importer()


def told(transfer: Transfer, tally: Tally, rows: int) -> None:
    transfer.done += rows
    transfer.made, transfer.changed = tally.made, tally.changed
    transfer.skipped, transfer.wrong = tally.skipped, tally.wrong


def note(wrong: Any, row: Row) -> None:
    wrong.write(json.dumps({"number": row.number, "cells": row.cells, "why": row.wrong}) + "\n")


def give_back(transfer: Transfer) -> None:
    """The wrong rows as a workbook: as they came, with the reason in front; it can be mended and sent again."""
    path = where(transfer, files.WRONG_SHEET)
    found = {entry["number"]: entry for entry in files.lines(where(transfer, files.WRONG))}
    if not found:
        path.unlink(missing_ok=True)
        return
    headings = [(_("Row"), Cell.WHOLE), (_("What is wrong"), Cell.TEXT)]
    headings += [(heading, Cell.TEXT) for heading in transfer.options["headings"]]
    width = len(headings)
    rows = (
        [entry["number"], "; ".join(entry["why"]), *(text_of(cell) for cell in entry["cells"])][:width]
        for entry in (found[number] for number in sorted(found))
    )
    files.write_sheet(path, headings, rows, _("Rows to mend"))


def where(transfer: Transfer, what: str) -> Any:
    return files.path_of(current_app.extensions["callyard_settings"], transfer.id, what)
