"""What a line is and does, in words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from cti.domain.dahdi import Span

KINDS = {
    "trunk": _("Outside line"),
    "pri": _("E1 timeslot"),
    "extension": _("Telephone"),
    "recorder": _("Only listened to"),
}

STATES = {
    "idle": _("Idle"),
    "ringing_in": _("Rings, caller-id is read"),
    "waiting": _("Waits for an answer"),
    "dialling": _("Dialling"),
    "collecting": _("Is being dialled from"),
    "proceeding": _("Number sent"),
    "ringing": _("Rings"),
    "answered": _("Answered"),
    "playing": _("Hears a prompt"),
    "connected": _("Connected"),
    "held": _("On hold"),
    "refusing": _("Refused, hears busy"),
    "busy_tone": _("Off the hook, hears busy"),
    "releasing": _("Being released"),
}

HUNTS = {
    "first": _("Always from the first"),
    "round": _("In turn"),
    "random": _("At random"),
}

HANDS = {
    "lift": _("Lift"),
    "replace": _("Replace"),
    "flash": _("Flash"),
    "hangup": _("Caller hangs up"),
    "unplug": _("Unplug"),
    "plug": _("Plug in"),
    "called": _("A call to it"),
    "calls": _("A call from it"),
}
"""What one can do at the far end of a simulated board's line."""

OF_KIND = {
    "trunk": ("hangup", "unplug", "plug"),
    "pri": ("hangup", "unplug", "plug"),
    "extension": ("lift", "replace", "flash", "unplug", "plug"),
    "recorder": ("called", "calls", "replace", "unplug", "plug"),
}

SPANS = {
    "analog": _("Analog lines and telephones"),
    "pri": _("E1, ISDN PRI"),
    "r2": _("E1, MFC/R2 (SS1)"),
    "ss7": _("E1, SS7"),
}

CALLER_ID = {"bell": _("FSK (Bell 202)"), "v23": _("FSK (V.23)"), "dtmf": _("DTMF")}

INDICATORS = {
    "national": _("National"),
    "national_spare": _("National, spare"),
    "international": _("International"),
    "international_spare": _("International, spare"),
}

HINTS = {
    "trunk": _("Calls out name it in their rules. A new short name makes a new trunk."),
    "ports": _("One letter a port: o outside line (FXO), t telephone (FXS), - empty."),
    "timing": _("0: this board gives the clock. 1, 2 …: the order in which the clock of the other side is taken."),
    "protocol_file": _("China: needed to send the caller's number on calls out. Empty for calls in only."),
    "echo": _("hwec: the board's own."),
}

ALARMS = {
    "signal": _("Red alarm: is the E1 plugged in?"),
    "d_channel": _("D channel down: no calls in or out."),
    "helper": _("The signalling process is being started again."),
    "Red Alarm": _("No signal: is the cable plugged in?"),
    "Yellow Alarm": _("The other side does not hear us."),
    "Blue Alarm": _("The other side is not ready."),
}


def span(one: Span) -> str:
    """For the audit."""
    return " ".join(part for part in (one.kind.value, one.name, one.ports, one.trunk) if part)


AUDIT = {
    "board.spans": _("Spans of a board changed"),
    "board.plan": _("Dial plan of a board changed"),
    "board.listen": _("Began to listen to a line"),
    "board.listened": _("Listened to a line until"),
    "board.block": _("Line of a board blocked"),
    "board.unblock": _("Line of a board released"),
    "board.call": _("Simulated caller"),
    "board.test": _("Test tone on a board's line"),
}
