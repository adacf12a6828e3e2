"""What the state charts of a board share: the states of a line, what happens to it, what is done then.

The charts are ``trunk_in``, ``trunk_out``, ``trunk_pri``, ``extension`` and ``watched``. A pair that is in no chart
changes nothing: a board says things late, twice, or out of turn. It must not know boards, files or the bus.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class LineState(StrEnum):
    """Of one physical channel; what each means is in docs/board-host.md."""

    IDLE = "idle"
    RINGING_IN = "ringing_in"  # a trunk rings, its caller-id is being read
    WAITING = "waiting"  # offered: it waits for our decision
    DIALLING = "dialling"  # number being sent, or dial tone given to an extension
    COLLECTING = "collecting"  # an extension dials
    PROCEEDING = "proceeding"  # number sent, nothing heard yet
    RINGING = "ringing"  # an extension rings, or ringback is heard
    ANSWERED = "answered"  # ours to command
    PLAYING = "playing"
    CONNECTED = "connected"  # in a bridge, a conference, or listening
    HELD = "held"
    REFUSING = "refusing"  # picked up only to say busy
    BUSY_TONE = "busy_tone"  # the call is over and the phone is still off its hook
    RELEASING = "releasing"  # on hook, and not to be used again yet


class LineEvent(StrEnum):
    RING = "ring"
    RING_ENDED = "ring_ended"
    NUMBER = "number"
    NO_NUMBER = "no_number"
    ANSWER = "answer"  # we do
    HANG_UP = "hang_up"  # we do
    SEIZE = "seize"
    CALL = "call"  # ring this extension
    GIVE_UP = "give_up"  # nobody answered in time
    PLAY = "play"
    PLAY_ENDED = "play_ended"
    JOIN = "join"
    PART = "part"
    FAR_GONE = "far_gone"
    CALLED = "called"  # a call came in by its signalling, number and all
    CLEARED = "cleared"  # the far side has ended it, and said why
    RELEASED = "released"  # nothing is left of it
    LIFTED = "lifted"
    REPLACED = "replaced"
    FLASH = "flash"
    KEY = "key"
    DIALLED = "dialled"  # the extension has dialled enough
    SENT = "sent"
    RINGBACK = "ringback"
    CONNECTED = "connected"
    NO_DIAL_TONE = "no_dial_tone"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NO_SIGNAL = "no_signal"
    TIME = "time"  # the state's own time is over


class Do(StrEnum):
    """What the floor carries out, in this order."""

    CLEAR_NUMBER = "clear_number"
    OFFER = "offer"
    PICK_UP = "pick_up"
    ON_HOOK = "on_hook"
    SEND_NUMBER = "send_number"
    RING_PHONE = "ring_phone"
    STOP_RINGING = "stop_ringing"
    DIAL_TONE = "dial_tone"
    BUSY_TONE = "busy_tone"
    TONE_OFF = "tone_off"
    TELL_RINGING = "tell_ringing"
    TELL_ANSWERED = "tell_answered"
    WATCH_IN = "watch_in"  # the call on a line that is only listened to is told, or told anew
    WATCH_OUT = "watch_out"
    TELL_HELD = "tell_held"
    TELL_RETRIEVED = "tell_retrieved"
    END_CANCELLED = "end_cancelled"  # by the far side, before the answer
    END_GONE = "end_gone"  # by the far side
    END_CLEARED = "end_cleared"  # by the far side, for the cause it told
    END_ASKED = "end_asked"  # by us
    END_NO_ANSWER = "end_no_answer"
    END_FAR_NO_ANSWER = "end_far_no_answer"
    END_BUSY = "end_busy"
    END_NO_DIAL_TONE = "end_no_dial_tone"
    END_NO_SIGNAL = "end_no_signal"


Chart = Mapping[tuple[LineState, LineEvent], tuple[LineState, tuple[Do, ...]]]

UP = (LineState.ANSWERED, LineState.PLAYING, LineState.CONNECTED, LineState.HELD)
"""The states in which a call is answered."""

LIMITS: Mapping[LineState, float] = {
    LineState.DIALLING: 30.0,
    LineState.PROCEEDING: 60.0,
    LineState.COLLECTING: 4.0,
    LineState.REFUSING: 3.0,
    LineState.RELEASING: 0.6,
}
"""Seconds after which ``TIME`` happens."""


def media(state: LineState) -> dict[tuple[LineState, LineEvent], tuple[LineState, tuple[Do, ...]]]:
    """How prompts and joins move an answered line, the same in each chart."""
    return {
        (state, LineEvent.PLAY): (LineState.PLAYING, ()),
        (state, LineEvent.PLAY_ENDED): (LineState.ANSWERED, ()),
        (state, LineEvent.JOIN): (LineState.CONNECTED, ()),
        (state, LineEvent.PART): (LineState.ANSWERED, ()),
    }
