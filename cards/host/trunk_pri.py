"""A call on a timeslot of an E1, where signalling says what analog lines leave to be guessed. Two pure tables.

Who calls is there at once, a call can be refused without being answered, and each end has a cause. The timeslot is free
again when the signalling says so, not after a time.
"""

from __future__ import annotations

from cards.host.charts import UP, Chart, Do, media
from cards.host.charts import LineEvent as E
from cards.host.charts import LineState as S

_ON_THE_WAY = (S.DIALLING, S.PROCEEDING, S.RINGING)

_UP: Chart = {
    **{key: step for state in UP for key, step in media(state).items()},
    **{(state, E.CLEARED): (S.RELEASING, (Do.END_CLEARED,)) for state in UP},
    **{(state, E.HANG_UP): (S.RELEASING, (Do.END_ASKED, Do.ON_HOOK)) for state in UP},
    (S.RELEASING, E.RELEASED): (S.IDLE, ()),
}

INBOUND: Chart = {
    (S.IDLE, E.CALLED): (S.WAITING, (Do.OFFER, Do.RING_PHONE)),
    (S.WAITING, E.ANSWER): (S.ANSWERED, (Do.PICK_UP, Do.TELL_ANSWERED)),
    (S.WAITING, E.HANG_UP): (S.RELEASING, (Do.END_ASKED, Do.ON_HOOK)),
    (S.WAITING, E.CLEARED): (S.RELEASING, (Do.END_CANCELLED,)),
    **_UP,
}

OUTBOUND: Chart = {
    (S.IDLE, E.SEIZE): (S.DIALLING, (Do.SEND_NUMBER,)),
    (S.DIALLING, E.SENT): (S.PROCEEDING, ()),
    (S.DIALLING, E.RINGBACK): (S.RINGING, (Do.TELL_RINGING,)),
    (S.PROCEEDING, E.RINGBACK): (S.RINGING, (Do.TELL_RINGING,)),
    **{(state, E.CONNECTED): (S.ANSWERED, (Do.TELL_ANSWERED,)) for state in _ON_THE_WAY},
    **{(state, E.CLEARED): (S.RELEASING, (Do.END_CLEARED,)) for state in _ON_THE_WAY},
    **{(state, E.GIVE_UP): (S.RELEASING, (Do.END_NO_ANSWER, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.HANG_UP): (S.RELEASING, (Do.END_ASKED, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.TIME): (S.RELEASING, (Do.END_NO_SIGNAL, Do.ON_HOOK)) for state in (S.DIALLING, S.PROCEEDING)},
    **_UP,
}
