"""The record of who did what, newest first: what stood there before and after, side by side; also as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from sqlalchemy import Select

from cti.store.models import AuditEntry
from webui.admin import queries
from webui.admin.audit_refs import Names
from webui.admin.audit_words import field_words, object_words, parted, value_words
from webui.calls.forms import moment
from webui.common import db
from webui.common.labels import LABELS, label
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.transfers.registry import Cell, Column, ListSpec, declare

blueprint = Blueprint("audit_log", __name__, url_prefix="/audit")


@blueprint.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    args = request.args
    found = queries.audit_entries(db.session(), entries(args), args.get("before", ""))
    actions = sorted(((code, str(words)) for code, words in LABELS["audit"].items()), key=lambda pair: pair[1])
    names = Names(db.session(), found.rows)
    words = {"compared": partial(compared, names), "object_words": lambda thing: object_words(names.object(thing))}
    return render_template("admin/audit.html", page=found, args=args, actions=actions, **words)


def entries(args: Mapping[str, str]) -> Select[Any]:
    """What the filters of the page, or of its export, leave."""
    return queries.audit_query(
        who=one_line(args.get("who", ""), 64),
        action=one_line(args.get("action", ""), 64),
        thing=one_line(args.get("object", ""), 96),
        address=one_line(args.get("address", ""), 64),
        since=moment(args.get("since", "").strip()),
        until=moment(args.get("until", "").strip()),
    )


def compared(names: Names, entry: AuditEntry) -> list[tuple[str, str, str, bool]]:
    """Rows (field, before, after, differs) of an entry; what was empty and stayed so is left out."""
    before, after = entry.before or {}, entry.after or {}
    kind = parted(entry.object)[0]

    def said(side: dict[str, Any], field: str) -> str:
        return value_words(entry.object, field, names.value(kind, field, side.get(field)))

    fields = [*before, *(field for field in after if field not in before)]
    rows = [
        (
            field_words(entry.object, field),
            said(before, field),
            said(after, field),
            before.get(field) != after.get(field),
        )
        for field in fields
    ]
    return [row for row in rows if row[1] or row[2]]


def side(name: str, entry: AuditEntry) -> str:
    found = getattr(entry, name)
    return "" if not found else json.dumps(found, ensure_ascii=False)


def columns() -> list[Column]:
    return [
        Column("at", _("Time"), lambda entry: entry.at, Cell.TIME),
        Column("username", _("User name"), lambda entry: entry.username),
        Column("action", _("Action"), lambda entry: label(entry.action, "audit")),
        Column("code", _("Code"), lambda entry: entry.action),
        Column("object", _("Object"), lambda entry: entry.object),
        Column("before", _("Before"), lambda entry: side("before", entry)),
        Column("after", _("After"), lambda entry: side("after", entry)),
        Column("address", _("Address"), lambda entry: entry.address),
    ]


def install() -> None:
    declare(
        ListSpec(
            "audit", _("Audit"), Permission.AUDIT_READ, columns, entries, AuditEntry.id, home="admin.audit_log.index"
        )
    )
