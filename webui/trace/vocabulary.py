"""What each command, event, decision and request of the operation log is called.

A name without words shows as it is.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext

KINDS: dict[str, Any] = {
    "event": _("Switch said"),
    "command": _("Switch was told"),
    "call": lazy_pgettext("operation log", "Call"),
    "agent": _("State of an agent"),
    "request": _("Asked for"),
    "timer": _("Time ran out"),
    "snapshot": _("Switch looked at"),
    "engine": _("Engine"),
}

EVENTS: dict[str, Any] = {
    "ChannelOffered": _("call from %(caller_number)s %(caller_name)s to %(dialed)s %(trunk)s%(device)s"),
    "ChannelWatched": _("call on a line that is only heard: %(caller_number)s %(dialed)s %(device)s"),
    "ChannelRinging": _("rings"),
    "ChannelAnswered": _("has answered"),
    "ChannelBridged": _("is joined with %(peer)s"),
    "ChannelUnbridged": _("is no longer joined"),
    "ChannelConferenced": _("is in the conference"),
    "ChannelHeld": _("hold was pressed on the phone"),
    "ChannelRetrieved": _("taken from hold on the phone"),
    "Digit": _("key %(digit)s"),
    "PlayFinished": _("announcement over: %(reason)s"),
    "RecordingStarted": _("the recording has begun"),
    "RecordingStopped": _("the recording is complete: %(file)s"),
    "ChannelLeaving": _("the phone was put down"),
    "ChannelHungUp": _("has ended: %(cause)s %(by)s %(sip)s"),
    "DeviceRegistered": _("phone %(device)s: %(registered)s"),
    "TrunkChanged": _("trunk %(trunk)s: %(state)s"),
    "LinkUp": _("connected"),
    "LinkLost": _("connection lost: %(reason)s"),
}

COMMANDS: dict[str, Any] = {
    "Originate": _("ring %(target)s, showing %(caller_number)s %(caller_name)s"),
    "Answer": _("answer"),
    "AnswerDevice": _("make the phone pick up"),
    "Hangup": _("hang up: %(cause)s"),
    "Play": _("play %(prompts)s"),
    "StopPlay": _("stop the announcement"),
    "Music": _("music: %(on)s"),
    "SendDigits": _("send keys %(digits)s"),
    "Bridge": _("join with %(peer)s"),
    "Unbridge": _("part"),
    "Confer": _("put into the conference"),
    "Spy": _("let hear %(peer)s: %(mode)s"),
    "RecordStart": _("record into %(name)s"),
    "RecordStop": _("end the recording"),
    "RecordPause": _("pause the recording"),
    "RecordGoOn": _("go on with the recording"),
    "SetState": _("note our state on the channel"),
    "TestCall": _("test call to %(dialed)s"),
}

CALL: dict[str, Any] = {
    "offered": _("is offered"),
    "queued": _("waits in the queue"),
    "delivered": _("rings at an agent"),
    "established": _("the talk begins"),
    "conferenced": _("is a conference"),
    "held": _("is held"),
    "retrieved": _("is taken from hold"),
    "transferred": _("is passed on"),
    "diverted": _("goes elsewhere"),
    "digitsDialed": _("a key of the menu was pressed"),
    "failed": _("an attempt failed"),
    "originated": _("is dialled"),
    "serviceInitiated": _("begins at a phone"),
    "connectionCleared": _("one leg has ended"),
    "callCleared": _("has ended"),
    "outOfService": _("its switch is lost"),
    "backInService": _("its switch is back"),
    "voicemail": _("a message is left"),
    "callbackRequested": _("the caller asks to be called back"),
    "survey": _("the caller is asked how satisfied they are"),
    "rated": _("the caller has said how satisfied they are"),
    "supervised": _("a supervisor hears it"),
}

LEG: dict[str, Any] = {
    "null": lazy_pgettext("leg", "ended"),
    "initiated": lazy_pgettext("leg", "begun"),
    "alerting": lazy_pgettext("leg", "rings"),
    "connected": lazy_pgettext("leg", "connected"),
    "hold": lazy_pgettext("leg", "held"),
    "queued": lazy_pgettext("leg", "waits"),
    "fail": lazy_pgettext("leg", "failed"),
}

REQUESTS: dict[str, Any] = {
    "login": _("sign on with phone %(device)s"),
    "logout": _("sign off"),
    "ready": _("ready"),
    "not_ready": _("busy: %(reason)s"),
    "answer": _("answer"),
    "hangup": _("hang up"),
    "hold": _("hold"),
    "retrieve": _("take from hold"),
    "digits": _("send keys"),
    "dial": _("dial %(number)s"),
    "transfer": _("pass on to %(number)s"),
    "consult": _("consult %(number)s"),
    "complete": _("complete the consultation"),
    "take_back": _("take the customer back"),
    "conference": _("all together"),
    "wrapup_done": _("wrap-up done"),
    "wrapup_extend": _("more time for wrap-up"),
    "rejoin": _("come back after a reload with phone %(device)s"),
    "force_ready": _("set ready"),
    "force_not_ready": _("set busy: %(reason)s"),
    "force_logout": _("sign off by a supervisor"),
    "set_queues": _("put into other queues"),
    "pull": _("give the waiting call to this agent"),
    "drop": _("hang everybody up"),
    "listen": _("listen"),
    "whisper": _("speak to the agent only"),
    "barge": _("barge in"),
    "intercept": _("take the call over"),
    "stop": _("end listening"),
}

TIMERS: dict[str, Any] = {
    "announce": _("next announcement to who waits"),
    "bye": _("goodbye"),
    "callback": _("answer to the offer of a callback"),
    "device": _("a phone that is away"),
    "greet": _("greeting of the agent"),
    "last": _("the agent who served the caller before"),
    "menu": _("a key of the menu"),
    "message": _("a message"),
    "overflow": _("rules of the queue"),
    "place": _("a place in the queue"),
    "rejoin": _("a lost phone comes back"),
    "relax": _("fewer skills asked for"),
    "ring": _("ringing"),
    "said": _("announcement of the number"),
    "survey": _("how satisfied the caller is"),
    "settle": _("what should be is not yet"),
    "trunk_test": _("test call through a trunk"),
    "wrapup": _("wrap-up"),
}

ENDS: dict[str, Any] = {
    "completed": _("to its end"),
    "digit": _("by a key"),
    "stopped": _("stopped"),
    "failed": lazy_pgettext("announcement", "failed"),
}

ERRORS: dict[str, Any] = {
    "switch.link_down": _("no connection to the switch"),
    "switch.deadline": _("no answer in time"),
    "switch.channel_gone": _("the channel is gone"),
    "switch.refused": _("the switch refused"),
}
