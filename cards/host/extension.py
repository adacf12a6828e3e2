"""An agent's analog telephone, as the board design has it. A pure table.

Rung, picked up, joined; when the call ends on the other side the phone hears busy until it is replaced. The flash key
is hold and retrieve. Picked up while idle it gets dial tone and dials.
"""

from __future__ import annotations

from cards.host.charts import UP, Chart, Do, media
from cards.host.charts import LineEvent as E
from cards.host.charts import LineState as S

_DIALS = (S.DIALLING, S.COLLECTING)

TABLE: Chart = {
    (S.IDLE, E.CALL): (S.RINGING, (Do.RING_PHONE, Do.TELL_RINGING)),
    (S.RINGING, E.LIFTED): (S.ANSWERED, (Do.STOP_RINGING, Do.TELL_ANSWERED)),
    (S.RINGING, E.GIVE_UP): (S.IDLE, (Do.STOP_RINGING, Do.END_NO_ANSWER)),
    (S.RINGING, E.HANG_UP): (S.IDLE, (Do.STOP_RINGING, Do.END_ASKED)),
    (S.IDLE, E.LIFTED): (S.DIALLING, (Do.DIAL_TONE,)),
    (S.DIALLING, E.KEY): (S.COLLECTING, (Do.TONE_OFF,)),
    (S.COLLECTING, E.KEY): (S.COLLECTING, ()),
    (S.COLLECTING, E.DIALLED): (S.WAITING, (Do.OFFER,)),
    (S.COLLECTING, E.TIME): (S.WAITING, (Do.OFFER,)),
    (S.DIALLING, E.TIME): (S.BUSY_TONE, (Do.BUSY_TONE,)),
    **{(state, E.REPLACED): (S.IDLE, (Do.TONE_OFF,)) for state in _DIALS},
    (S.WAITING, E.ANSWER): (S.ANSWERED, (Do.TELL_ANSWERED,)),
    (S.WAITING, E.HANG_UP): (S.BUSY_TONE, (Do.END_ASKED, Do.BUSY_TONE)),
    (S.WAITING, E.REPLACED): (S.IDLE, (Do.END_CANCELLED,)),
    (S.BUSY_TONE, E.REPLACED): (S.IDLE, (Do.TONE_OFF,)),
    **{key: step for state in UP for key, step in media(state).items()},
    (S.CONNECTED, E.FLASH): (S.HELD, (Do.TELL_HELD,)),
    (S.HELD, E.FLASH): (S.CONNECTED, (Do.TELL_RETRIEVED,)),
    **{(state, E.REPLACED): (S.IDLE, (Do.END_GONE,)) for state in UP},
    **{(state, E.HANG_UP): (S.BUSY_TONE, (Do.END_ASKED, Do.BUSY_TONE)) for state in UP},
}
