"""Fields that administrators add to customers, orders and callback tickets: what a value may be, and how it is stored.

A value stands in ``custom`` under the field's key as JSON: text, a number, a date as ``2026-11-22``, one of the
choices, or a truth value; an empty one does not stand there at all. Must not know pages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import CustomField, FieldKind

SUBJECTS = ("customer", "order", "ticket")
LONGEST = 255
HIGHEST = 1e12
YES = {"yes", "y", "true", "1", "on", "是", "有", "对"}
NO = {"no", "n", "false", "0", "off", "否", "无", "不"}


class WrongValue(ValueError):
    """``reason``: ``required``, or the kind the value is not of."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def fields(session: Session, subject: str, *, everything: bool = False) -> Sequence[CustomField]:
    """The fields in use, in their order; ``everything``: also those switched off."""
    query = select(CustomField).where(CustomField.subject == subject).order_by(CustomField.order, CustomField.id)
    return session.scalars(query if everything else query.where(CustomField.active)).all()


def parse(field: CustomField, raw: Any) -> Any:
    """What was typed, or stands in a cell, as the value to store; ``None`` for nothing. Raises ``WrongValue``."""
    blank = raw is None or (isinstance(raw, str) and not raw.strip())
    value = None if blank else PARSERS[field.kind](field, raw)
    if value is None or value == "":
        if field.required:
            raise WrongValue("required")
        return None
    return value


def _text(_field: CustomField, raw: Any) -> str:
    text = str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)
    text = "".join(c for c in text if c.isprintable()).strip()
    if len(text) > LONGEST:
        raise WrongValue("text")
    return text


def _number(_field: CustomField, raw: Any) -> float | int:
    text = str(raw).strip().replace(",", "")
    if isinstance(raw, bool) or not re.fullmatch(r"-?[0-9]{1,13}(\.[0-9]{1,6})?(e[+-]?[0-9]{1,2})?", text, re.ASCII):
        raise WrongValue("number")
    number = float(text)
    if not math.isfinite(number) or abs(number) > HIGHEST:
        raise WrongValue("number")
    return int(number) if number.is_integer() else number


def _date(_field: CustomField, raw: Any) -> str:
    if isinstance(raw, datetime):
        return raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    parts = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]00:00:00)?", str(raw).strip())
    try:
        return date(*(int(part) for part in parts.groups())).isoformat() if parts else _wrong("date")
    except ValueError as error:
        raise WrongValue("date") from error


def _choice(field: CustomField, raw: Any) -> str:
    text = _text(field, raw)
    return text if text in field.choices else _wrong("choice")


def _yes_no(_field: CustomField, raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    text = str(int(raw) if isinstance(raw, float) and raw in (0, 1) else raw).strip().lower()
    if text in YES:
        return True
    if text not in NO:
        raise WrongValue("yes_no")
    return False


def _wrong(reason: str) -> str:
    raise WrongValue(reason)


PARSERS = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.DATE: _date,
    FieldKind.CHOICE: _choice,
    FieldKind.YES_NO: _yes_no,
}


def taken(present: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """``present`` with ``values`` over it; what became empty is left out, fields not named stay."""
    return {key: value for key, value in {**(present or {}), **values}.items() if value is not None}
