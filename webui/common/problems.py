"""How the API says that something did not work: problem documents (RFC 9457). Must not know what is asked for."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

PATH = "/api/v1"
MIMETYPE = "application/problem+json"


def is_api() -> bool:
    return request.path == PATH or request.path.startswith(f"{PATH}/")


def problem(status: int, code: str, title: str, detail: str, errors: Any = None) -> Response:
    """``errors`` by field, where fields are wrong."""
    told: dict[str, Any] = {"type": "about:blank", "status": status, "code": code, "title": title, "detail": detail}
    response = jsonify(told | ({"errors": errors} if errors else {}))
    response.status_code, response.mimetype = status, MIMETYPE
    return response
