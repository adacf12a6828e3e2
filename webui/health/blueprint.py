"""``/healthz`` (is the site up, and what it reaches) and ``/metrics`` (Prometheus). No user data in either."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cti.domain.errors import CallyardError
from webui.common import db
from webui.common.bus import bus, bus_request
from webui.common.permissions import public

blueprint = Blueprint("health", __name__)
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
ENGINE_DEADLINE = 1.0


@blueprint.get("/healthz")
@public
def live() -> ResponseReturnValue:
    """200 when the site and its database work; the engine is told of, and does not make the site unhealthy."""
    database, engine = database_works(), engine_answers()
    body = {"ok": database, "database": database, "engine": engine}
    return body, 200 if database else 503


def database_works() -> bool:
    try:
        db.session().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def engine_answers() -> bool:
    try:
        bus_request(bus(), "cy.cmd.centre", {"op": "ping"}, ENGINE_DEADLINE)
    except CallyardError:
        return False
    return True


@blueprint.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    return Response(generate_latest(current_app.extensions["callyard_registry"]), mimetype=CONTENT_TYPE_LATEST)


def install(app: Flask) -> None:
    """Time every request by endpoint, never by address: addresses hold ids."""
    registry = CollectorRegistry()
    app.extensions["callyard_registry"] = registry
    hub = app.extensions["callyard_hub"]
    took = Histogram("callyard_web_request_seconds", "Time to answer", ["endpoint"], buckets=BUCKETS, registry=registry)
    count = Counter("callyard_web_requests", "Requests answered", ["endpoint", "status"], registry=registry)
    Gauge("callyard_web_streams", "Open event streams", registry=registry).set_function(lambda: hub.open)
    dropped = Gauge("callyard_web_streams_dropped", "Streams ended because the browser was slow", registry=registry)
    dropped.set_function(lambda: hub.dropped)

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _stop(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        count.labels(endpoint, str(response.status_code)).inc()
        if "started" in g and endpoint != "events.stream":
            took.labels(endpoint).observe(time.perf_counter() - g.started)
        return response
