"""One SQLAlchemy session a request, closed at its end; commits are the view's, explicit. Must not know any table."""

from __future__ import annotations

from flask import Flask, current_app, g
from sqlalchemy.orm import Session, sessionmaker

KEY = "callyard_sessions"


def install(app: Flask, factory: sessionmaker[Session]) -> None:
    app.extensions[KEY] = factory
    app.teardown_appcontext(_close)


def session() -> Session:
    """This request's session, opened at first use."""
    if "db_session" not in g:
        g.db_session = current_app.extensions[KEY]()
    opened: Session = g.db_session
    return opened


def release() -> None:
    """Close this request's session now: a stream that lives for hours must not hold a connection."""
    opened = g.pop("db_session", None)
    if opened is not None:
        opened.close()


def _close(_error: BaseException | None) -> None:
    release()
