"""Doing transfers in the background of the web process: as their user, one at a time, each step seen in its row.

A process that ends leaves a row that nobody writes any more: after ``SILENCE`` it counts as interrupted. Must not know
what a transfer does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, current_app, g
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from cti.store.models import Role, RoleRights, Transfer, TransferState, User, utc_now
from webui.common import db, identity

KEY = "callyard_transfers"
SILENCE = timedelta(seconds=90)
BEAT = 10.0
BUSY = (TransferState.READING, TransferState.CHECKING, TransferState.RUNNING)

log = structlog.get_logger("transfers")
Work = Callable[[Transfer], None]


class Stopped(Exception):
    """The user wants no more of it."""


class Failed(Exception):
    """It cannot be done; the message is for the user."""


class Runner:
    def __init__(self, app: Flask) -> None:
        self._app = app
        self._one = threading.Lock()
        self.threads: list[threading.Thread] = []

    def start(self, transfer_id: str, address: str, work: Work) -> None:
        """Returns at once. ``address`` is the browser's, for the audit."""
        thread = threading.Thread(target=self._run, args=(transfer_id, address, work), daemon=True, name="transfer")
        self.threads = [one for one in self.threads if one.is_alive()] + [thread]
        thread.start()

    def wait(self, seconds: float) -> bool:
        """Until everything that was started has ended; whether it has."""
        for thread in list(self.threads):
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self.threads)

    def _run(self, transfer_id: str, address: str, work: Work) -> None:
        while not self._one.acquire(timeout=BEAT):
            with self._app.app_context():
                beat(transfer_id)
        try:
            with self._app.test_request_context("/transfers", environ_base={"REMOTE_ADDR": address}):
                self._do(transfer_id, work)
        except Exception as error:
            log.error("transfer.broken", transfer=transfer_id, error=str(error)[:300])
        finally:
            self._one.release()

    def _do(self, transfer_id: str, work: Work) -> None:
        database = db.session()
        transfer = database.get_one(Transfer, transfer_id)
        try:
            user = database.get_one(User, transfer.user_id)
            if not user.active:
                raise Failed("")
            role = database.get(RoleRights, Role(user.role))
            g._login_user = identity.describe(user, user.agent, role)
            work(transfer)
        except Stopped:
            self._end(transfer_id, TransferState.CANCELLED)
        except Failed as failure:
            self._end(transfer_id, TransferState.FAILED, str(failure))
        except SQLAlchemyError as error:
            log.error("transfer.database", transfer=transfer_id, error=str(error)[:300])
            self._end(transfer_id, TransferState.INTERRUPTED)
        except Exception as error:
            log.exception("transfer.crash", transfer=transfer_id, error=str(error)[:300])
            self._end(transfer_id, TransferState.FAILED)

    def _end(self, transfer_id: str, state: TransferState, error: str = "") -> None:
        database = db.session()
        database.rollback()
        ended = {"state": state, "error": error[:2000], "ended_at": utc_now(), "seen_at": utc_now()}
        database.execute(update(Transfer).where(Transfer.id == transfer_id).values(**ended))
        database.commit()


def runner() -> Runner:
    found: Runner = current_app.extensions[KEY]
    return found


def beat(transfer_id: str) -> None:
    """Say that somebody is at it; its own short transaction."""
    with current_app.extensions[db.KEY]() as session:
        session.execute(update(Transfer).where(Transfer.id == transfer_id).values(seen_at=utc_now()))
        session.commit()


def go_on(transfer: Transfer) -> None:
    """Called in the transaction of each portion, before its commit. Raises ``Stopped``."""
    stop = select(Transfer.stop).where(Transfer.id == transfer.id)
    if db.session().scalar(stop):
        raise Stopped
    transfer.seen_at = utc_now()


def settle(transfer: Transfer) -> Transfer:
    """A transfer that nobody writes any more is interrupted; said when it is looked at."""
    if transfer.state in BUSY and utc_now() - transfer.seen_at > SILENCE:
        transfer.state, transfer.ended_at = TransferState.INTERRUPTED, utc_now()
        db.session().commit()
    return transfer


def install(app: Flask, **_more: Any) -> None:
    app.extensions[KEY] = Runner(app)
