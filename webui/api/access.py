"""Who asks the API: the user of the key, with the key's permissions at most. A browser's session means nothing here."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, jsonify, request
from flask_login import current_user
from limits import RateLimitItemPerMinute
from sqlalchemy.exc import IntegrityError

from cti.store import apikeys
from cti.store.models import Agent, ApiRequest, RoleRights, utc_now
from webui.common import audit, db
from webui.common.identity import CurrentUser, describe
from webui.common.problems import is_api, problem

REPEAT = "Idempotency-Key"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class ApiUser(CurrentUser):
    key: str = ""
    key_name: str = ""
    rate: int = field(default=600)


def install(app: Flask) -> None:
    app.login_manager.request_loader(load)  # type: ignore[attr-defined]


def load(asked: Request) -> ApiUser | None:
    """The user of the key in ``Authorization: Bearer …``."""
    if not is_api():
        return None
    scheme, _, text = asked.headers.get("Authorization", "").partition(" ")
    database, now = db.session(), utc_now()
    key = apikeys.find(database, text.strip(), now) if scheme.lower() == "bearer" else None
    if key is None:
        return None
    agent = key.user.agent if isinstance(key.user.agent, Agent) else None
    user = describe(key.user, agent, database.get(RoleRights, key.user.role))
    apikeys.touch(database, key, now)
    held = frozenset(p for p in user.permissions if str(p) in set(key.permissions))
    return ApiUser(**vars(replace(user, permissions=held)), key=key.id, key_name=key.name, rate=key.rate)


def limit() -> Response | None:
    """So many requests a minute for each key."""
    if not isinstance(current_user._get_current_object(), ApiUser):
        return problem(401, "key.missing", "No key", "Send a key: Authorization: Bearer <key>.")
    limiter = current_app.extensions["callyard_limiter"].limiter
    if limiter.hit(RateLimitItemPerMinute(current_user.rate), "api", current_user.key):
        return None
    answer = problem(429, "rate", "Too many requests", f"At most {current_user.rate} requests a minute.")
    answer.headers["Retry-After"] = "60"
    return answer


def record(action: str, object: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    """Into the audit, naming the key."""
    audit.record(action, object, before, after | {"api_key": current_user.key_name})


def once(view: View) -> View:
    """A POST with ``Idempotency-Key`` is done once: the answer is kept by the same commit, and given again.

    The view gives (document, status) and must not commit.
    """

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        token, database = request.headers.get(REPEAT, ""), db.session()
        if not token:
            document, status = view(*args, **kwargs)
            database.commit()
            return answer(document, status)
        if not 8 <= len(token) <= 64 or not token.isascii() or not token.isprintable():
            return problem(422, "idempotency.bad", "Bad key", f"{REPEAT} has 8 to 64 printable characters.")
        digest = hashlib.sha256(request.path.encode() + b"\0" + request.get_data()).hexdigest()
        mine = ApiRequest(api_key_id=current_user.key, token=token, digest=digest, answer=None)
        try:
            database.add(mine)
            database.flush()
        except IntegrityError:
            database.rollback()
            return earlier(database.get(ApiRequest, (current_user.key, token)), digest)
        document, status = view(*args, **kwargs)
        mine.status, mine.answer = status, json.loads(json.dumps(document, default=str))
        database.commit()
        return answer(document, status)

    return guarded  # type: ignore[return-value]


def earlier(done: ApiRequest | None, digest: str) -> Response:
    if done is None:
        return problem(409, "idempotency.running", "Still running", "The same request is being done. Ask again.")
    if done.digest != digest:
        return problem(422, "idempotency.other", "Another request", "This key was used for another request.")
    response = answer(done.answer, done.status)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def answer(document: Any, status: int) -> Response:
    response = jsonify(document)
    response.status_code = status
    return response
