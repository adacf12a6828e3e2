"""Sends what stands in the outbox of webhooks: signed, with a deadline, again after a while, dead after many tries.

Addresses inside (loopback, private, link-local, …) are refused unless a setting allows them, and the connection goes
to the very address that was checked, so that a name cannot point elsewhere a moment later. Must not know the bus.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from cti.store.models import HookDelivery, HookState, utc_now

DEADLINE = 5.0
AT_ONCE = 20
WAITS = (10, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)  # seconds after each try that failed


class Unsendable(Exception):
    """The delivery could not be made; the message says why."""


@dataclass(frozen=True)
class Target:
    """A checked address: where to connect, and what to ask there."""

    address: str
    host: str
    port: int
    path: str
    secure: bool


def check(url: str, *, private: bool = False) -> Target:
    """Look the host up. Raises ``Unsendable`` for what is no plain http(s) address or leads inside."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise Unsendable("not an http or https address")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError, UnicodeError) as error:
        raise Unsendable(f"no such host: {parts.hostname}") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not private and any(inside(address) for address in addresses):
        raise Unsendable(f"{parts.hostname} is an address inside")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(addresses[0], parts.hostname, port, path, parts.scheme == "https")


def inside(address: str) -> bool:
    """Whether nothing out on the Internet has this address."""
    ip = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    return not ip.is_global or ip.is_multicast


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """As in ``X-Callyard-Signature``: HMAC-SHA256 of ``<timestamp>.<body>``."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def document(delivery: HookDelivery) -> bytes:
    told = {
        "id": delivery.id,
        "kind": delivery.kind,
        "object": delivery.object,
        "at": delivery.created_at.isoformat(),
        "data": delivery.data,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def send(delivery: HookDelivery, *, private: bool = False, deadline: float = DEADLINE) -> int:
    """One try; the HTTP status. Redirects are not followed. Raises ``Unsendable``."""
    target, body, now = check(delivery.webhook.url, private=private), document(delivery), int(utc_now().timestamp())
    headers = {
        "Host": target.host if target.port in (80, 443) else f"{target.host}:{target.port}",
        "Content-Type": "application/json",
        "User-Agent": "Callyard",
        "X-Callyard-Event": delivery.kind,
        "X-Callyard-HookDelivery": str(delivery.id),
        "X-Callyard-Timestamp": str(now),
        "X-Callyard-Signature": signature(delivery.webhook.secret, now, body),
    }
    link = _Pinned(target, deadline)
    try:
        link.request("POST", target.path, body, headers)
        return link.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unsendable(f"{type(error).__name__}: {error}"[:200]) from error
    finally:
        link.close()


class _Pinned(http.client.HTTPConnection):
    """Connects to the checked address, with TLS for the name where that is wanted."""

    def __init__(self, target: Target, deadline: float) -> None:
        super().__init__(target.address, target.port, timeout=deadline)
        self._target = target

    def connect(self) -> None:
        super().connect()
        if self._target.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)


def due(session: Session, now: datetime, limit: int = AT_ONCE) -> Sequence[HookDelivery]:
    waiting = (HookDelivery.state == HookState.WAITING, HookDelivery.next_at <= now)
    query = select(HookDelivery).where(*waiting).order_by(HookDelivery.next_at, HookDelivery.id).limit(limit)
    return session.scalars(query.options(joinedload(HookDelivery.webhook))).all()


def work(session: Session, *, private: bool = False, deadline: float = DEADLINE) -> int:
    """Try what is due, each with its own commit; how many were tried."""
    deliveries = due(session, utc_now())
    for delivery in deliveries:
        try:
            if not delivery.webhook.active:
                raise Unsendable("the webhook is switched off")
            status = send(delivery, private=private, deadline=deadline)
            note(delivery, utc_now(), status, "" if 200 <= status < 300 else f"HTTP {status}")
        except Unsendable as error:
            note(delivery, utc_now(), None, str(error))
        session.commit()
    return len(deliveries)


def note(delivery: HookDelivery, now: datetime, status: int | None, error: str) -> None:
    """What a try came to, and when the next one is."""
    delivery.tries += 1
    delivery.status, delivery.error = status, error[:255]
    if not error:
        delivery.state, delivery.done_at = HookState.DONE, now
    elif delivery.tries > len(WAITS):
        delivery.state, delivery.done_at = HookState.DEAD, now
    else:
        delivery.next_at = now + timedelta(seconds=WAITS[delivery.tries - 1])


def again(delivery: HookDelivery, now: datetime) -> None:
    """Once more from the beginning, as somebody asks."""
    delivery.state, delivery.tries, delivery.next_at, delivery.done_at = HookState.WAITING, 0, now, None
