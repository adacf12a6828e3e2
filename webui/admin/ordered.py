"""What the pages of rules in an order share: a rule is stored, moved, removed, with its audit entry, and published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request

from cti.store.models import InboundRule, OutboundRule
from webui.admin import queries
from webui.admin.publish import announce
from webui.common import audit, db
from webui.customers.forms import changes

Rule = InboundRule | OutboundRule
Values = dict[str, Any]


def last(rules: Iterable[Rule]) -> int:
    """The place behind all of them."""
    return 1 + max((rule.order for rule in rules), default=-1)


def store(kind: str, rule: Rule, before: Values | None, after: Values) -> None:
    """``before``: what it was; ``None`` for a new one. ``kind`` names it in the audit log."""
    if before is None:
        audit.record(f"{kind}.create", f"{kind}/{rule.id}", None, after)
    else:
        audit.record(f"{kind}.change", f"{kind}/{rule.id}", *changes(before, after))
    _publish()


def move(kind: str, rule: Rule, rows: list[Any]) -> str:
    """One place up or down, as the form asks; which of the two."""
    before = [row.name for row in rows]
    direction = "up" if request.form.get("direction") == "up" else "down"
    if queries.move(rows, rows.index(rule), direction):
        audit.record(f"{kind}.move", f"{kind}/{rule.id}", {"order": before}, {"order": [row.name for row in rows]})
        _publish()
    return direction


def remove(kind: str, rule: Rule, before: Values) -> None:
    audit.record(f"{kind}.delete", f"{kind}/{rule.id}", before, None)
    db.session().delete(rule)
    _publish()


def _publish() -> None:
    db.session().commit()
    announce(switch=False)
