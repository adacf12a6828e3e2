"""Numbers of the whole centre that administrators set: type, unit, range and what holds until they do.

A parameter ``shop.points_share`` stands in the row ``shop`` of ``settings`` under ``points_share``; a damaged or
missing value is the default. Must not know pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from cti.store.models import Setting, utc_now
from cti.store.models.base import CENT


class ParameterKind(StrEnum):
    WHOLE = "whole"
    MONEY = "money"
    YES_NO = "yes_no"


Value = int | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """``low`` and ``high`` are both allowed. ``default`` ``None``: may be left empty."""

    key: str
    kind: ParameterKind
    default: Value
    low: int = 0
    high: int = 1
    unit: str = ""

    @property
    def row(self) -> str:
        return self.key.split(".")[0]

    @property
    def path(self) -> list[str]:
        return self.key.split(".")[1:]

    def parse(self, text: str) -> Value:
        """What a person typed. Raises ``ValueError`` for anything else, also for what is out of range."""
        text = text.strip()
        if self.kind is ParameterKind.YES_NO:
            return text == "yes"
        if not text and self.default is None:
            return None
        if self.kind is ParameterKind.WHOLE and not (text.isascii() and text.isdecimal() and len(text) <= 12):
            raise ValueError(text)
        return self.check(text if self.kind is ParameterKind.MONEY else int(text))

    def check(self, value: Any) -> Value:
        """A stored value as the type it has. Raises ``ValueError`` for one that cannot be."""
        if self.kind is ParameterKind.YES_NO:
            if not isinstance(value, bool):
                raise ValueError(value)
            return value
        if value is None and self.default is None:
            return None
        number = self._money(value) if self.kind is ParameterKind.MONEY else value
        if isinstance(number, bool) or not isinstance(number, int | Decimal) or not self.low <= number <= self.high:
            raise ValueError(value)
        return number

    def _money(self, value: Any) -> Decimal:
        try:
            amount = Decimal(value) if isinstance(value, str) else Decimal("NaN")
        except InvalidOperation as error:
            raise ValueError(value) from error
        if not amount.is_finite() or amount != amount.quantize(CENT):
            raise ValueError(value)
        return amount.quantize(CENT)


def _whole(key: str, default: int, low: int, high: int, unit: str = "") -> Parameter:
    return Parameter(key, ParameterKind.WHOLE, default, low, high, unit)


ALL: tuple[Parameter, ...] = (
    _whole("shop.points_per_unit", 100, 1, 1_000_000),
    _whole("shop.points_share", 50, 0, 100, "percent"),
    _whole("shop.discounts.agent", 0, 0, 100, "percent"),
    _whole("shop.discounts.supervisor", 20, 0, 100, "percent"),
    _whole("shop.discounts.admin", 100, 0, 100, "percent"),
    Parameter("shop.shipping_fee", ParameterKind.MONEY, Decimal("0.00"), 0, 9_999_999),
    Parameter("shop.free_shipping_from", ParameterKind.MONEY, None, 0, 9_999_999),
    _whole("calls.message_silence", 5, 0, 60, "seconds"),
    _whole("lists.export_rows", 200_000, 100, 1_000_000, "rows"),
    _whole("lists.import_rows", 100_000, 100, 500_000, "rows"),
    _whole("lists.file_megabytes", 32, 1, 256, "megabytes"),
    _whole("lists.keep_days", 7, 1, 90, "days"),
    _whole("api.request_days", 7, 1, 90, "days"),
    _whole("api.delivery_days", 30, 2, 365, "days"),
)
BY_KEY = {parameter.key: parameter for parameter in ALL}


def value(session: Session, key: str) -> Value:
    parameter = BY_KEY[key]
    row = session.get(Setting, parameter.row)
    return read(parameter, row.value if row is not None else None)


def whole(session: Session, key: str) -> int:
    found = value(session, key)
    if not isinstance(found, int):
        raise TypeError(f"{key} is no whole number")
    return found


def read(parameter: Parameter, document: Any) -> Value:
    """The value in the document of the parameter's row."""
    for name in parameter.path:
        document = document.get(name) if isinstance(document, Mapping) else None
    if document is None:
        return parameter.default
    try:
        return parameter.check(document)
    except ValueError:
        return parameter.default


def rows(session: Session) -> dict[str, Setting]:
    names = {parameter.row for parameter in ALL}
    return {name: row for name in names if (row := session.get(Setting, name)) is not None}


def store(session: Session, values: Mapping[str, Value], username: str) -> None:
    """Put ``values`` into their rows; the caller commits."""
    for key, wanted in values.items():
        parameter = BY_KEY[key]
        row = session.get(Setting, parameter.row)
        if row is None:
            row = Setting(key=parameter.row, value={})
            session.add(row)
        row.value = _with(row.value if isinstance(row.value, dict) else {}, parameter.path, wanted)
        row.changed_by, row.changed_at = username, utc_now()
        session.flush()


def _with(document: Mapping[str, Any], path: list[str], wanted: Value) -> dict[str, Any]:
    name, *rest = path
    below = document.get(name)
    inner = _with(below if isinstance(below, dict) else {}, rest, wanted) if rest else plain(wanted)
    return {**document, name: inner}


def plain(wanted: Value) -> Any:
    """As it stands in JSON, here and in the audit."""
    return str(wanted) if isinstance(wanted, Decimal) else wanted
