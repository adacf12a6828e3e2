"""The frame of the administration pages, and telling worker and engine about a change."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

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

SECTIONS = (
    ("admin.users.index", Permission.ADMIN_USERS),
    ("admin.departments.index", Permission.ADMIN_USERS),
    ("admin.rights.roles", Permission.ADMIN_USERS),
    ("admin.codes.index", Permission.ADMIN_FIELDS),
    ("admin.cities.index", Permission.ADMIN_FIELDS),
    ("admin.site_menu.index", Permission.ADMIN_FIELDS),
    ("admin.fields.index", Permission.ADMIN_FIELDS),
    ("admin.parameters.index", Permission.ADMIN_FIELDS),
    ("admin.queues.index", Permission.ADMIN_QUEUES),
    ("admin.groups.index", Permission.ADMIN_QUEUES),
    ("admin.numbers.index", Permission.ADMIN_QUEUES),
    ("admin.menus.index", Permission.ADMIN_QUEUES),
    ("admin.rules.index", Permission.ADMIN_QUEUES),
    ("admin.outbound.index", Permission.ADMIN_QUEUES),
    ("admin.calendars.index", Permission.CALENDAR_OVERRIDE),
    ("admin.lists.index", Permission.ADMIN_QUEUES),
    ("admin.reasons.index", Permission.ADMIN_QUEUES),
    ("admin.trunks.index", Permission.ADMIN_QUEUES),
    ("admin.switches.index", Permission.ADMIN_QUEUES),
    ("admin.audit_log.index", Permission.AUDIT_READ),
)


def install(app: Flask) -> None:
    labels.install(app)
    trunk_status.install(app)
    audit_log.install()
    app.jinja_env.globals["trunk_statuses"] = trunk_status.statuses


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """The first section this user may open."""
    endpoint = next((endpoint for endpoint, permission in SECTIONS if current_user.can(permission)), None)
    if endpoint is None:
        abort(403)
    return redirect(url_for(endpoint))


@blueprint.post("/publish")
@requires(Permission.ADMIN_QUEUES)
def publish_again() -> ResponseReturnValue:
    """Tell engine and switch once more, after it did not work."""
    announce(switch=True)
    return redirect(url_for("admin.index"), 303)
