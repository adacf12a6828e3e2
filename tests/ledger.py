"""Made-up durable events for tests, as the engine would publish them (docs/bus.md)."""

from __future__ import annotations

from typing import Any

BEGAN = 1_795_290_000.0


def call_document(call_id: str = "c1", version: int = 6, /, **changes: Any) -> dict[str, Any]:
    """An answered inbound call as it stood at ``version``: 1 offered … 4 answered, 5 recorded, 6 ended."""
    answered = BEGAN + 4.5 if version >= 4 else None
    ended = BEGAN + 65.25 if version >= 6 else None
    legs = [_leg(call_id, "customer", version, number="13800138000", answered_at=answered, ended_at=ended)]
    if version >= 3:
        legs.append(_leg(call_id, "agent", version, agent_id="a1", number="1001", answered_at=answered, ended_at=ended))
    recording = {
        "recording_id": f"{call_id}-r1",
        "leg_id": f"{call_id}-agent",
        "agent_id": "a1",
        "name": f"2026/11/21/{call_id}-1",
        "started_at": BEGAN + 4.6,
        "ended_at": ended,
    }
    return {
        "call_id": call_id,
        "version": version,
        "switch": "sim",
        "direction": "inbound",
        "ani": "13800138000",
        "ani_name": "张伟",
        "dnis": "8000",
        "queue_id": "q1" if version >= 2 else "",
        "language": "zh_CN",
        "trunk": "local",
        "created_at": BEGAN,
        "queued_at": BEGAN + 1 if version >= 2 else None,
        "answered_at": answered,
        "ended_at": ended,
        "cause": "normal" if ended else "",
        "ended_by": "customer" if ended else "",
        "state": "ended" if ended else "connected",
        "digits": "1",
        "test": False,
        "legs": legs,
        "recordings": [recording] if version >= 5 else [],
        "transfers": [],
    } | changes


def _leg(call_id: str, kind: str, version: int, **changes: Any) -> dict[str, Any]:
    return {
        "leg_id": f"{call_id}-{kind}",
        "kind": kind,
        "device": "1001-web" if kind == "agent" else "",
        "number": "",
        "agent_id": "",
        "channel": f"ch-{call_id}-{kind}",
        "created_at": BEGAN,
        "alerting_at": None,
        "answered_at": None,
        "ended_at": None,
        "cause": "",
        "held_seconds": 0.5 * version,
        "state": "connected",
    } | changes


def call_event(call_id: str = "c1", version: int = 6, /, **changes: Any) -> tuple[str, str, dict[str, Any]]:
    """Subject, message id, payload."""
    call = call_document(call_id, version, **changes)
    payload = {"event": "established", "at": BEGAN + version, "cause": "", "call": call}
    return f"cy.log.call.{call_id}", f"{call_id}-{version}", payload


def recording_event(call_id: str = "c1", /, **changes: Any) -> tuple[str, str, dict[str, Any]]:
    payload = {
        "recording_id": f"{call_id}-r1",
        "call_id": call_id,
        "leg_id": f"{call_id}-agent",
        "agent_id": "a1",
        "file": f"2026/11/21/{call_id}-1.raw",
        "started_at": BEGAN + 4.6,
        "ended_at": BEGAN + 65.5,
    } | changes
    return f"cy.log.recording.{call_id}-r1", f"{call_id}-r1", payload


def stretch_event(agent_id: str = "a1", start: float = BEGAN, **changes: Any) -> tuple[str, str, dict[str, Any]]:
    payload = {
        "agent_id": agent_id,
        "number": "1001",
        "state": "talking",
        "reason": "",
        "started_at": start,
        "ended_at": start + 30.5,
        "queue_id": "q1",
        "call_id": "c1",
    } | changes
    return f"cy.log.agent.{agent_id}", f"{agent_id}-{start:.6f}", payload
