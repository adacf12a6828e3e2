"""The signed-in user as the store wants to know who acts."""

from __future__ import annotations

from flask import request
from flask_login import current_user

from cti.store.actors import Actor
from webui.common.permissions import Permission


def actor() -> Actor:
    user = current_user
    return Actor(user.id, user.username, lambda name: user.can(Permission(name)), (request.remote_addr or "")[:64])
