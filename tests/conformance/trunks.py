"""The trunks every switch of the suite carries: rows as the database gives them."""

from __future__ import annotations

from typing import Any

from tests.conformance.world import TRUNK

ACCOUNT, BY_ADDRESS, WATCHED = "acct", "addr", "watched"
ACCOUNT_HOST, ADDRESS_HOST, STRANGER_HOST, WATCHED_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
USER, AUTH_USER, SECRET = "8675309", "auth-8675309", "carrier-secret"
FIXED = "8800"
STREAMS = {"tcp": "127.0.0.6", "tls": "127.0.0.7"}


def trunk_rows(port: int) -> list[dict[str, Any]]:
    """``t1`` is this machine; one wants registering and says the number in To; one is known by its address alone, and
    one is asked whether it is there."""
    return [
        {"id": TRUNK, "name": TRUNK, "host": "127.0.0.1", "port": port, "sources": ["127.0.0.1/32"]},
        {
            "id": ACCOUNT,
            "name": "Account",
            "host": ACCOUNT_HOST,
            "port": port,
            "username": USER,
            "auth_user": AUTH_USER,
            "secret": SECRET,
            "register": True,
            "expiry": 120,
            "codecs": ["alaw", "ulaw"],
            "sources": [f"{ACCOUNT_HOST}/32"],
            "did_from": "to",
            "caller_in": "pai",
        },
        {
            "id": BY_ADDRESS,
            "name": "By address",
            "host": ADDRESS_HOST,
            "port": port,
            "codecs": ["ulaw"],
            "sources": [f"{ADDRESS_HOST}/32"],
            "did_from": "fixed",
            "did_fixed": FIXED,
            "caller_in": "both",
        },
        {
            "id": WATCHED,
            "name": "Watched",
            "host": WATCHED_HOST,
            "port": port,
            "ping": True,
            "sources": [f"{WATCHED_HOST}/32"],
        },
        *(
            {"id": kind, "name": kind, "host": host, "port": port, "transport": kind, "sources": [f"{host}/32"]}
            for kind, host in STREAMS.items()
        ),
    ]
