"""Words that the phone bar's scripts show, in the user's language: states, notices, phone troubles."""

from __future__ import annotations

from flask_babel import gettext as _


def bar_texts() -> dict[str, str]:
    return _states() | _notices() | _phone() | _calls()


def _states() -> dict[str, str]:
    return {
        "state.loggedOff": _("Signed off"),
        "state.notReady": _("Busy"),
        "state.ready": _("Ready"),
        "state.reserved": _("Call coming"),
        "state.alerting": _("Ringing"),
        "state.talking": _("Talking"),
        "state.hold": _("On hold"),
        "state.workingAfterCall": _("Wrap-up"),
        "state.dialling": _("Dialling"),
        "state.conference": _("Conference"),
        "state.connecting": _("Connecting …"),
        "reason.login": _("just signed in"),
        "reason.used": _("{used} of {limit} min today"),
        "reason.away": _("away"),
        "reason.no_answer": _("no answer"),
        "reason.rejected": _("call refused"),
        "reason.device_lost": _("phone lost"),
        "reason.system": _("set by the system"),
        "pending.ready": _("then ready"),
        "pending.notReady": _("then busy"),
        "pending.loggedOff": _("then signed off"),
    }


def _notices() -> dict[str, str]:
    return {
        "notice.no_answer": _("You did not answer, so you were set to busy. The caller went on to a colleague."),
        "notice.rejected": _("You refused the call, so you were set to busy. The caller went on to a colleague."),
        "notice.device_lost": _("Your phone lost its connection, so you are busy until it is back."),
        "notice.target_failed": _("The other side could not be reached."),
        "notice.caller_gone": _("The caller hung up."),
        "notice.taken": _("{who} has taken the call."),
        "notice.forced": _("A supervisor has changed your state."),
        "notice.barged": _("A supervisor has joined your call; the customer hears them."),
        "notice.intercepted": _("A supervisor has taken your call over."),
        "notice.listen_failed": _("The switch could not let you listen."),
        "notice.dial_busy": _("The number is busy."),
        "notice.dial_no_answer": _("Nobody answered."),
        "notice.dial_rejected": _("The call was refused."),
        "notice.dial_unallocated": _("There is no such number."),
        "notice.dial_unreachable": _("The number cannot be reached."),
        "notice.dial_congestion": _("No way out: every line is taken, or the line gives no dial tone."),
        "notice.dial_media_lost": _("The line was lost: is it plugged in? Tell an administrator."),
        "notice.dial": _("The call could not be set up."),
        "notice.line_lost": _("The line broke off in the talk, nobody hung up."),
        "link.lost": _("No connection to the server. Calls go on; this page reconnects by itself."),
        "send.failed": _("The server could not be reached. What you typed is still here; try again."),
        "link.engine": _("The call engine does not answer. Calls go on; buttons work again when it is back."),
        "link.switch": _("No connection to the switch. Calls go on; buttons work again when it is back."),
        "link.some": _("No connection to the switch %(names)s. Calls there go on; the rest works.", names="{names}"),
    }


def _phone() -> dict[str, str]:
    return {
        "phone.starting": _("Phone is connecting …"),
        "phone.registered": _("Phone is connected"),
        "phone.lost": _("Phone has no connection to the switch. Trying again …"),
        "phone.rejected": _("The switch refused this phone's password. Tell an administrator."),
        "phone.sip": _("Desk phone"),
        "phone.simulated": _("Simulated phone, without sound: there is no switch on this machine."),
        "phone.outside": _("Calls go to your outside number … {cause}. Press 1 there to take a call."),
        "phone.outside.use": _("Use my outside number … {cause}"),
        "phone.sip.lost": _("Your desk phone is not registered at the switch."),
        "phone.other": _("Your phone is in use in another tab."),
        "phone.take": _("Use it here"),
        "phone.insecure": _("A browser phone needs https or localhost. Open the page that way, or use a desk phone."),
        "phone.mic.denied": _("The microphone is blocked. Allow it in the address bar, then answer again."),
        "phone.mic.missing": _("No microphone was found. Plug in a headset, then answer again."),
        "phone.ringing": _("Call from %(who)s", who="{who}"),
        "phone.failed": _("The phone could not set up the call: {cause}"),
        "phone.muted": _("Microphone is off"),
    }


def _calls() -> dict[str, str]:
    return {
        "call.inbound": _("Call in"),
        "call.outbound": _("Call out"),
        "call.internal": _("Colleague"),
        "call.consulted": _("A colleague asks you"),
        "call.supervisor.listen": _("You listen: nobody hears you"),
        "call.supervisor.whisper": _("Only the agent hears you"),
        "call.supervisor.barge": _("Agent and customer hear you"),
        "call.supervisor.intercept": _("You take the call over"),
        "call.ended": _("Call ended"),
        "call.waited": _("waited {seconds} s"),
        "call.unknown": _("Unknown number"),
        "consult.calling": _("Calling {who} …"),
        "consult.ringing": _("{who} is ringing"),
        "consult.talking": _("With {who}"),
        "consult.conference": _("Conference with {who}"),
        "transferred": _("Transferring to {who} …"),
        "act.complete": _("Complete"),
        "act.take_back": _("Take back"),
        "act.leave": _("Leave"),
        "act.drop": _("Drop third"),
        "consult.failed": _("{who} could not be reached"),
        "dial.busy": _("Finish the present call first."),
        "dial.none": _("No numbers dialled yet"),
        "targets.none": _("Nobody by that name. Enter calls the number itself."),
        "targets.queue": _("Queue"),
        "wrapup.left": _("{seconds} s left"),
        "wrapup.open": _("Finish the note, then go on"),
        "session.ended": _("Your session has ended. Sign in again."),
        "session.again": _("Sign in"),
        "logout.call": _("Finish the call before you sign out."),
        "link.page": _("The page for this call on {host} was not opened: the browser blocks new tabs."),
        "link.page.open": _("Open it"),
        "desk.call": _("A call from {who}. What you are typing here is kept."),
        "desk.open": _("Show the customer"),
        "desk.watched": _("{who} is on your own telephone. What you are typing here is kept."),
    }
