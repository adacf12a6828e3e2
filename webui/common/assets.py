"""Addresses and caching of static files: ``asset('css/app.css')`` carries the content's hash and is kept for a year."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request, url_for

YEAR = 31_536_000


@lru_cache(maxsize=512)
def _digest(path: Path, _mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def install(app: Flask, folder: Path) -> None:
    def asset(name: str) -> str:
        path = folder / name
        return url_for("static", filename=name, v=_digest(path, path.stat().st_mtime_ns))

    app.jinja_env.globals["asset"] = asset
    app.after_request(_cache)


def _cache(response: Response) -> Response:
    """Versioned files for a year; scripts that others import by plain name are asked for anew by their ETag."""
    if request.endpoint == "static" and response.status_code in (200, 304):
        versioned = "v" in request.args
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if versioned else "no-cache"
    return response
