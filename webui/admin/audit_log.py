"""The record of who did what, newest first, with what stood there before and after."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from webui.admin import queries
from webui.calls.forms import moment
from webui.common import db
from webui.common.permissions import Permission, requires

blueprint = Blueprint("audit_log", __name__, url_prefix="/audit")


@blueprint.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    args = request.args
    found = queries.audit_entries(
        db.session(),
        who=args.get("who", "").strip()[:64],
        action=args.get("action", "").strip()[:64],
        thing=args.get("object", "").strip()[:96],
        since=moment(args.get("since", "").strip()),
        until=moment(args.get("until", "").strip()),
        cursor=args.get("before", ""),
    )
    return render_template("admin/audit.html", page=found, args=args)
