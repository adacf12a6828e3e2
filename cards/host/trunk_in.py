"""A call that comes in on an outside line, as the board design has it. A pure table.

Ring seen, caller-id read, waiting for pick-up, prompts, joined; far side gone: on hook, idle. An analog line cannot
refuse: who is refused is picked up, hears busy, and is let go.
"""

from __future__ import annotations

from cards.host.charts import UP, Chart, Do, media
from cards.host.charts import LineEvent as E
from cards.host.charts import LineState as S

TABLE: Chart = {
    (S.IDLE, E.RING): (S.RINGING_IN, (Do.CLEAR_NUMBER,)),
    (S.IDLE, E.NUMBER): (S.RINGING_IN, ()),  # DTMF caller-id comes before the first ring
    (S.RINGING_IN, E.RING): (S.WAITING, (Do.OFFER,)),
    (S.RINGING_IN, E.NUMBER): (S.WAITING, (Do.OFFER,)),
    (S.RINGING_IN, E.NO_NUMBER): (S.WAITING, (Do.OFFER,)),
    (S.RINGING_IN, E.RING_ENDED): (S.IDLE, ()),
    (S.WAITING, E.RING): (S.WAITING, ()),
    (S.WAITING, E.RING_ENDED): (S.IDLE, (Do.END_CANCELLED,)),
    (S.WAITING, E.ANSWER): (S.ANSWERED, (Do.PICK_UP, Do.TELL_ANSWERED)),
    (S.WAITING, E.HANG_UP): (S.REFUSING, (Do.PICK_UP, Do.BUSY_TONE, Do.END_ASKED)),
    (S.REFUSING, E.TIME): (S.RELEASING, (Do.TONE_OFF, Do.ON_HOOK)),
    (S.REFUSING, E.FAR_GONE): (S.RELEASING, (Do.TONE_OFF, Do.ON_HOOK)),
    (S.RELEASING, E.TIME): (S.IDLE, ()),
    **{key: step for state in UP for key, step in media(state).items()},
    **{(state, E.FAR_GONE): (S.RELEASING, (Do.END_GONE, Do.ON_HOOK)) for state in UP},
    **{(state, E.HANG_UP): (S.RELEASING, (Do.END_ASKED, Do.ON_HOOK)) for state in UP},
}
