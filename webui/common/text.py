"""Text from outside made fit to be stored and searched: no NUL, no control characters. Must not know any field."""

from __future__ import annotations

from typing import Any


def one_line(value: Any, limit: int | None = None) -> Any:
    """Without outer blanks and unprintable characters; anything but text as it is."""
    if not isinstance(value, str):
        return value
    return "".join(c for c in value if c.isprintable()).strip()[:limit]


def many_lines(value: Any) -> Any:
    """As ``one_line``, but line ends and tabs stay."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c.isprintable() or c in "\n\t").strip()
