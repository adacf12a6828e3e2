"""Words that commands, events and snapshots share, and the capabilities by which switches differ."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why a channel ended; from ITU-T Q.850, reduced to what call control decides upon."""

    NORMAL = "normal"  # 16, 31
    BUSY = "busy"  # 17
    NO_ANSWER = "no_answer"  # 18, 19
    REJECTED = "rejected"  # 21
    UNALLOCATED = "unallocated"  # 1, 28
    CONGESTION = "congestion"  # 34, 38, 41, 42
    CANCELLED = "cancelled"  # we or the caller gave up before the answer
    MEDIA_LOST = "media_lost"  # RTP timeout, lost browser
    UNREACHABLE = "unreachable"  # device not registered, 20, 3
    FAILED = "failed"  # anything else


class Capability(StrEnum):
    ORIGINATE = "originate"
    MEDIA = "media"  # play, music, digits carry real audio
    HOLD_EVENTS = "hold_events"  # hold pressed on the phone itself is reported
    REMOTE_ANSWER = "remote_answer"  # we can make a device pick up
    AUTO_ANSWER = "auto_answer"  # a phone can be asked to pick up by itself
    DECLINE = "decline"  # a ringing phone can refuse, and says why
    CALLER_NAME = "caller_name"  # who calls in may give a name besides the number
    RECORD = "record"
    RECORD_PAUSE = "record_pause"
    SILENCE_END = "silence_end"  # a recording ends by itself when nothing is said
    SPY = "spy"
    CONFERENCE = "conference"
    REGISTRATION = "registration"
    TEST_CALL = "test_call"
    WATCH = "watch"  # calls on lines that are only listened to are reported


class TrunkState(StrEnum):
    """What is known of a trunk, from its registration or its OPTIONS."""

    UP = "up"  # it answers; where it registers, it is registered
    REGISTERING = "registering"
    REJECTED = "rejected"  # the other side refused the registration
    DOWN = "down"  # it does not answer
    UNKNOWN = "unknown"  # nobody has asked it
