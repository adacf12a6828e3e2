"""Own fields of customers, orders and tickets in the API: checked, stored, described as administrators defined them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from cti.store import custom
from cti.store.models import Customer, CustomField, FieldKind, Order, Ticket
from webui.api.access import record
from webui.api.base import Document, Refused
from webui.common import db

SCHEMAS = {"customer": "Customer", "order": "Order", "ticket": "Ticket"}
TYPES: dict[FieldKind, Document] = {
    FieldKind.TEXT: {"type": "string", "maxLength": custom.LONGEST},
    FieldKind.NUMBER: {"type": "number", "minimum": -custom.HIGHEST, "maximum": custom.HIGHEST},
    FieldKind.DATE: {"type": "string", "format": "date"},
    FieldKind.CHOICE: {"type": "string"},
    FieldKind.YES_NO: {"type": "boolean"},
}
WORDS = {
    "unknown": "no such field",
    "required": "a value is needed",
    "text": f"text of at most {custom.LONGEST} characters",
    "number": f"a number with at most six decimals, at most {custom.HIGHEST:.0f}",
    "date": "a date as 2026-11-22",
    "choice": "one of the choices",
    "yes_no": "true or false",
}


def values(subject: str, given: Mapping[str, Any], *, new: bool = False) -> dict[str, Any]:
    """What to put over the values that are there (``custom.taken``). ``new``: what is required must be given.

    Raises ``Refused``, which names each wrong field as ``custom.<key>``.
    """
    known = {one.key: one for one in custom.fields(db.session(), subject)}
    wrong = {key: "unknown" for key in given if key not in known}
    found: dict[str, Any] = {}
    for key, one in known.items():
        if key not in given and not (new and one.required):
            continue
        try:
            found[key] = parsed(one, given.get(key))
        except custom.WrongValue as error:
            wrong[key] = error.reason
    if wrong:
        errors = {f"custom.{key[:64]}": [WORDS[reason]] for key, reason in wrong.items()}
        raise Refused(422, "custom", "Own fields are wrong", "Nothing was saved.", errors)
    return found


def parsed(one: CustomField, raw: Any) -> Any:
    """A value has the type of its kind: the API takes no text for a number."""
    kind = TYPES[one.kind]["type"]
    right: type | tuple[type, ...] = {"string": str, "number": (int, float), "boolean": bool}[kind]
    if raw is not None and (not isinstance(raw, right) or (kind == "number" and isinstance(raw, bool))):
        raise custom.WrongValue(str(one.kind))
    return custom.parse(one, raw)


def put(row: Customer | Order | Ticket, sent: Mapping[str, Any]) -> tuple[Document, Document]:
    """Before and after, for the audit. The row is locked, so that of two at once neither undoes the other."""
    db.session().refresh(row, ["custom"], with_for_update=True)
    before = dict(row.custom or {})
    row.custom = custom.taken(before, sent)
    return before, dict(row.custom)


def change(subject: str, row: Order | Ticket, given: Mapping[str, Any]) -> None:
    """Keep those that are given, told to the audit log. Raises as ``values``."""
    before, after = put(row, values(subject, given))
    if before != after:
        record(f"{subject}.change", f"{subject}/{row.id}", {"custom": before}, {"custom": after})
    db.session().commit()


def described(document: Document) -> Document:
    """A copy of the OpenAPI document with the fields as they are defined now."""
    document = copy.deepcopy(document)
    schemas = document["components"]["schemas"]
    for subject, name in SCHEMAS.items():
        fields = custom.fields(db.session(), subject)
        needed = [one.key for one in fields if one.required]
        taken = {one.key: kind_of(one) for one in fields}
        inward = {"type": "object", "properties": taken, "additionalProperties": False}
        new = schemas[f"{name}In"]
        new["properties"]["custom"] = inward | ({"required": needed} if needed else {})
        if needed:
            new["required"] = [*new.get("required", ()), "custom"]
        schemas[f"{name}Change"]["properties"]["custom"] = inward
        outward = {one.key: {"title": title(one)} | TYPES[one.kind] for one in fields}
        schemas[f"{name}Out"]["properties"]["custom"] = {"type": "object", "properties": outward}
    return document


def kind_of(one: CustomField) -> Document:
    found = {"title": title(one)} | TYPES[one.kind]
    if one.kind is FieldKind.CHOICE:
        found["enum"] = list(one.choices) if one.required else [*one.choices, None]
    return found if one.required else found | {"nullable": True}


def title(one: CustomField) -> str:
    return one.names.get("en") or next(iter(one.names.values()), "") or one.key
