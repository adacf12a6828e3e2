"""Names of what the audit keeps by id, looked up for all entries of a page at once: one query for each kind of row.

What was deleted meanwhile keeps its id. Customers keep theirs too: who may read the audit need not know them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cti.store.models import (
    Agent,
    AuditEntry,
    Calendar,
    Carrier,
    Department,
    GiftRule,
    InboundRule,
    Medium,
    Menu,
    NumberList,
    OutboundRule,
    PointRule,
    Product,
    Queue,
    RingGroup,
    Tariff,
    Trunk,
    User,
    Warehouse,
)

Column = InstrumentedAttribute[Any]
Ref = tuple[str, str]
"""Kind and id."""

ROWS: dict[str, tuple[Column, Any]] = {
    "agent": (Agent.id, select(User.name).where(User.id == Agent.user_id).scalar_subquery()),
    "calendar": (Calendar.id, Calendar.name),
    "carrier": (Carrier.id, Carrier.name),
    "department": (Department.id, Department.name),
    "gift": (GiftRule.id, GiftRule.name),
    "group": (RingGroup.id, RingGroup.name),
    "list": (NumberList.id, NumberList.name),
    "medium": (Medium.id, Medium.name),
    "menu": (Menu.id, Menu.name),
    "outbound": (OutboundRule.id, OutboundRule.name),
    "point_rule": (PointRule.id, PointRule.name),
    "product": (Product.id, Product.name),
    "queue": (Queue.id, Queue.name),
    "rule": (InboundRule.id, InboundRule.name),
    "tariff": (Tariff.id, Tariff.name),
    "trunk": (Trunk.id, Trunk.name),
    "user": (User.id, User.name),
    "warehouse": (Warehouse.id, Warehouse.name),
}
FIELDS = {
    "agent": "agent",
    "carrier": "carrier",
    "department_id": "department",
    "medium_id": "medium",
    "queue_id": "queue",
    "queues": "queue",
    "trunk": "trunk",
    "user": "user",
}
"""Fields that hold the id of a row, or several."""
FIELDS_OF = {("department", "parent_id"): "department"}
TARGETS = ("target", "otherwise")
"""Fields that hold a kind and an id: ``queue:sales``."""


class Names:
    """What the rows that ``entries`` speak of are called now."""

    def __init__(self, session: Session, entries: Iterable[AuditEntry]) -> None:
        wanted: dict[str, set[str]] = {}
        for kind, key in _refs(entries):
            wanted.setdefault(kind, set()).add(key)
        self._names: dict[Ref, str] = {}
        for kind, keys in wanted.items():
            id, name = ROWS[kind]
            ids = [key for raw in keys if (key := _as(id, raw)) is not None]
            rows = session.execute(select(id, name).where(id.in_(ids)))
            self._names |= {(kind, str(row[0])): row[1] for row in rows if row[1]}

    def object(self, thing: str) -> str:
        """``department/3`` with the name in the place of the id."""
        kind, _slash, key = thing.partition("/")
        return f"{kind}/{self._names.get((kind, key), key)}" if key else thing

    def value(self, kind: str, field: str, value: Any) -> Any:
        """``value`` of a field of an object of ``kind``, with names in the place of ids, however deep they stand."""
        if isinstance(value, Mapping):
            return {name: self.value(kind, name, one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.value(kind, field, one) for one in value]
        ref = _ref(kind, field, value)
        if ref is None or ref not in self._names:
            return value
        return f"{ref[0]}:{self._names[ref]}" if field in TARGETS else self._names[ref]


def _refs(entries: Iterable[AuditEntry]) -> Iterator[Ref]:
    for entry in entries:
        kind, _slash, key = entry.object.partition("/")
        if key and kind in ROWS:
            yield kind, key
        for told in (entry.before, entry.after):
            yield from _within(kind, "", told)


def _within(kind: str, field: str, value: Any) -> Iterator[Ref]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _within(kind, name, one)
    elif isinstance(value, list):
        for one in value:
            yield from _within(kind, field, one)
    elif (ref := _ref(kind, field, value)) is not None:
        yield ref


def _ref(kind: str, field: str, value: Any) -> Ref | None:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    if field in TARGETS:
        of, _colon, key = str(value).partition(":")
        return (of, key) if of in ROWS and key else None
    found = FIELDS_OF.get((kind, field)) or FIELDS.get(field)
    return (found, str(value)) if found else None


def _as(column: Column, key: str) -> int | str | None:
    """An id as its column has it; nothing where it cannot be one, as the code of an own field may look like one."""
    if column.type.python_type is not int:
        return key
    return int(key) if key.isascii() and key.isdecimal() and len(key) < 18 else None
