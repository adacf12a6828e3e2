"""Orders that are being written, kept at the server: by user, customer and call. Must not know the form."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cti.domain.errors import BadRequest
from cti.store.models import OrderDraft
from webui.common import db
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.orders import entry_data

DRAFT_KEY = re.compile(r"\d{1,18}:[A-Za-z0-9_-]{0,40}")
DRAFT_FIELDS, DRAFT_LENGTH = 400, 4_000


def attach(blueprint: Blueprint) -> None:
    blueprint.get("/drafts")(drafts)
    blueprint.get("/draft")(draft)
    blueprint.post("/draft")(keep_draft)
    blueprint.post("/draft/drop")(drop_draft)


@requires(Permission.ORDERS_WRITE)
def drafts() -> ResponseReturnValue:
    found = entry_data.drafts(db.session(), current_user.id)
    return render_template("orders/drafts.html", drafts=found)


@requires(Permission.ORDERS_WRITE)
def draft() -> ResponseReturnValue:
    row = db.session().get(OrderDraft, (current_user.id, draft_key(request.args.get("key", ""))))
    return jsonify(ok=True, draft=entry_data.draft_document(row))


@requires(Permission.ORDERS_WRITE)
def keep_draft() -> ResponseReturnValue:
    given = request.get_json(silent=True)
    values = given.get("values") if isinstance(given, dict) else None
    key = draft_key(given.get("key") if isinstance(given, dict) else "")
    if not isinstance(values, list) or len(values) > DRAFT_FIELDS:
        raise BadRequest("values are needed")
    fields = [[one_line(name, 40), text] for name, text in map(pair, values)]
    if sum(len(text) for _name, text in fields) > DRAFT_LENGTH * 5:
        raise BadRequest("too long for a draft")
    entry_data.keep_draft(db.session(), current_user.id, key, fields)
    db.session().commit()
    return jsonify(ok=True)


@requires(Permission.ORDERS_WRITE)
def drop_draft() -> ResponseReturnValue:
    given = request.get_json(silent=True)
    key = given.get("key") if isinstance(given, dict) else request.form.get("key", "")
    entry_data.drop_draft(db.session(), current_user.id, draft_key(key))
    db.session().commit()
    if request.is_json:
        return jsonify(ok=True)
    return redirect(url_for("orders.drafts"), 303)


def draft_key(value: Any) -> str:
    if not isinstance(value, str) or not DRAFT_KEY.fullmatch(value):
        raise BadRequest("not the key of a draft")
    return value


def pair(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(part, str) for part in value):
        raise BadRequest("a draft is pairs of name and text")
    return value[0], value[1][:DRAFT_LENGTH].replace("\0", "")
