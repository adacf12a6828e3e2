"""A report as CSV, in the words of the page. What a spreadsheet would compute is text to it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from webui.reports.registry import Result

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def lines(result: Result, group: str, total: str) -> Iterator[str]:
    """With a byte order mark, so that spreadsheets read the Chinese right."""
    columns = result.report.columns
    heading = [group, *(str(column.label) for column in columns)]
    rows = [[row.label, *(row.figures[column.name] for column in columns)] for row in result.rows]
    rows.append([total, *(result.totals[column.name] for column in columns)])
    yield "\ufeff"
    for values in (heading, *rows):
        out = io.StringIO()
        csv.writer(out).writerow([plain(value) for value in values])
        yield out.getvalue()


def plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int | Decimal):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text
