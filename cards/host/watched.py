"""A telephone line that a recording channel hangs on in parallel: others drive it, we only hear. A pure table.

Rings, caller-id and the telephone's hook are seen, what it dials is heard. A hook that is down for a moment is a flash
or a bad contact: the call has ended when it stays down. A call to it counts as answered when it is lifted, one from it
when the number is whole: nothing on an analog line says more for certain to who only listens.
"""

from __future__ import annotations

from cards.host.charts import Chart, Do
from cards.host.charts import LineEvent as E
from cards.host.charts import LineState as S

TABLE: Chart = {
    (S.IDLE, E.RING): (S.RINGING_IN, (Do.CLEAR_NUMBER,)),
    (S.IDLE, E.NUMBER): (S.RINGING_IN, ()),  # DTMF caller-id comes before the first ring
    (S.RINGING_IN, E.RING): (S.WAITING, (Do.WATCH_IN,)),
    (S.RINGING_IN, E.NUMBER): (S.WAITING, (Do.WATCH_IN,)),
    (S.RINGING_IN, E.NO_NUMBER): (S.WAITING, (Do.WATCH_IN,)),
    (S.RINGING_IN, E.RING_ENDED): (S.IDLE, ()),
    (S.RINGING_IN, E.LIFTED): (S.ANSWERED, (Do.WATCH_IN, Do.TELL_ANSWERED)),
    (S.WAITING, E.RING): (S.WAITING, ()),
    (S.WAITING, E.NUMBER): (S.WAITING, (Do.WATCH_IN,)),
    (S.WAITING, E.RING_ENDED): (S.IDLE, (Do.END_CANCELLED,)),
    (S.WAITING, E.LIFTED): (S.ANSWERED, (Do.TELL_ANSWERED,)),
    (S.IDLE, E.LIFTED): (S.DIALLING, (Do.CLEAR_NUMBER,)),
    (S.DIALLING, E.KEY): (S.COLLECTING, (Do.WATCH_OUT,)),
    (S.DIALLING, E.TIME): (S.ANSWERED, (Do.WATCH_OUT, Do.TELL_ANSWERED)),  # dialled by pulses, or not heard
    (S.DIALLING, E.REPLACED): (S.IDLE, ()),
    (S.COLLECTING, E.KEY): (S.COLLECTING, ()),
    (S.COLLECTING, E.TIME): (S.ANSWERED, (Do.WATCH_OUT, Do.TELL_ANSWERED)),
    (S.COLLECTING, E.REPLACED): (S.RELEASING, (Do.WATCH_OUT,)),
    (S.ANSWERED, E.REPLACED): (S.RELEASING, ()),
    (S.ANSWERED, E.GIVE_UP): (S.HELD, (Do.END_ASKED,)),  # off its hook for hours
    (S.HELD, E.REPLACED): (S.IDLE, ()),
    (S.RELEASING, E.LIFTED): (S.ANSWERED, (Do.TELL_ANSWERED,)),
    (S.RELEASING, E.TIME): (S.IDLE, (Do.END_GONE,)),
}
