"""What views need to know of htmx: is this a fragment, how to send the browser elsewhere, how to show a toast."""

from __future__ import annotations

import json

from flask import Flask, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def is_fragment() -> bool:
    """htmx wants a piece of a page; a boosted link or a restored history entry wants the page."""
    return (
        is_htmx()
        and request.headers.get("HX-Boosted") != "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def wants_json() -> bool:
    return request.is_json or request.accept_mimetypes.best == "application/json"


def go(url: str) -> ResponseReturnValue:
    """Redirect the whole page, by header where htmx asked."""
    if is_htmx():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)


def announce(response: Response, text: str, what: str = "") -> Response:
    """Toast ``text`` and tell the page (``cy:saved``) that something was saved, so that panels load anew."""
    return trigger(toast(response, text), "cy:saved", {"what": what or request.blueprint or ""})


def toast(response: Response, text: str, kind: str = "success") -> Response:
    """Have the browser show ``text``; ``kind`` is ``success``, ``warning`` or ``danger``."""
    return trigger(response, "cy:toast", {"text": text, "kind": kind})


def trigger(response: Response, event: str, detail: dict[str, str]) -> Response:
    """Add one event for the page to those the response carries already."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    response.headers["HX-Trigger"] = json.dumps(events | {event: detail})
    return response


def install(app: Flask) -> None:
    app.after_request(_only_main)


def _only_main(response: Response) -> Response:
    """A boosted link brings a whole page; the browser takes ``#main`` of it, so that the phone bar lives on."""
    if request.headers.get("HX-Boosted") == "true" and response.mimetype == "text/html":
        response.headers.setdefault("HX-Reselect", "#main")
        response.headers.setdefault("HX-Retarget", "#main")
        response.headers.setdefault("HX-Reswap", "outerHTML show:window:top")
    return response
