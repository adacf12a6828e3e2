"""The OpenAPI document as a page shows it: what can be asked, with which fields, and what comes back. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
METHODS = ("get", "post", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Part:
    """A parameter, or a field of a document; ``place`` is ``path``, ``query``, ``header`` or ``body``."""

    name: str
    place: str
    kind: str
    needed: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    text: str
    takes: list[Part] = field(default_factory=list)
    gives: list[Part] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)


def operations(document: Document) -> Iterator[Operation]:
    """In the order of their addresses."""
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                yield _operation(document, path, method, item)


def _operation(document: Document, path: str, method: str, item: Document) -> Operation:
    told = item[method]
    takes = [
        Part(one["name"], one["in"], kind(document, one["schema"]), one.get("required", False), _text(one))
        for one in [*item.get("parameters", ()), *told.get("parameters", ())]
    ]
    takes += _fields(document, _schema(told.get("requestBody", {})))
    answers = {status: one for status, one in told["responses"].items() if status.isdigit()}
    good = next((one for status, one in answers.items() if status.startswith("2")), {})
    return Operation(
        method.upper(),
        path,
        told.get("summary", "").replace("``", ""),
        takes,
        _fields(document, _schema(good)),
        [(status, one.get("description", "")) for status, one in sorted(answers.items())],
    )


def _schema(content: Document) -> Document:
    found: Document = content.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _fields(document: Document, schema: Document) -> list[Part]:
    whole = _resolved(document, schema)
    needed = set(whole.get("required", ()))
    return [
        Part(name, "body", kind(document, one), name in needed, _text(one))
        for name, one in whole.get("properties", {}).items()
    ]


def kind(document: Document, schema: Document) -> str:
    """``text``, ``whole number``, ``[{number, label}]``: short enough for a cell."""
    whole = _resolved(document, schema)
    if whole.get("enum"):
        return " | ".join(str(value) for value in whole["enum"])
    match whole.get("type"):
        case "array":
            return f"[{kind(document, whole.get('items', {}))}]"
        case "object":
            return "{" + ", ".join(whole.get("properties", {})) + "}"
    plain = str(whole.get("format") or whole.get("type") or "any")
    most = whole.get("maxLength") or whole.get("maximum")
    return f"{plain} ≤ {most}" if most else plain


def _resolved(document: Document, schema: Document) -> Document:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Document = document["components"]["schemas"][name] if name else schema
    return found


def _text(one: Document) -> str:
    return str(one.get("description") or one.get("schema", {}).get("description") or "").replace("``", "")
