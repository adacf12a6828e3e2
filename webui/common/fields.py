"""Fields that administrators added, in forms and on pages: their words, their inputs, what was typed into them.

A form includes ``fields/_inputs.html`` and calls ``taken``; a page includes ``own_facts``, and ``own_edit`` where the
values may be changed (``change``); a list ``own_filters``, ``own_headings`` and ``own_cells``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from cti.store import custom
from cti.store.models import CustomField, FieldKind
from webui.common import audit, db
from webui.common.i18n import current_locale
from webui.common.text import one_line

PREFIX = "custom-"
FILTER = "own-"


@dataclass
class Taken:
    """``values``: what goes into ``custom`` (``cti.store.custom.taken``); ``errors``: a field's key → what is wrong."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)


def named(one: CustomField) -> str:
    return one.names.get(current_locale()) or next(iter(one.names.values()), "") or one.key


def taken(subject: str, form: Mapping[str, str]) -> Taken:
    """What stands in a form's own fields. A form sent without them (an older page) changes none."""
    found = Taken()
    for one in custom.fields(db.session(), subject):
        raw = form.get(PREFIX + one.key)
        if raw is None:
            continue
        found.typed[one.key] = raw[:1000]
        try:
            found.values[one.key] = custom.parse(one, raw)
        except custom.WrongValue as error:
            found.errors[one.key] = why(one, error.reason)
    return found


def why(one: CustomField, reason: str) -> str:
    texts = {
        "required": _("Enter a value."),
        "text": _("At most %(limit)s characters.", limit=custom.LONGEST),
        "number": _("This is not a number."),
        "date": _("This is not a date. Example: 2026-11-22"),
        "choice": _("Choose one of the list."),
        "yes_no": _("Yes or no, please."),
    }
    return str(texts[reason])


def shown(one: CustomField, value: Any) -> str:
    if one.kind is FieldKind.YES_NO and isinstance(value, bool):
        return _("Yes") if value else _("No")
    return "" if value is None else str(value)


def inputs(subject: str, present: Mapping[str, Any] | None, sent: Taken | None = None) -> list[dict[str, Any]]:
    """For the template: each field with its value, as typed after a mistake."""
    found = []
    for one in custom.fields(db.session(), subject):
        stored = (present or {}).get(one.key)
        text = ("yes" if stored else "no") if isinstance(stored, bool) else "" if stored is None else str(stored)
        found.append(
            {
                "name": PREFIX + one.key,
                "title": named(one),
                "field": one,
                "value": sent.typed.get(one.key, text) if sent else text,
                "error": sent.errors.get(one.key, "") if sent else "",
            }
        )
    return found


def facts(subject: str, present: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Words and value of each field that has one, for a page; fields switched off too."""
    fields = custom.fields(db.session(), subject, everything=True) if present else ()
    return [(named(one), shown(one, (present or {})[one.key])) for one in fields if one.key in (present or {})]


def listed(subject: str) -> Sequence[CustomField]:
    """The fields that are columns of the list."""
    return [one for one in custom.fields(db.session(), subject) if one.listed]


def filters(subject: str, args: Mapping[str, str]) -> list[tuple[CustomField, str]]:
    """The listed fields that the list's arguments ask for, each with the value."""
    asked = ((one, one_line(args.get(FILTER + one.key, ""), custom.LONGEST)) for one in listed(subject))
    return [(one, value) for one, value in asked if value]


def change(subject: str, row: Any, form: Mapping[str, str], action: str, name: str) -> Taken:
    """Put what was typed into ``row.custom``, audited; with errors nothing is changed. The caller commits."""
    sent = taken(subject, form)
    before = dict(row.custom or {})
    after = custom.taken(before, sent.values)
    if not sent.errors and after != before:
        row.custom = after
        audit.record(action, name, {"custom": before}, {"custom": after})
    return sent


def install(app: Flask) -> None:
    app.jinja_env.globals.update(
        custom_inputs=inputs, custom_facts=facts, custom_listed=listed, custom_shown=shown, custom_named=named
    )
