"""What the far side's answer to a call means and what to do about it, in the user's language.

The keys are those of ``cti/domain/sip.py``. Must not know how calls are placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

WORDS: dict[str, tuple[Any, Any]] = {
    "answered": (_("The call was answered"), ""),
    "busy": (_("The far telephone is engaged"), _("The trunk works. Try another number.")),
    "cancelled": (_("The call was given up"), _("Try again.")),
    "codec": (
        _("No voice codec in common, or encrypted voice is wanted"),
        _("Choose other codecs under Voice; ask the other side for G.711 without encryption."),
    ),
    "congestion": (
        _("The other side has no line free, or is overloaded"),
        _("Try again later. If it lasts, ask the other side how many calls at once are allowed."),
    ),
    "cut_off": (_("The call was ended before it was answered"), _("Try again; look at the other side's own log.")),
    "declined": (
        _("The call was declined"),
        _("Try another number. Some carriers decline calls whose number shown they do not like."),
    ),
    "encryption": (_("The other side could not read what we sent"), _("Switch off encryption on the other side.")),
    "failed": (_("The call failed"), _("Look at the log of the switch at this time.")),
    "forbidden": (
        _("The other side does not allow this call"),
        _("Check that it knows our address, that the number shown is ours, and that the destination is not barred."),
    ),
    "incomplete": (
        _("The number is not complete for the other side"),
        _("Check the rules for numbers dialled out: area code, leading 0, +86."),
    ),
    "loop": (
        _("The call goes round in a circle"),
        _("The other side sends our numbers back to us: change its routing."),
    ),
    "moved": (_("The other side names another place for this call"), _("Ask it for the address that it names.")),
    "no_answer": (_("It rang, and nobody answered"), _("The trunk works. Try another number.")),
    "no_reply": (
        _("Nothing came back"),
        _("Check host, port and transport, the firewalls of both sides, and that the other side knows our address."),
    ),
    "no_sound": (_("The voice stopped"), _("Open the RTP ports in the firewalls of both sides.")),
    "no_such_number": (
        _("The other side does not know this number"),
        _("Check the rules for numbers dialled out; in an exchange, check the context that the trunk leads to."),
    ),
    "not_understood": (
        _("The other side does not understand us"),
        _("Check the port: perhaps something other than a telephone exchange listens there."),
    ),
    "number_changed": (_("This number is not in use any more"), _("The trunk works. Try another number.")),
    "refused": (_("The other side refused the call"), _("Ask it for the reason, with the time and the number.")),
    "trouble": (_("The other side has trouble of its own"), _("Try again later; then ask the other side.")),
    "unavailable": (
        _("The far telephone cannot be reached now"),
        _("The trunk works. Try another number; in an exchange, check that the telephone is registered."),
    ),
    "wrong_password": (
        _("User name or password were refused"),
        _("Type them anew without blanks. Some carriers have a separate authentication user, or another realm."),
    ),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` as it was on the wire (``486``), empty where there was no answer."""

    code: str
    meaning: str
    advice: str


def explain(test: dict[str, Any]) -> Answer:
    """The words for a trunk test document that is over."""
    sip = int(test.get("sip") or 0)
    meaning, advice = WORDS.get(str(test.get("answer") or ""), WORDS["failed"])
    return Answer(str(sip) if sip else "", str(meaning), str(advice))
