"""What is called what of customers."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

LABELS: dict[str, dict[str, Any]] = {
    "sex": {"unknown": _("Not stated"), "female": _("Female"), "male": _("Male")},
    "likely": {
        "phone": _("same phone number"),
        "email": _("same e-mail"),
        "id_number": _("same ID number"),
        "address": _("same name and address"),
    },
    "customer_field": {
        "name": _("Full name"),
        "sex": _("Sex"),
        "birthday": _("Birthday"),
        "id_number": _("ID number"),
        "email": _("E-mail"),
        "source": _("Source"),
        "category": _("Category"),
        "level": _("Level"),
        "remarks": _("Remarks"),
    },
    "phone_label": {"mobile": _("Mobile"), "home": _("Home"), "work": _("Work"), "other": _("Other")},
    "level": {"normal": _("Regular"), "silver": _("Silver"), "gold": _("Gold"), "vip": _("VIP")},
    "category": {"person": _("Person"), "company": _("Company")},
    "source": {
        "tv": _("Television"),
        "web": _("Web site"),
        "phone": _("By phone"),
        "friend": _("Recommended"),
        "other": _("Other"),
    },
}
