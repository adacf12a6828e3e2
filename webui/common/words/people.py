"""What is called what of users, their rights and phones, and of programs that are told of events."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext

LABELS: dict[str, dict[str, Any]] = {
    "role": {"admin": _("Administrator"), "supervisor": _("Supervisor"), "agent": _("Agent")},
    "scope": {"own": _("Own"), "group": _("Department"), "all": _("All")},
    "data_kind": {
        "customers": _("Customers"),
        "orders": _("Orders"),
        "tickets": _("Callback tickets"),
        "calls": _("Calls"),
    },
    "phone_kind": {"web": _("Browser phone"), "sip": _("SIP phone"), "outside": _("Outside number")},
    "hook_state": {"waiting": lazy_pgettext("webhook", "Waiting"), "done": _("Delivered"), "dead": _("Given up")},
}
