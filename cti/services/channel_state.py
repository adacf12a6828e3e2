"""What a channel carries about itself: a small JSON object as URL-safe base64, read back after a restart."""

from __future__ import annotations

import base64
import binascii
import json

from cti.domain.calls import Call
from cti.domain.legs import Leg


def encode(call: Call, leg: Leg) -> str:
    """The state of ``leg``: ids, and for the customer's leg the place in the queue."""
    state = {
        "c": call.call_id,
        "l": leg.leg_id,
        "k": leg.kind.value,
        "a": leg.agent_id,
        "p": call.phase.value,
        "q": call.queue_id,
        "t": call.queued_at,
        "r": call.priority,
        "f": call.first_in_line,
        "g": call.language,
        "n": call.dnis,
        "d": call.direction.value,
        "s": call.created_at,
        **({"v": leg.via} if leg.via else {}),
        **({"y": 1} if call.retried else {}),
    }
    raw = json.dumps(state, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> dict[str, object]:
    """The object, or ``{}`` for anything that is not ours: the variable may have been written by somebody else."""
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return value if isinstance(value, dict) and isinstance(value.get("c"), str) else {}
