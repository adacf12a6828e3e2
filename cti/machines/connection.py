"""The states of one connection (ECMA-269): null, initiated, alerting, connected, hold, queued, fail."""

from __future__ import annotations

from enum import StrEnum

from cti.domain.legs import LegState as L


class LegEvent(StrEnum):
    RING = "ring"
    ANSWER = "answer"
    QUEUE = "queue"
    JOIN = "join"
    HOLD = "hold"
    RETRIEVE = "retrieve"
    CLEAR = "clear"


class LegEffect(StrEnum):
    STAMP_ALERTING = "stampAlerting"
    STAMP_ANSWERED = "stampAnswered"
    STAMP_ENDED = "stampEnded"
    START_HOLD = "startHold"
    STOP_HOLD = "stopHold"


_ANSWERED = (LegEffect.STAMP_ANSWERED,)
_ENDED = (LegEffect.STAMP_ENDED,)

TABLE: dict[tuple[L, LegEvent], tuple[L, tuple[LegEffect, ...]]] = {
    (L.INITIATED, LegEvent.RING): (L.ALERTING, (LegEffect.STAMP_ALERTING,)),
    (L.ALERTING, LegEvent.RING): (L.ALERTING, ()),
    (L.INITIATED, LegEvent.ANSWER): (L.CONNECTED, _ANSWERED),
    (L.ALERTING, LegEvent.ANSWER): (L.CONNECTED, _ANSWERED),
    (L.CONNECTED, LegEvent.QUEUE): (L.QUEUED, ()),
    (L.HOLD, LegEvent.QUEUE): (L.QUEUED, (LegEffect.STOP_HOLD,)),
    (L.QUEUED, LegEvent.QUEUE): (L.QUEUED, ()),
    (L.QUEUED, LegEvent.JOIN): (L.CONNECTED, ()),
    (L.CONNECTED, LegEvent.JOIN): (L.CONNECTED, ()),
    (L.HOLD, LegEvent.JOIN): (L.CONNECTED, (LegEffect.STOP_HOLD,)),
    (L.CONNECTED, LegEvent.HOLD): (L.HOLD, (LegEffect.START_HOLD,)),
    (L.QUEUED, LegEvent.HOLD): (L.HOLD, (LegEffect.START_HOLD,)),
    (L.HOLD, LegEvent.HOLD): (L.HOLD, ()),
    (L.HOLD, LegEvent.RETRIEVE): (L.CONNECTED, (LegEffect.STOP_HOLD,)),
    (L.CONNECTED, LegEvent.RETRIEVE): (L.CONNECTED, ()),
    (L.INITIATED, LegEvent.CLEAR): (L.FAIL, _ENDED),
    (L.ALERTING, LegEvent.CLEAR): (L.FAIL, _ENDED),
    (L.CONNECTED, LegEvent.CLEAR): (L.NULL, _ENDED),
    (L.QUEUED, LegEvent.CLEAR): (L.NULL, _ENDED),
    (L.HOLD, LegEvent.CLEAR): (L.NULL, (LegEffect.STOP_HOLD, LegEffect.STAMP_ENDED)),
}
