"""The signed-in user as the store wants to know who acts; what they do is kept whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, request
from flask_login import current_user

from cti.domain.errors import CallyardError
from cti.store.actors import Actor
from webui.common import db
from webui.common.errors import message_for
from webui.common.permissions import Permission


def actor() -> Actor:
    user = current_user
    return Actor(user.id, user.username, lambda name: user.can(Permission(name)), (request.remote_addr or "")[:64])


def attempt(work: Callable[[], Any]) -> bool:
    """Do and commit; a refusal is told and nothing is kept."""
    database = db.session()
    try:
        work()
        database.commit()
    except CallyardError as error:
        database.rollback()
        if error.code == "permission.missing":
            abort(403)
        flash(message_for(error.code, error.params), "danger")
        return False
    return True
