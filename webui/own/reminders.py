"""Tells open pages that a reminder has come due. The server's clock decides: a browser slows down hidden tabs' timers.

One thread a process, from the first page on. A page that is told asks for the bell anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from cti.store.models import utc_now
from webui.common.hub import EventHub
from webui.own import queries

EVERY = 5.0  # seconds
Look = Callable[[EventHub, Session, datetime, datetime], None]

log = structlog.get_logger()


class Reminders:
    """``also``: what else is looked for with each look; they get the hub, a session, and the time since when."""

    def __init__(self, hub: EventHub, sessions: sessionmaker[Session], also: Sequence[Look] = ()) -> None:
        self._hub = hub
        self._sessions = sessions
        self._also = also
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._told = utc_now()

    def start(self) -> None:
        """Safe to call for every page."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reminders", daemon=True)
                self._thread.start()

    def tell(self, user_id: str) -> None:
        """Something changed behind this user's bell; empty: behind everybody's."""
        self._hub.tell("reminder", {"user_id": user_id})

    def look(self, now: datetime) -> None:
        """Tell whose reminders came due since the last look."""
        with self._sessions() as session:
            due = queries.users_due(session, self._told, now)
            for look in self._also:
                look(self._hub, session, self._told, now)
        self._told = now
        for user_id in due:
            self.tell(user_id)

    def _run(self) -> None:
        while not self._hub.wait_for_end(EVERY):
            if not self._hub.open:
                continue
            try:
                self.look(utc_now())
            except SQLAlchemyError as error:
                log.warning("web.reminders.database", detail=str(error))
