"""The way to engine and worker: requests on the bus, with a refusal raised as the error that it names."""

from __future__ import annotations

from typing import Any, Protocol

from flask import current_app

from cti.bus.base import Traced
from cti.bus.sync import Subscription
from cti.domain.errors import CallyardError, EngineUnavailable

KEY = "callyard_bus"
DEADLINE = 3.0


class WebBus(Protocol):
    """What the site needs of ``cti.bus.sync.SyncBus``; tests give their own."""

    def request(self, subject: str, payload: dict[str, Any], timeout: float = DEADLINE) -> dict[str, Any]: ...
    def subscribe(self, subject: str, timeout: float = DEADLINE) -> Subscription: ...
    def traced(
        self, subject: str, *, after: int = 0, since: float = 0.0, limit: int = 1000, timeout: float = DEADLINE
    ) -> list[Traced]: ...


class Refused(CallyardError):
    """The engine said no; ``code`` and ``params`` are those of its reply."""

    def __init__(self, code: str, message: str, params: dict[str, Any]) -> None:
        super().__init__(message, **params)
        self.code = code


def bus() -> WebBus:
    found: WebBus = current_app.extensions[KEY]
    return found


def request_engine(subject: str, payload: dict[str, Any], timeout: float = DEADLINE) -> dict[str, Any]:
    """The reply document. Raises ``EngineUnavailable``, or ``Refused`` with the reply's stable code."""
    return unwrap(bus_request(bus(), subject, payload, timeout))


def bus_request(link: WebBus, subject: str, payload: dict[str, Any], timeout: float = DEADLINE) -> dict[str, Any]:
    """One request outside any Flask context; every way of getting no reply is ``EngineUnavailable``."""
    try:
        return link.request(subject, payload, timeout)
    except CallyardError:
        raise
    except (TimeoutError, ConnectionError, OSError) as error:
        raise EngineUnavailable(f"{subject}: {error!r}") from error


def unwrap(reply: dict[str, Any]) -> dict[str, Any]:
    if reply.get("ok"):
        return reply
    params = reply.get("params")
    raise Refused(
        str(reply.get("error") or "error"), str(reply.get("message") or ""), params if isinstance(params, dict) else {}
    )
