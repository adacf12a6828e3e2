"""One call of the gateway: what the line and the SIP peer do, and what is done then. A pure table.

A pair that is not in it changes nothing: either side says things late, twice, or out of turn. It must not know SIP
messages, boards or sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    CALLING = "calling"  # a line rings, the peer is asked
    SEIZING = "seizing"  # the peer asks, a line dials
    RINGING = "ringing"  # … and its far end rings
    UP = "up"
    OVER = "over"


class Event(StrEnum):
    LINE_RINGING = "line_ringing"
    LINE_ANSWERED = "line_answered"
    LINE_GONE = "line_gone"
    LINE_SILENT = "line_silent"  # for so long that nobody can be there
    PEER_ANSWERED = "peer_answered"
    PEER_GONE = "peer_gone"  # refused, cancelled or hung up
    PEER_LOST = "peer_lost"  # nothing comes from it any more


class Do(StrEnum):
    PICK_UP = "pick_up"  # the line
    HANG_UP = "hang_up"  # the line, with the peer's cause
    SAY_RINGING = "say_ringing"  # 180
    SAY_ANSWERED = "say_answered"  # 200
    END = "end"  # CANCEL, a final refusal, or BYE: with the line's cause
    SOUND = "sound"
    SILENCE = "silence"


S, E = State, Event

TABLE: Mapping[tuple[State, Event], tuple[State, tuple[Do, ...]]] = {
    (S.CALLING, E.PEER_ANSWERED): (S.UP, (Do.PICK_UP, Do.SOUND)),
    (S.CALLING, E.PEER_GONE): (S.OVER, (Do.HANG_UP,)),
    (S.CALLING, E.LINE_GONE): (S.OVER, (Do.END,)),
    (S.SEIZING, E.LINE_RINGING): (S.RINGING, (Do.SAY_RINGING,)),
    (S.SEIZING, E.LINE_ANSWERED): (S.UP, (Do.SAY_ANSWERED, Do.SOUND)),
    (S.SEIZING, E.LINE_GONE): (S.OVER, (Do.END,)),
    (S.SEIZING, E.PEER_GONE): (S.OVER, (Do.HANG_UP,)),
    (S.RINGING, E.LINE_ANSWERED): (S.UP, (Do.SAY_ANSWERED, Do.SOUND)),
    (S.RINGING, E.LINE_GONE): (S.OVER, (Do.END,)),
    (S.RINGING, E.PEER_GONE): (S.OVER, (Do.HANG_UP,)),
    (S.UP, E.LINE_GONE): (S.OVER, (Do.SILENCE, Do.END)),
    (S.UP, E.LINE_SILENT): (S.OVER, (Do.SILENCE, Do.HANG_UP, Do.END)),
    (S.UP, E.PEER_GONE): (S.OVER, (Do.SILENCE, Do.HANG_UP)),
    (S.UP, E.PEER_LOST): (S.OVER, (Do.SILENCE, Do.HANG_UP, Do.END)),
}
