"""The record of who did what, newest first, with what stood there before and after."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from webui.admin import queries
from webui.calls.forms import moment
from webui.common import db
from webui.common.permissions import Permission, requires
from webui.common.text import one_line

blueprint = Blueprint("audit_log", __name__, url_prefix="/audit")


@blueprint.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    args = request.args
    found = queries.audit_entries(
        db.session(),
        who=one_line(args.get("who", ""), 64),
        action=one_line(args.get("action", ""), 64),
        thing=one_line(args.get("object", ""), 96),
        since=moment(args.get("since", "").strip()),
        until=moment(args.get("until", "").strip()),
        cursor=args.get("before", ""),
    )
    return render_template("admin/audit.html", page=found, args=args)
