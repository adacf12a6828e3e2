"""Which ended calls were without success for the caller, who may call again for it: gave up, or was cut off.

Pure, of ledger documents (docs/bus.md), so that the engine and the database say the same. Must not know either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CUT_OFF = frozenset({"media_lost", "failed", "lost"})
"""Causes that nobody wished for."""


def without_success(call: Mapping[str, Any], short: float) -> bool | None:
    """Whether the caller got nowhere; ``None``: the call says nothing of it, an earlier one counts.

    Who hung up sooner than ``short`` seconds after coming into a queue has not given up.
    """
    said_nothing = call.get("test") or call.get("watched") or call.get("direction") not in ("inbound", "outbound")
    if said_nothing or call.get("ended_at") is None:
        return None
    if call.get("answered_at") is not None:
        return call.get("cause") in CUT_OFF and call.get("surveyed_at") is None
    if call.get("direction") != "inbound" or call.get("queued_at") is None:
        return None
    left_something = call.get("place") or any(r.get("voicemail") for r in call.get("recordings", ()))
    if left_something or call.get("ended_by") == "supervisor":
        return False
    waited = call["ended_at"] - call["queued_at"]
    return call.get("ended_by") != "customer" or call.get("cause") in CUT_OFF or bool(waited >= short)
