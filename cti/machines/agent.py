"""The agent's states.

Rules: an agent on a call never loses it by asking for another state, the wish waits as ``pending``. A contact that was
established is followed by wrap-up or by what is pending; one that was not leaves the agent where they were before, also
in the middle of a wrap-up.
"""

from __future__ import annotations

from enum import StrEnum

from cti.domain.agents import AgentState as A


class AgentEvent(StrEnum):
    LOGIN = "login"
    LOGOUT = "logout"
    READY = "ready"
    NOT_READY = "notReady"
    RESERVE = "reserve"  # chosen for a call, or dialling one
    ALERT = "alert"  # the phone rings
    ESTABLISH = "establish"
    HOLD = "hold"
    RETRIEVE = "retrieve"
    WITHDRAW = "withdraw"  # the other side gave up before the answer
    FAIL = "fail"  # no answer, rejected, phone lost: busy by the system
    RELEASE = "release"  # an established contact ended, no wrap-up
    WRAP = "wrap"  # an established contact ended, wrap-up follows
    WRAP_DONE = "wrapDone"


class AgentEffect(StrEnum):
    CLEAR_WISH = "clearWish"  # forget what was asked for next
    KEEP_WISH = "keepWish"  # remember the event as what comes next
    ENTER_WISH = "enterWish"  # now go on with what was before the contact, or with what was asked for since
    START_WRAPUP = "startWrapup"
    STOP_WRAPUP = "stopWrapup"
    PAUSE_WRAPUP = "pauseWrapup"  # keep what is left of it; ENTER_WISH goes on with it


_KEEP = (AgentEffect.KEEP_WISH,)
_CLEAR = (AgentEffect.CLEAR_WISH,)
_ENTER = (AgentEffect.ENTER_WISH,)

TABLE: dict[tuple[A, AgentEvent], tuple[A, tuple[AgentEffect, ...]]] = {
    (A.LOGGED_OFF, AgentEvent.LOGIN): (A.NOT_READY, _CLEAR),
    (A.NOT_READY, AgentEvent.LOGOUT): (A.LOGGED_OFF, _CLEAR),
    (A.NOT_READY, AgentEvent.READY): (A.READY, _CLEAR),
    (A.NOT_READY, AgentEvent.NOT_READY): (A.NOT_READY, _CLEAR),
    (A.NOT_READY, AgentEvent.RESERVE): (A.RESERVED, ()),
    (A.READY, AgentEvent.LOGOUT): (A.LOGGED_OFF, _CLEAR),
    (A.READY, AgentEvent.READY): (A.READY, _CLEAR),
    (A.READY, AgentEvent.NOT_READY): (A.NOT_READY, _CLEAR),
    (A.READY, AgentEvent.FAIL): (A.NOT_READY, _CLEAR),
    (A.READY, AgentEvent.RESERVE): (A.RESERVED, ()),
    (A.WRAP_UP, AgentEvent.RESERVE): (A.RESERVED, (AgentEffect.PAUSE_WRAPUP,)),
    (A.WRAP_UP, AgentEvent.WRAP_DONE): (A.READY, (AgentEffect.STOP_WRAPUP, AgentEffect.ENTER_WISH)),
    (A.RESERVED, AgentEvent.ALERT): (A.ALERTING, ()),
    (A.RESERVED, AgentEvent.ESTABLISH): (A.TALKING, ()),
    (A.RESERVED, AgentEvent.WITHDRAW): (A.READY, _ENTER),
    (A.RESERVED, AgentEvent.FAIL): (A.NOT_READY, (AgentEffect.CLEAR_WISH, AgentEffect.STOP_WRAPUP)),
    (A.ALERTING, AgentEvent.ALERT): (A.ALERTING, ()),
    (A.ALERTING, AgentEvent.ESTABLISH): (A.TALKING, ()),
    (A.ALERTING, AgentEvent.WITHDRAW): (A.READY, _ENTER),
    (A.ALERTING, AgentEvent.FAIL): (A.NOT_READY, (AgentEffect.CLEAR_WISH, AgentEffect.STOP_WRAPUP)),
    (A.TALKING, AgentEvent.ESTABLISH): (A.TALKING, ()),
    (A.TALKING, AgentEvent.HOLD): (A.HOLD, ()),
    (A.TALKING, AgentEvent.RELEASE): (A.READY, _ENTER),
    (A.TALKING, AgentEvent.WRAP): (A.WRAP_UP, (AgentEffect.START_WRAPUP,)),
    (A.HOLD, AgentEvent.HOLD): (A.HOLD, ()),
    (A.HOLD, AgentEvent.RETRIEVE): (A.TALKING, ()),
    (A.HOLD, AgentEvent.ESTABLISH): (A.TALKING, ()),
    (A.HOLD, AgentEvent.RELEASE): (A.READY, _ENTER),
    (A.HOLD, AgentEvent.WRAP): (A.WRAP_UP, (AgentEffect.START_WRAPUP,)),
    (A.LOGGED_OFF, AgentEvent.LOGOUT): (A.LOGGED_OFF, _CLEAR),
}
for _state in (A.RESERVED, A.ALERTING, A.TALKING, A.HOLD, A.WRAP_UP):
    for _event in (AgentEvent.READY, AgentEvent.NOT_READY, AgentEvent.LOGOUT):
        TABLE[_state, _event] = (_state, _KEEP)
for _state in (A.NOT_READY, A.READY, A.RESERVED, A.ALERTING, A.TALKING, A.HOLD, A.WRAP_UP):
    TABLE[_state, AgentEvent.LOGIN] = (_state, ())
