"""A call that we make on an outside line, as the board design has it. A pure table.

The answer is inferred by the board (polarity, end of ringback, voice); no dial tone, busy, nobody and no signal at all
are told apart.
"""

from __future__ import annotations

from cards.host.charts import UP, Chart, Do, media
from cards.host.charts import LineEvent as E
from cards.host.charts import LineState as S

_ON_THE_WAY = (S.DIALLING, S.PROCEEDING, S.RINGING)

TABLE: Chart = {
    (S.IDLE, E.SEIZE): (S.DIALLING, (Do.PICK_UP, Do.SEND_NUMBER)),
    (S.DIALLING, E.SENT): (S.PROCEEDING, ()),
    (S.DIALLING, E.RINGBACK): (S.RINGING, (Do.TELL_RINGING,)),
    (S.PROCEEDING, E.RINGBACK): (S.RINGING, (Do.TELL_RINGING,)),
    (S.RINGING, E.RINGBACK): (S.RINGING, ()),
    (S.RELEASING, E.TIME): (S.IDLE, ()),
    **{(state, E.CONNECTED): (S.ANSWERED, (Do.TELL_ANSWERED,)) for state in _ON_THE_WAY},
    **{(state, E.NO_DIAL_TONE): (S.RELEASING, (Do.END_NO_DIAL_TONE, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.BUSY): (S.RELEASING, (Do.END_BUSY, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.FAR_GONE): (S.RELEASING, (Do.END_BUSY, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.NO_ANSWER): (S.RELEASING, (Do.END_FAR_NO_ANSWER, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.NO_SIGNAL): (S.RELEASING, (Do.END_NO_SIGNAL, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.TIME): (S.RELEASING, (Do.END_NO_SIGNAL, Do.ON_HOOK)) for state in (S.DIALLING, S.PROCEEDING)},
    **{(state, E.GIVE_UP): (S.RELEASING, (Do.END_NO_ANSWER, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{(state, E.HANG_UP): (S.RELEASING, (Do.END_ASKED, Do.ON_HOOK)) for state in _ON_THE_WAY},
    **{key: step for state in UP for key, step in media(state).items()},
    **{(state, E.FAR_GONE): (S.RELEASING, (Do.END_GONE, Do.ON_HOOK)) for state in UP},
    **{(state, E.BUSY): (S.RELEASING, (Do.END_GONE, Do.ON_HOOK)) for state in UP},
    **{(state, E.HANG_UP): (S.RELEASING, (Do.END_ASKED, Do.ON_HOOK)) for state in UP},
}
