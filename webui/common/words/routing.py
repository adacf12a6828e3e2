"""What is called what of where calls go: queues, rules, ring groups, opening hours."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

LABELS: dict[str, dict[str, Any]] = {
    "target": {
        "menu": _("Menu"),
        "queue": _("Queue"),
        "agent": _("Agent"),
        "voicemail": _("Voicemail"),
        "group": _("Ring group"),
        "outside": _("Outside number"),
        "callback": _("Offer of a callback"),
        "hangup": _("Hang up"),
    },
    "strategy": {
        "longest_idle": _("Longest idle"),
        "fewest_calls": _("Fewest calls"),
        "least_talk": _("Least talk time"),
        "random": _("By chance"),
        "sequential": _("In order"),
        "round_robin": _("Round robin"),
        "weighted": _("By weight"),
        "most_skilled": _("Most skilled"),
        "ring_all": _("Ring all"),
    },
    "strategy_hint": {
        "longest_idle": _("Whoever has been free for the longest time is called."),
        "fewest_calls": _("Whoever has had the fewest calls today is called."),
        "least_talk": _("Whoever has talked the least today is called."),
        "random": _("Any free agent is called, by lot."),
        "sequential": _("Always the first free agent of the list: the smallest rank."),
        "round_robin": _("The next free agent of the list after the one called last."),
        "weighted": _("Calls are shared out by weight: twice the weight, twice the calls."),
        "most_skilled": _("The best in the skills asked for; among equals whoever has been free longest."),
        "ring_all": _("Everybody who is free rings at once; whoever answers first has the caller."),
    },
    "overflow": {
        "waited": _("Has waited here (s)"),
        "length": _("So many wait before"),
        "no_agents": _("No agent signed in"),
        "predicted": _("Expected wait above (s)"),
        "service_level": _("Service level below (per cent)"),
    },
    "when": {"always": _("Always"), "open": _("While open"), "closed": _("While closed")},
    "weekday": {
        "1": _("Monday"),
        "2": _("Tuesday"),
        "3": _("Wednesday"),
        "4": _("Thursday"),
        "5": _("Friday"),
        "6": _("Saturday"),
        "7": _("Sunday"),
    },
    "day_kind": {
        "closed": _("Day off"),
        "1": _("Worked as a Monday"),
        "2": _("Worked as a Tuesday"),
        "3": _("Worked as a Wednesday"),
        "4": _("Worked as a Thursday"),
        "5": _("Worked as a Friday"),
        "6": _("Worked as a Saturday"),
        "7": _("Worked as a Sunday"),
    },
    "open_because": {
        "override": _("forced by hand"),
        "closed_day": _("closed day"),
        "hours": _("within the hours"),
        "out_of_hours": _("out of hours"),
    },
    "ring_order": {"at_once": _("All at once"), "one_by_one": _("One after the other")},
    "member": {
        "agent": _("Agent, while ready"),
        "phone": _("Phone, also while signed off"),
        "outside": _("Outside number"),
    },
    "trunk_order": {
        "sequential": _("The first of the list"),
        "round_robin": _("The one after the last used"),
        "random": _("Any, by lot"),
    },
}
