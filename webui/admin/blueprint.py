"""The frame of the administration pages, and telling worker and engine about a change."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, redirect, url_for
from flask.typing import ResponseReturnValue

from webui.admin import (
    audit_log,
    calendars,
    cities,
    codes,
    departments,
    fields,
    groups,
    lists,
    menus,
    numbers,
    outbound,
    parameters,
    queues,
    reasons,
    rights,
    rules,
    sections,
    site_menu,
    switches,
    trunk_status,
    trunks,
    users,
)
from webui.admin.publish import announce
from webui.common import labels
from webui.common.permissions import Permission, requires, signed_in

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
for part in (
    users,
    departments,
    rights,
    codes,
    cities,
    site_menu,
    fields,
    parameters,
    queues,
    groups,
    numbers,
    menus,
    reasons,
    rules,
    outbound,
    calendars,
    lists,
    trunk_status,
    trunks,
    switches,
    audit_log,
):
    blueprint.register_blueprint(part.blueprint)


def install(app: Flask) -> None:
    labels.install(app)
    trunk_status.install(app)
    audit_log.install()
    app.jinja_env.globals["trunk_statuses"] = trunk_status.statuses
    app.jinja_env.globals["admin_groups"] = sections.groups


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """The first section this user may open."""
    offered = sections.groups()
    if not offered:
        abort(403)
    return redirect(url_for(offered[0].sections[0].endpoint))


@blueprint.post("/publish")
@requires(Permission.ADMIN_QUEUES)
def publish_again() -> ResponseReturnValue:
    """Tell engine and switch once more, after it did not work."""
    announce(switch=True)
    return redirect(url_for("admin.index"), 303)
