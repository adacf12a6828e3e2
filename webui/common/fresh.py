"""What pages need of the database again and again, read at most every few seconds by each process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from flask import Flask, current_app, has_app_context
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from webui.common import db

SECONDS = 5.0
"""After which another process's change is seen; the own process's is seen at once."""

T = TypeVar("T")


class Fresh(Generic[T]):
    """``key`` names it among the application's extensions; ``nothing`` holds until it was read once."""

    def __init__(self, key: str, read: Callable[[Session], T], nothing: T) -> None:
        self.key, self.read, self.nothing = key, read, nothing

    def install(self, app: Flask) -> None:
        app.extensions[self.key] = {"value": self.nothing, "at": float("-inf")}

    def get(self) -> T:
        """Without a database what was read last is used."""
        if not has_app_context() or self.key not in current_app.extensions:
            return self.nothing
        kept: dict[str, Any] = current_app.extensions[self.key]
        if time.monotonic() - kept["at"] > SECONDS:
            try:
                with current_app.extensions[db.KEY]() as session:
                    kept["value"] = self.read(session)
            except SQLAlchemyError:
                pass
            kept["at"] = time.monotonic()
        value: T = kept["value"]
        return value

    def forget(self) -> None:
        """After a change: this process reads again at the next use."""
        current_app.extensions[self.key]["at"] = float("-inf")
