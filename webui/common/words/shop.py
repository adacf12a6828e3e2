"""What is called what of goods, stock, points and media."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

LABELS: dict[str, dict[str, Any]] = {
    "payment": {
        "cash_on_delivery": _("Cash on delivery"),
        "online": _("Online payment"),
        "bank_transfer": _("Bank transfer"),
    },
    "delivery": {
        "express": _("Courier"),
        "ems": _("Express mail (EMS)"),
        "post": _("Ordinary mail"),
        "pickup": _("Picked up"),
    },
    "line_kind": {
        "sale": _("Sold"),
        "gift": _("Gift"),
        "part": _("Part of a bundle"),
        "redeemed": _("With points"),
    },
    "movement": {
        "in": _("Goods in"),
        "out": _("Goods out"),
        "transfer": _("Moved between warehouses"),
        "count": _("Count"),
        "reserve": _("Reserved"),
        "release": _("Set free"),
        "ship": _("Dispatched"),
        "return": _("Came back"),
    },
    "point_kind": {
        "earn": _("Earned"),
        "activity": _("Activity"),
        "redeem": _("Spent"),
        "give_back": _("Given back"),
        "take_back": _("Taken back"),
        "expire": _("Expired"),
        "adjust": _("Corrected"),
    },
    "point_rule": {
        "spend": _("By money spent"),
        "product": _("By product"),
        "activity": _("By activity"),
    },
    "return_reason": {
        "quality": _("Faulty"),
        "not_as_shown": _("Not as shown"),
        "wrong_item": _("Wrong goods sent"),
        "too_late": _("Came too late"),
        "changed_mind": _("Does not want it any more"),
        "refused": _("Refused at the door"),
    },
    "medium_kind": {
        "tv": _("Television"),
        "radio": _("Radio"),
        "paper": _("Newspaper"),
        "web": _("Internet"),
        "other": _("Other"),
    },
}
