"""What is called what of calls, of who is in them, and of what is left to do after them."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

LABELS: dict[str, dict[str, Any]] = {
    "direction": {"inbound": _("Inbound"), "outbound": _("Outbound"), "internal": _("Internal")},
    "outcome": {
        "answered": _("Answered"),
        "abandoned": _("Abandoned"),
        "no_answer": _("No answer"),
        "live": _("In progress"),
    },
    "call_type": {"normal": _("Normal"), "silent": _("Silent"), "dropped": _("Dropped")},
    "business_type": {
        "callback": _("Callback"),
        "order": _("Ordering"),
        "consultation": _("Consultation"),
        "complaint": _("Complaint"),
        "harassment": _("Harassment"),
    },
    "leg_kind": {
        "customer": _("Customer"),
        "agent": _("Agent"),
        "consulted": _("Consulted"),
        "outside": _("Outside number"),
        "supervisor": _("Supervisor"),
    },
    "agent_state": {
        "loggedOff": _("Signed off"),
        "notReady": _("Busy"),
        "ready": _("Ready"),
        "reserved": _("Being called"),
        "alerting": _("Ringing"),
        "talking": _("Talking"),
        "hold": _("On hold"),
        "workingAfterCall": _("Wrap-up"),
    },
    "transfer": {
        "blind": _("Blind transfer"),
        "consult": _("Transfer after consultation"),
        "intercept": _("Taken over"),
        "conference": _("Conference"),
        "taken_back": _("taken back"),
        "completed": _("completed"),
        "failed": _("failed"),
    },
    "cause": {
        "normal": _("Normal"),
        "busy": _("Engaged"),
        "no_answer": _("No answer"),
        "rejected": _("Rejected"),
        "unallocated": _("No such number"),
        "congestion": _("Network congestion"),
        "cancelled": _("Given up"),
        "media_lost": _("Sound was lost"),
        "unreachable": _("Phone not reachable"),
        "failed": _("Failed"),
    },
    "ended_by": {"customer": _("Customer"), "agent": _("Agent"), "system": _("System"), "supervisor": _("Supervisor")},
    "rating": {"1": _("Very satisfied"), "2": _("Satisfied"), "3": _("Not satisfied")},
    "recording": {
        "pending": _("Still being written"),
        "ready": _("Ready"),
        "missing": _("Missing"),
    },
    "message_state": {"new": _("To do"), "done": _("Done")},
    "ticket_state": {
        "open": _("To call back"),
        "done": _("Done"),
        "reached": _("Reached since"),
        "ordered": _("Ordered"),
        "cancelled": _("Does not want it"),
        "complaint": _("Complaint or question"),
        "expired": _("Not settled in time"),
    },
    "ticket_step": {
        "made": _("Noted"),
        "changed": _("Noted again"),
        "held": _("Taken in hand"),
        "released": _("Given back"),
        "unreachable": _("Not reached"),
        "opened": _("Opened again"),
        "done": _("Done"),
        "reached": _("Reached since"),
        "ordered": _("Ordered"),
        "cancelled": _("Does not want it"),
        "complaint": _("Complaint or question"),
        "expired": _("Closed: not settled in time"),
    },
}
