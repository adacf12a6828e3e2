"""What all parts of the API share: the blueprint, how it refuses, how it lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from webui.api import schemas
from webui.api.access import REPEAT, limit
from webui.common import db
from webui.common.paging import decode, page
from webui.common.problems import MIMETYPE, problem

blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1", description="Callyard")
blueprint.before_request(limit)

Document = dict[str, Any]
WRONG = {400: "not understood", 401: "no key", 403: "not allowed", 422: "a field is wrong", 429: "too many requests"}


class Refused(Exception):
    """A problem document instead of an answer; nothing is saved."""

    def __init__(self, status: int, code: str, title: str, detail: str, errors: Any = None) -> None:
        super().__init__(detail)
        self.told = (status, code, title, detail, errors)


@blueprint.errorhandler(Refused)
def refused(error: Refused) -> Any:
    db.session().rollback()
    return problem(*error.told)


def problems(**more: str) -> Callable[[Any], Any]:
    """Document what may go wrong; ``more`` as ``_404="…"``."""

    def mark(view: Any) -> Any:
        for status, text in (WRONG | {int(k[1:]): v for k, v in more.items()}).items():
            view = blueprint.alt_response(status, schema=schemas.Problem, description=text, content_type=MIMETYPE)(view)
        return view

    return mark


def posts(view: Any) -> Any:
    """Document the header with which a POST may be sent again."""
    header = {"in": "header", "name": REPEAT, "required": False, "schema": {"type": "string", "maxLength": 64}}
    return blueprint.doc(parameters=[header])(view)


def listed(query: Any, keys: tuple[Any, Any], asked: Document, show: Callable[[Any], Document]) -> Document:
    """One page, newest first."""
    cursor = asked.get("cursor", "")
    if cursor and decode(cursor) is None:
        raise Refused(422, "cursor", "Bad cursor", "Use what ``next`` of the page before said.", {"cursor": ["bad"]})
    at, unique = keys
    found = page(
        db.session(), query, keys, cursor, lambda r: (getattr(r, at.key), getattr(r, unique.key)), asked["limit"]
    )
    return {"items": [show(row) for row in found.rows], "next": found.older or None}
