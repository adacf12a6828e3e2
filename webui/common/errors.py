"""Every failure, as the browser gets it: one place maps stable codes to HTTP and to words in the user's language."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import Any

import structlog
from flask import Flask, current_app, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from cti.domain.errors import CallyardError
from webui.common import audit, db
from webui.common.htmx import is_fragment, is_htmx, wants_json
from webui.common.problems import is_api, problem
from webui.common.text import one_line
from webui.common.words.orders import refusal

STATUS = {
    "agent.unknown": 404,
    "agent.not_now": 409,
    "ticket.taken": 409,
    "ticket.closed": 409,
    "airing.overlap": 409,
    "trunk.full": 409,
    "stock.out": 409,
    "stock.changed": 409,
    "points.short": 409,
    "number.do_not_call": 409,
    "trunk.unknown": 404,
    "state.illegal": 409,
    "permission.missing": 403,
    "order.changed": 409,
    "order.refused": 409,
    "money.refused": 409,
    "request.bad": 400,
    "engine.unavailable": 503,
    "switch.link_down": 503,
    "switch.deadline": 504,
    "switch.channel_gone": 409,
    "switch.refused": 409,
    "switch.failed": 502,
}

log = structlog.get_logger("web")


def message_for(code: str, params: dict[str, Any] | None = None) -> str:
    """What to tell the person, and what to do about it."""
    if code in ("order.changed", "order.refused", "money.refused"):
        return refusal(code, params or {})
    messages = {
        "agent.unknown": _("This agent is not known to the engine yet. Ask an administrator to check the agent."),
        "agent.not_now": _("That is not possible at this moment."),
        "ticket.taken": _("%(holder)s has this ticket in hand.", holder=(params or {}).get("holder") or "?"),
        "ticket.closed": _("This ticket was settled meanwhile."),
        "airing.overlap": _("This airing overlaps another one on its number."),
        "stock.out": _("There is not enough of this product in stock."),
        "stock.changed": _("The stock has just changed. Save again."),
        "points.short": _("The customer does not have so many points."),
        "trunk.full": _("All lines to the outside are in use. Try again in a moment."),
        "number.do_not_call": _("This number is on a list of numbers that must not be called."),
        "trunk.unknown": _("The engine does not know this trunk: it is not in use, or not published."),
        "state.illegal": _("That is not possible at this moment."),
        "permission.missing": _("Your role does not include this. Ask an administrator if you need it."),
        "request.bad": _("The request was not understood. Check what you entered."),
        "engine.unavailable": _("The call engine does not answer. Calls go on; try again in a moment."),
        "switch.link_down": _("No connection to the switch. Calls go on; try again in a moment."),
        "switch.deadline": _("The switch did not answer in time. Look whether it happened before you try again."),
        "switch.channel_gone": _("That call has just ended."),
        "switch.refused": _("The switch refused that. Check the number, and that the phone is connected."),
        "switch.failed": _("The switch could not do that."),
    }
    return str(messages.get(code) or _("That did not work (%(code)s).", code=code))


def http_text(status: int) -> tuple[str, str]:
    """Headline and advice for an HTTP status."""
    texts = {
        400: (_("Not understood"), _("The request was not understood. Go back and try again.")),
        401: (_("Please sign in"), _("Your session has ended. Sign in again.")),
        403: (_("Not allowed"), _("Your role does not include this. Ask an administrator if you need it.")),
        404: (_("Not found"), _("There is nothing at this address, or it was removed.")),
        405: (_("Not possible"), _("This address does not work that way.")),
        409: (_("Not now"), _("That is not possible at this moment.")),
        413: (_("Too large"), _("What you sent is too large.")),
        429: (_("Too many attempts"), _("Wait a minute, then try again.")),
        503: (_("Not available"), _("A part of the system does not answer. Try again in a moment.")),
    }
    return texts.get(status) or (_("Something went wrong"), _("The error was logged. Try again, or tell support."))


def install(app: Flask) -> None:
    app.register_error_handler(CallyardError, _ours)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    for failure in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(failure, _database)
    app.register_error_handler(Exception, _crash)


def _ours(error: CallyardError) -> ResponseReturnValue:
    status = STATUS.get(error.code, 500)
    log.warning("web.refused", code=error.code, detail=str(error), path=request.path)
    return answer(status, error.code, _("Not done"), message_for(error.code, error.params))


def _database(error: SQLAlchemyError) -> ResponseReturnValue:
    """The page that says so must not ask the database who it is for."""
    log.error("web.database", path=request.path, error=one_line(str(error))[:300])
    db.release()
    try:
        current_user.is_authenticated  # noqa: B018 - looked up at the first use
    except SQLAlchemyError:
        g._login_user = AnonymousUserMixin()
    advice = _("The database does not answer. Calls go on and are written down later. Try again in a moment.")
    return answer(503, "database.unavailable", _("Not available"), advice)


def _csrf(error: CSRFError) -> ResponseReturnValue:
    log.warning("web.csrf", detail=error.description, path=request.path)
    return answer(400, "csrf", _("Page too old"), _("This page is too old to be sent. Load it again."))


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    status = error.code or 500
    if is_api():
        return api_problem(error, status)
    if status == 401:
        return _sign_in()
    if status == 403:
        note_refusal()
    if status == 404 and (canonical := without_slash()):
        return redirect(canonical, 308)
    if status == 405 and request.method in ("GET", "HEAD") and not wants_json() and not is_fragment():
        return redirect(page_above(), 303)
    headline, advice = http_text(status)
    return answer(status, f"http.{status}", headline, advice)


def api_problem(error: HTTPException, status: int) -> ResponseReturnValue:
    """``data`` is what the check of arguments says of fields."""
    if status == 403:
        note_refusal()
    found = getattr(error, "data", None) or {}
    response = problem(status, f"http.{status}", error.name, str(error.description or ""), found.get("messages"))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def note_refusal() -> None:
    """Keep in the audit what a user was refused, and nothing else of the request."""
    if not current_user.is_authenticated:
        return
    with suppress(SQLAlchemyError):
        db.session().rollback()
        audit.record("access.refused", one_line(f"{request.method} {request.path}"))
        db.session().commit()


def without_slash() -> str:
    """The address of the page meant by one with a slash at its end; empty when there is none."""
    path = request.path.rstrip("/")
    if request.method not in ("GET", "HEAD") or not path or path == request.path or request.url_rule is not None:
        return ""
    try:
        endpoint, values = current_app.create_url_adapter(request).match(path, "GET")  # type: ignore[union-attr]
    except HTTPException:
        return ""
    return str(url_for(endpoint, **values, **request.args.to_dict(flat=False)))


def page_above() -> str:
    """The nearest page above an address that only takes forms: back, reload and a change of the language ask for it."""
    adapter, path = current_app.create_url_adapter(request), request.path
    while path := path.rpartition("/")[0]:
        with suppress(HTTPException):
            endpoint, values = adapter.match(path, "GET")  # type: ignore[union-attr]
            return str(url_for(endpoint, **values))
    return url_for("auth.start")


def _crash(error: Exception) -> ResponseReturnValue:
    log.error("web.crash", path=request.path, trace="".join(traceback.format_exception(error)))
    headline, advice = http_text(500)
    return answer(500, "crash", headline, advice)


def _sign_in() -> ResponseReturnValue:
    """A page goes to the login and comes back; a script or fragment is told by 401."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    target = url_for("auth.login", next=wanted) if wanted != "/" else url_for("auth.login")
    if wants_json() or request.path == "/events":
        return jsonify(ok=False, error="session.ended", message=http_text(401)[1]), 401
    if is_htmx():
        response = make_response("", 401)
        response.headers["HX-Redirect"] = url_for("auth.login")
        return response
    return redirect(target, 302)


def answer(status: int, code: str, headline: str, advice: str) -> ResponseReturnValue:
    """The failure as JSON, as a toast for a fragment, or as a page, whichever was asked for."""
    if is_api():
        return problem(status, code, headline, advice)
    if wants_json():
        return jsonify(ok=False, error=code, message=advice), status
    if is_fragment():
        response = make_response(render_template("fragments/error.html", headline=headline, advice=advice), status)
        response.headers["HX-Retarget"] = "#toasts"
        response.headers["HX-Reswap"] = "beforeend"
        return response
    page = render_template("error.html", status=status, headline=headline, advice=advice)
    return make_response(page, status)
