"""What is called what of trunks: their kinds, settings, states and tests."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

LABELS: dict[str, dict[str, Any]] = {
    "trunk_kind": {
        "carrier": _("Carrier"),
        "pbx": _("Asterisk or FreePBX"),
        "freeswitch": _("FreeSWITCH or FusionPBX"),
        "gateway": _("Gateway box"),
    },
    "trunk_state": {
        "up": _("Up"),
        "registering": _("Registering"),
        "rejected": _("Refused"),
        "down": _("Does not answer"),
        "unknown": _("Not known"),
        "no_switch": _("Switch away"),
    },
    "trunk_hint": {
        "registering": _("Wait a moment. If it stays so, check host, port, transport and the firewall."),
        "rejected": _(
            "User name or password were refused: type them anew, and look for a separate authentication user."
        ),
        "down": _("Nothing comes back. Check host, port and firewalls, and that the other side knows our address."),
        "asked": _("It has not answered yet. It is asked twice a minute; a test call shows at once whether it works."),
        "unknown": _("Nobody asks whether it is there. A test call shows whether it works."),
        "no_switch": _("There is no connection to this switch now."),
    },
    "transport": {"udp": "UDP", "tcp": "TCP", "tls": "TLS"},
    "dtmf": {"rfc2833": "RFC 2833", "info": "SIP INFO", "inband": _("Tones in the voice")},
    "did_from": {
        "request": _("The request line"),
        "to": _("The header To"),
        "fixed": _("Nowhere: every call reaches one number"),
    },
    "caller_id": {
        "fixed": _("Always the same"),
        "own": _("The agent's or queue's service number"),
        "caller": _("The caller's own, when a call is passed on"),
    },
    "caller_in": {"from": "From", "pai": "P-Asserted-Identity", "both": _("Both")},
    "trunk_test": {
        "dialling": _("Calling"),
        "ringing": _("Rings"),
        "answered": _("Answered"),
        "done": _("It works: the call was answered"),
        "failed": _("The call did not get through"),
    },
}
