"""Ids as they stand in addresses and forms: whatever cannot be one is nobody's, before the database is asked."""

from __future__ import annotations

import re

LARGEST_NUMBER = 2**62
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


def valid_id(text: str) -> str:
    """The id, or empty for anything that cannot be one."""
    return text if _ID.fullmatch(text) else ""


def valid_number(number: int) -> bool:
    """Whether ``number`` can be the key of a row that the database counts."""
    return 0 < number < LARGEST_NUMBER


def row_id(text: str | None) -> int:
    """The id of a row out of a form; 0, which no row has, for anything else, however long."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 18 else 0
