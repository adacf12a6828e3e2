"""What a line is and does, in words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

KINDS = {"trunk": _("Outside line"), "pri": _("E1 timeslot"), "extension": _("Telephone"), "recorder": _("Recorder")}

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

ALARMS = {
    "signal": _("Red alarm: is the E1 plugged in?"),
    "d_channel": _("D channel down: no calls in or out."),
    "helper": _("The signalling process is being started again."),
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
}
"""What one can do at the far end of a simulated board's line."""

OF_KIND = {
    "trunk": ("hangup", "unplug", "plug"),
    "pri": ("hangup", "unplug", "plug"),
    "extension": ("lift", "replace", "flash", "unplug", "plug"),
}

AUDIT = {
    "board.plan": _("Dial plan of a board changed"),
    "board.block": _("Line of a board blocked"),
    "board.unblock": _("Line of a board released"),
    "board.call": _("Simulated caller"),
    "board.test": _("Test tone on a board's line"),
}
