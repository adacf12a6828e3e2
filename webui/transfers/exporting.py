"""A list into a workbook: in portions by key, so that memory and transactions stay small. Runs as the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, literal, select, tuple_

from cti.store import parameters
from cti.store.models import Transfer, TransferState, utc_now
from webui.common import audit, db
from webui.common.permissions import Permission
from webui.transfers import files
from webui.transfers.cells import written
from webui.transfers.registry import LISTS, Column, ListSpec
from webui.transfers.runner import Failed, go_on

PORTION = 500


def export(transfer: Transfer) -> None:
    spec = LISTS[transfer.subject]
    if not (current_user.can(spec.permission) and current_user.can(Permission.LISTS_EXPORT)):
        raise Failed(_("You may not export this list."))
    database = db.session()
    args: Mapping[str, str] = transfer.options.get("args", {})
    query = spec.query(args)
    most = parameters.whole(database, "lists.export_rows")
    counted = select(func.count()).select_from(
        query.with_only_columns(*spec.keys).order_by(None).limit(most + 1).subquery()
    )
    transfer.rows = database.scalar(counted) or 0
    if transfer.rows > most:
        raise Failed(
            _("More than %(most)s rows. Narrow the list down, or let an administrator raise the limit.", most=most)
        )
    transfer.done = 0
    database.commit()
    columns = list(spec.columns())
    path = files.path_of(current_app.extensions["callyard_settings"], transfer.id, files.SHEET)
    headings = [(str(column.title), column.cell) for column in columns]
    written_rows = files.write_sheet(path, headings, rows(transfer, spec, columns, most), str(spec.title))
    transfer.state, transfer.done, transfer.made = TransferState.DONE, written_rows, written_rows
    transfer.rows, transfer.ended_at = written_rows, utc_now()
    told = {"list": spec.name, "rows": written_rows, "filters": dict(args)}
    audit.record("list.export", f"transfer/{transfer.id}", None, told)
    database.commit()


def rows(transfer: Transfer, spec: ListSpec, columns: list[Column], most: int) -> Iterator[list[Any]]:
    database = db.session()
    query = spec.query(transfer.options.get("args", {})).options(*spec.options).order_by(None)
    query = query.order_by(*(key.desc() for key in spec.keys))
    last: Any = None
    while transfer.done < most:
        portion = query if last is None else query.where(tuple_(*spec.keys) < tuple_(*last))
        found = database.scalars(portion.limit(PORTION)).unique().all()
        for row in found:
            yield [written(column, row) for column in columns]
        transfer.done += len(found)
        go_on(transfer)
        last = [literal(getattr(found[-1], key.key), key.type) for key in spec.keys] if found else None
        database.commit()
        database.expunge_all()
        database.add(transfer)
        if len(found) < PORTION:
            return
