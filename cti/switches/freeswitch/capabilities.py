"""What the FreeSWITCH driver can do. Data only."""

from __future__ import annotations

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
