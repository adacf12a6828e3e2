"""The site: Flask, one package a feature. It meets the engine only on the bus. gunicorn runs ``webui:create_app()``."""

from __future__ import annotations

import gc
import importlib
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session, configure_mappers, sessionmaker

from cti.settings import Settings, load_settings
from cti.store.initials import initials
from cti.store.locations import locate
from webui.common import (
    assets,
    codes,
    db,
    errors,
    fields,
    htmx,
    i18n,
    identity,
    logs,
    pages,
    permissions,
    phones,
    security,
    templates,
)
from webui.common import bus as buses
from webui.common.bus import WebBus

FEATURES = (
    "auth",
    "events",
    "desktop",
    "testcall",
    "health",
    "customers",
    "orders",
    "review",
    "fulfilment",
    "finance",
    "products",
    "stock",
    "points",
    "calls",
    "followup",
    "tickets",
    "media",
    "reports",
    "api",
    "floor",
    "wallboard",
    "own",
    "finder",
    "transfers",
    "admin",
    "boards",
    "trace",
)


def create_app(
    settings: Settings | None = None, *, bus: WebBus | None = None, sessions: sessionmaker[Session] | None = None
) -> Flask:
    """Build the site. Without arguments it reads settings and connects by itself, as under gunicorn."""
    production = settings is None
    settings = settings or load_settings()
    if production:
        logs.configure(settings.log_level)
    app = Flask(__name__)
    app.extensions["callyard_settings"] = settings
    wire(app, settings, bus, sessions)
    for feature in FEATURES:
        register(app, feature)
    if production:
        from webui.common.shutdown import end_streams_at_exit

        end_streams_at_exit(app)
        templates.keep(app, settings.var)
        warm_up(app)
    return app


def warm_up(app: Flask) -> None:
    """Compile templates and mappings, load dictionaries: now, so that the first customer pops as fast as the others.

    All of it stays, so the collector of garbage need not walk through it again: that held every request for 100 ms.
    """
    configure_mappers()
    initials("名")
    locate("+8613800138000")
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)
    gc.collect()
    gc.freeze()


def wire(app: Flask, settings: Settings, bus: WebBus | None, sessions: sessionmaker[Session] | None) -> None:
    """Everything features rely on, in the order in which a request meets it."""
    from cti.provision.secrets import effective_secrets

    made = effective_secrets(settings)
    app.secret_key = made.web_secret_key
    db.install(app, sessions or open_sessions(settings))
    app.extensions[buses.KEY] = bus or open_bus(settings, made.nats_token)
    app.extensions["callyard_limiter"] = security.make_limiter()
    app.extensions["callyard_limiter"].init_app(app)
    security.install(app, settings)
    identity.install(app)
    permissions.install(app)
    i18n.install(app)
    codes.install(app)
    fields.install(app)
    phones.install(app)
    assets.install(app, Path(app.static_folder or "static"))
    htmx.install(app)
    pages.install(app)
    errors.install(app)


def open_sessions(settings: Settings) -> sessionmaker[Session]:
    from cti.store.database import make_engine, make_session_factory

    return make_session_factory(make_engine(settings.database, pool_size=16))


def open_bus(settings: Settings, token: str) -> WebBus:
    from cti.bus.sync import SyncBus

    return SyncBus(settings.nats_url or f"nats://127.0.0.1:{settings.nats_port}", token)


def register(app: Flask, feature: str) -> None:
    """Add the feature's blueprint, and let it set itself up where it has an ``install``."""
    module = importlib.import_module(f"webui.{feature}.blueprint")
    app.register_blueprint(module.blueprint)
    setup = getattr(module, "install", None)
    if setup is not None:
        setup(app)
