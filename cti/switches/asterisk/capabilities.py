"""What the Asterisk driver can do. Data and one rule; no I/O."""

from __future__ import annotations

from collections.abc import Container

from cti.domain.switch.terms import Capability

OPEN = frozenset(
    {
        Capability.ORIGINATE,
        Capability.MEDIA,
        Capability.HOLD_EVENTS,
        Capability.REMOTE_ANSWER,
        Capability.AUTO_ANSWER,
        Capability.DECLINE,
        Capability.CALLER_NAME,
        Capability.RECORD,
        Capability.RECORD_PAUSE,
        Capability.SILENCE_END,
        Capability.SPY,
        Capability.CONFERENCE,
        Capability.REGISTRATION,
        Capability.TEST_CALL,
    }
)

NEEDS: dict[Capability, str] = {
    Capability.REMOTE_ANSWER: "PJSIPNotify",
    Capability.RECORD: "MixMonitor",
    Capability.RECORD_PAUSE: "MixMonitorMute",
    Capability.CONFERENCE: "ConfbridgeList",
    Capability.REGISTRATION: "PJSIPShowContacts",
}


def of_actions(actions: Container[str]) -> frozenset[Capability]:
    """The open capabilities of an Asterisk whose manager knows these actions."""
    return frozenset(c for c in OPEN if c not in NEEDS or NEEDS[c] in actions)
