"""The switches of the centre: whether the engine is connected to each, and which configuration is in force.

Reads settings, the engine's document and the folder of releases. Must not know a switch itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from cti.settings import Settings, SwitchSettings
from dialplan.releases import Releases
from webui.common.hub import EventHub
from webui.common.permissions import Permission, requires

blueprint = Blueprint("switches", __name__, url_prefix="/switches")


@dataclass(frozen=True, slots=True)
class Row:
    """``up`` None: the engine does not say. ``since`` the link is there, or lost; ``applied`` when the release was put
    in force. Both are epoch seconds, 0 when not known."""

    switch: SwitchSettings
    up: bool | None
    since: float
    release: str
    applied: float


@blueprint.get("")
@requires(Permission.ADMIN_QUEUES)
def index() -> ResponseReturnValue:
    return render_template("admin/switches.html", rows=rows())


@blueprint.get("/status")
@requires(Permission.ADMIN_QUEUES)
def status() -> ResponseReturnValue:
    """The table alone, for the open page."""
    return render_template("admin/_switches.html", rows=rows())


def rows() -> list[Row]:
    settings: Settings = current_app.extensions["callyard_settings"]
    hub: EventHub = current_app.extensions["callyard_hub"]
    centre = hub.centre()
    told = {str(one.get("name", "")): one for one in centre.get("switches", [])} if centre.get("engine") else {}
    return [_row(switch, told.get(switch.name)) for switch in settings.switches() if not switch.gateway]


def _row(switch: SwitchSettings, told: dict[str, Any] | None) -> Row:
    release = Releases(switch.home, "").in_force() if switch.own else None
    return Row(
        switch=switch,
        up=None if told is None else bool(told.get("up")),
        since=float(told.get("since") or 0.0) if told else 0.0,
        release=release.name if release else "",
        applied=(switch.home / "etc").lstat().st_mtime if release else 0.0,
    )
