"""Identifiers: short, sortable by time, safe in file names, bus subjects and SIP channel ids."""

from __future__ import annotations

import secrets


def new_id(now: float) -> str:
    """Return 22 lower-case hex digits: 12 of epoch milliseconds, then 10 random ones (40 bits).

    ``now`` is epoch seconds. Ids made in one millisecond collide with probability 2**-40.
    """
    return f"{int(now * 1000):012x}{secrets.token_hex(5)}"
