"""Listening to a line of a board in the page: its sound as it comes, until the page is left. Who listened to what,
and for how long, is written down.

The board's host is asked for the next piece a few times a second; it forgets who does not ask any more.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import NotFound, ServiceUnavailable

from cti.domain.errors import CallyardError
from webui.boards import queries
from webui.common import audit, db, identity
from webui.common.bus import bus, bus_request, request_engine, unwrap
from webui.common.permissions import Permission, requires

blueprint = Blueprint("listening", __name__)

DEADLINE = 1.5
EVERY = 0.15  # seconds between questions
RECHECK = 15.0  # seconds between looks whether the user may still listen
MOST = 8  # in one process: each takes a thread
SEND_TIMEOUT = 10.0
_free = threading.BoundedSemaphore(MOST)


@blueprint.get("/<name>/lines/<int:line>/listen")
@requires(Permission.SUPERVISE_LISTEN)
def listen(name: str, line: int) -> ResponseReturnValue:
    """16-bit samples at 8 kHz, little-endian, one channel, without an end."""
    if name not in queries.boards():
        raise NotFound
    subject = f"cy.cmd.board.{name}"
    began = request_engine(subject, {"op": "listen", "line": line}, DEADLINE)
    if not _free.acquire(blocking=False):
        request_engine(subject, {"op": "deafen", "listener": began["listener"]}, DEADLINE)
        raise ServiceUnavailable(f"{MOST} listen already")
    audit.record("board.listen", f"board/{name}", None, {"line": line})
    db.session().commit()
    socket = request.environ.get("gunicorn.socket")
    if socket is not None:
        socket.settimeout(SEND_TIMEOUT)
    body = follow(subject, str(began["listener"]), name, line)
    db.release()
    response = Response(body, mimetype="application/octet-stream")
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    response.implicit_sequence_conversion = False
    return response


def follow(subject: str, listener: str, name: str, line: int) -> Iterator[bytes]:
    """The line's sound until the browser leaves, the user may not listen any more, or the board's host ends it."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    user, address = current_user._get_current_object(), request.environ.get("REMOTE_ADDR", "")
    marker, link, began = identity.present_marker(), bus(), time.monotonic()

    def ask(op: str) -> dict[str, object]:
        return unwrap(bus_request(link, subject, {"op": op, "listener": listener}, DEADLINE))

    def finished() -> None:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            seconds = round(time.monotonic() - began)
            audit.record("board.listened", f"board/{name}", None, {"line": line, "seconds": seconds}, user=user)
            db.session().commit()

    def sound() -> Iterator[bytes]:
        checked = time.monotonic()
        try:
            while True:
                if time.monotonic() - checked > RECHECK:
                    if not identity.still_valid(app, user, marker):
                        return
                    checked = time.monotonic()
                if piece := base64.b64decode(str(ask("hear")["sound"])):
                    yield piece
                time.sleep(EVERY)
        except CallyardError:
            return
        finally:
            _free.release()
            try:
                ask("deafen")
            except CallyardError:
                pass  # it forgets by itself
            finished()

    return sound()
