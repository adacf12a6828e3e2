"""From a value to a cell and back: what may stand in a file, and what a file's cell means. Must not know files.

Nothing that leaves is a formula: every text is written as text. Phone numbers are text both ways.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from cti.domain.phones import normalise
from cti.store import custom
from cti.store.models import CustomField, FieldKind
from webui.common import phones
from webui.common.i18n import choose_timezone, to_utc
from webui.common.labels import label, pairs
from webui.transfers.registry import Cell, Column

LONGEST_CELL = 32_000
LARGEST_WHOLE = 2**53
HIGHEST_PRICE = Decimal("99999999.99")
TIME = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:\.0+)?)?"
)


class WrongCell(ValueError):
    """The message is for the person who made the file."""


def written(column: Column, row: Any) -> str | float | int | datetime | date | None:
    """The value of a row's cell, masked where this user may not see it."""
    value = column.value(row)
    if value is None or value == "":
        return None
    if column.codes:
        return label(value, column.codes)
    if column.cell in (Cell.PHONE, Cell.SECRET):
        return shown(column, str(value))
    if column.cell is Cell.YES_NO:
        return _("Yes") if value else _("No")
    if column.cell is Cell.TIME:
        return value.astimezone(ZoneInfo(choose_timezone())).replace(tzinfo=None, microsecond=0)
    if column.cell is Cell.DATE:
        return value if isinstance(value, date) else str(value)
    if column.cell in (Cell.WHOLE, Cell.NUMBER, Cell.MONEY):
        return float(value) if abs(value) < LARGEST_WHOLE else str(value)
    return str(value)[:LONGEST_CELL]


def shown(column: Column, value: str) -> str:
    if phones.may_see():
        return ", ".join(phones.pretty(part) for part in value.split(", ")) if column.cell is Cell.PHONE else value
    return ", ".join(phones.mask(phones.pretty(part)) for part in value.split(", "))


def read(column: Column, raw: Any) -> Any:
    """What the cell means; ``None`` when it is empty. Raises ``WrongCell``."""
    blank = raw is None or (isinstance(raw, str) and not raw.strip())
    if blank:
        if column.required:
            raise WrongCell(_("%(column)s is missing", column=column.title))
        return None
    if column.read is not None:
        return column.read(raw)
    if column.codes:
        return code_of(column, text_of(raw))
    return READERS[column.cell](column, raw)


def text_of(raw: Any) -> str:
    """A number of a file as the digits a person sees: 13800138000.0 is a phone number."""
    if isinstance(raw, bool):
        return "1" if raw else "0"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() and abs(raw) < LARGEST_WHOLE else repr(raw)
    text = str(raw)
    return "".join(c for c in text if c.isprintable() or c in "\n\t").strip()


def _text(column: Column, raw: Any) -> str:
    text = text_of(raw)
    if len(text) > column.limit:
        raise WrongCell(_("%(column)s is longer than %(limit)s characters", column=column.title, limit=column.limit))
    return text


def _phone(column: Column, raw: Any) -> str:
    text = text_of(raw)
    number = normalise(text)
    if "*" in text or not 3 <= sum(c.isdigit() for c in number) <= 20:
        raise WrongCell(_("%(column)s: “%(text)s” is not a phone number", column=column.title, text=text[:40]))
    return number


def _secret(column: Column, raw: Any) -> str:
    text = _text(column, raw)
    if "*" in text:
        raise WrongCell(_("%(column)s is masked in this file", column=column.title))
    return text


def _whole(column: Column, raw: Any) -> int:
    text = text_of(raw)
    if not re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
        raise WrongCell(_("%(column)s: “%(text)s” is not a whole number", column=column.title, text=text[:40]))
    return int(text)


def _number(column: Column, raw: Any) -> float:
    try:
        number = float(text_of(raw).replace(",", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise WrongCell(_("%(column)s: “%(text)s” is not a number", column=column.title, text=text_of(raw)[:40]))
    return number


def _money(column: Column, raw: Any) -> Decimal:
    text = text_of(raw).replace(",", "").lstrip("¥￥").strip()
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= HIGHEST_PRICE or amount != amount.quantize(Decimal("0.01")):
        raise WrongCell(_("%(column)s: “%(text)s” is not an amount", column=column.title, text=text[:40]))
    return amount.quantize(Decimal("0.01"))


def _date(column: Column, raw: Any) -> date:
    try:
        return date.fromisoformat(str(custom.PARSERS[FieldKind.DATE](CustomField(), raw)))
    except custom.WrongValue as error:
        text = text_of(raw)[:40]
        raise WrongCell(_("%(column)s: “%(text)s” is not a date", column=column.title, text=text)) from error


def _time(column: Column, raw: Any) -> datetime:
    """A time as people write it, in the user's zone; a day alone is its beginning."""
    text = text_of(raw)
    parts = TIME.fullmatch(text)
    try:
        whole = [int(part) for part in parts.groups(default="0")] if parts else []
        return to_utc(datetime(*whole)) if whole else _no_time(column, text)  # noqa: DTZ001 - the user's zone is added
    except ValueError:
        return _no_time(column, text)


def _no_time(column: Column, text: str) -> datetime:
    raise WrongCell(_("%(column)s: “%(text)s” is not a time", column=column.title, text=text[:40]))


def _yes_no(column: Column, raw: Any) -> bool:
    try:
        return bool(custom.PARSERS[FieldKind.YES_NO](CustomField(), raw))
    except custom.WrongValue as error:
        text = text_of(raw)[:40]
        raise WrongCell(_("%(column)s: “%(text)s” is neither yes nor no", column=column.title, text=text)) from error


READERS = {
    Cell.TEXT: _text,
    Cell.PHONE: _phone,
    Cell.SECRET: _secret,
    Cell.WHOLE: _whole,
    Cell.NUMBER: _number,
    Cell.MONEY: _money,
    Cell.DATE: _date,
    Cell.TIME: _time,
    Cell.YES_NO: _yes_no,
}


def code_of(column: Column, text: str) -> str:
    """The code that is meant by itself or by its words, in either case of letters."""
    for code, words in pairs(column.codes):
        if text.lower() in (code.lower(), str(words).lower()):
            return code
    known = ", ".join(str(words) for _code, words in pairs(column.codes))
    text = text[:40]
    raise WrongCell(_("%(column)s: “%(text)s” is none of %(known)s", column=column.title, text=text, known=known))


def custom_columns(subject_fields: Any, named: Any) -> list[Column]:
    """Columns of fields that administrators added; ``named`` gives a field's words."""
    return [custom_column(field, named(field)) for field in subject_fields]


CUSTOM = "custom."
CUSTOM_CELLS = {
    FieldKind.TEXT: Cell.TEXT,
    FieldKind.CHOICE: Cell.TEXT,
    FieldKind.NUMBER: Cell.NUMBER,
    FieldKind.DATE: Cell.DATE,
    FieldKind.YES_NO: Cell.YES_NO,
}


def custom_column(field: CustomField, title: str) -> Column:
    def value(row: Any) -> Any:
        found = (row.custom or {}).get(field.key)
        return date.fromisoformat(found) if field.kind is FieldKind.DATE and isinstance(found, str) else found

    def take(raw: Any) -> Any:
        try:
            return custom.parse(field, raw)
        except custom.WrongValue as error:
            text = text_of(raw)[:40]
            raise WrongCell(_("%(column)s: “%(text)s” does not fit", column=title, text=text)) from error

    cell = CUSTOM_CELLS[field.kind]
    return Column(CUSTOM + field.key, title, value, cell, taken=True, required=field.required, read=take)
