"""``/events``: the live stream of a browser. Whole state first, then changes, a beat every 15 s; never compressed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import ServiceUnavailable

from webui.common import db, identity
from webui.common.bus import bus
from webui.common.hub import EventHub, Reader
from webui.common.identity import CurrentUser
from webui.common.pages import viewer
from webui.common.permissions import signed_in
from webui.common.viewer import Viewer

blueprint = Blueprint("events", __name__)

BEAT = 15.0
RECHECK = 60.0  # seconds between looks whether the user may still listen
KEEP_FREE = 32  # threads that pages and commands always have for themselves
SEND_TIMEOUT = 20.0  # seconds a browser may leave a full socket before it is dropped


def install(app: Flask) -> None:
    with app.app_context():
        app.extensions["callyard_hub"] = EventHub(bus())


@blueprint.get("/events")
@signed_in
def stream() -> ResponseReturnValue:
    hub: EventHub = current_app.extensions["callyard_hub"]
    limit = max(8, current_app.extensions["callyard_settings"].web_threads - KEEP_FREE)
    if hub.open >= limit:
        raise ServiceUnavailable(f"more than {limit} open pages; raise CALLYARD_WEB_THREADS")
    socket = request.environ.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(SEND_TIMEOUT)
    body = follow(hub, viewer(), current_user._get_current_object())
    db.release()
    response = Response(body, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    response.implicit_sequence_conversion = False
    return response


def follow(hub: EventHub, seen_by: Viewer, user: CurrentUser) -> Iterator[str]:
    """The stream's text until the browser leaves, ``user`` is another one than at its begin, or the site ends."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    marker = identity.present_marker()

    def events() -> Iterator[str]:
        reader = hub.join()
        checked = sent = time.monotonic()
        try:
            yield "retry: 1500\n\n"
            while not reader.ended:
                text = next_text(reader, seen_by, sent + BEAT - time.monotonic())
                if time.monotonic() - checked > RECHECK:
                    if not identity.still_valid(app, user, marker):
                        return
                    checked = time.monotonic()
                if text:
                    sent = time.monotonic()
                    yield text
        finally:
            hub.leave(reader)

    return events()


def next_text(reader: Reader, seen_by: Viewer, wait: float) -> str:
    """The next event as text, empty when it is not for this user; a beat when ``wait`` seconds bring nothing."""
    item = reader.take(wait) if wait > 0 else None
    if item is None:
        return encode("beat", {})
    kind, document = item
    seen: dict[str, Any] | None = document
    if kind == "agent":
        seen = seen_by.agent(document)
    elif kind == "queue":
        seen = seen_by.queue(document)
    elif kind == "centre":
        seen = seen_by.centre(document)
    elif kind == "trunk_test":
        seen = document if seen_by.trunks else None
    elif kind == "phone":
        seen = document if document["agent_id"] == seen_by.agent_id else None
    elif kind == "reminder":
        seen = document if document["user_id"] in ("", seen_by.user_id) else None
    return "" if seen is None else encode(kind, seen)


def encode(kind: str, document: dict[str, Any]) -> str:
    """One server-sent event; JSON holds no raw line break."""
    return f"event: {kind}\ndata: {json.dumps(document, separators=(',', ':'))}\n\n"
