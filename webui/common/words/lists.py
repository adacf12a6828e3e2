"""What is called what of lists: their tables, conditions, fields, imports and exports."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext

LABELS: dict[str, dict[str, Any]] = {
    "table": {
        "orders": _("Orders"),
        "call_notes": _("Calls"),
        "tasks": _("Tasks"),
        "callback_tickets": _("Callbacks"),
    },
    "operator": {
        "is": _("is"),
        "is_not": _("is not"),
        "contains": _("contains"),
        "begins": _("begins with"),
        "less": _("less than"),
        "most": _("at most"),
        "more": _("more than"),
        "least": _("at least"),
        "between": _("between"),
        "before": _("before"),
        "since": _("since"),
        "last_days": _("in the last … days"),
        "empty": _("is empty"),
        "filled": _("is filled in"),
        "yes": _("is yes"),
        "no": _("is no"),
    },
    "query_group": {
        "all": _("all of these hold"),
        "any": _("any of these holds"),
        "orders": _("has orders for which all of these hold"),
        "no_orders": _("has no order for which all of these hold"),
        "tickets": _("has callback tickets for which all of these hold"),
        "no_tickets": _("has no callback ticket for which all of these hold"),
    },
    "field_kind": {
        "text": lazy_pgettext("kind of field", "Text"),
        "number": lazy_pgettext("kind of field", "Number"),
        "date": _("Date"),
        "choice": _("Choice"),
        "yes_no": _("Yes or no"),
    },
    "transfer_state": {
        "reading": _("Being read"),
        "mapping": _("Columns to be named"),
        "checking": lazy_pgettext("import", "Being checked"),
        "checked": _("Checked"),
        "running": _("Running"),
        "done": _("Done"),
        "failed": _("Failed"),
        "cancelled": _("Stopped"),
        "interrupted": _("Interrupted"),
    },
    "import_outcome": {
        "new": _("new"),
        "change": _("is changed"),
        "skip": _("skipped"),
        "wrong": _("wrong"),
    },
}
