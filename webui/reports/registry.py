"""What a report is, and all there are. Pages, tables, charts and exports are made of this; must not know requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from cti.store.database import for_large_reads
from webui.common.permissions import Permission
from webui.reports.filters import Filters

Figures = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """``kind``: ``count``, ``money``, ``percent``, ``ratio``. ``of`` computes it from the others, for rows and totals
    alike; without it the total is the sum."""

    name: str
    label: Any
    kind: str = "count"
    of: Callable[[Figures], Any] | None = None


@dataclass(frozen=True)
class Row:
    label: str
    figures: Figures


@dataclass(frozen=True)
class Report:
    """``groups``: what it may be grouped by, with words; the first is usual. ``filters``: names of ``Filters``.
    ``charted``: the columns in the chart; ``pies``: groups that are drawn as a pie, ``lines`` as a line."""

    name: str
    title: Any
    groups: Mapping[str, Any]
    filters: Sequence[str]
    columns: Sequence[Column]
    run: Callable[[Session, Filters], list[Row]]
    charted: Sequence[str]
    lines: frozenset[str] = frozenset({"day"})
    pies: frozenset[str] = frozenset()
    permission: Permission = Permission.REPORTS_READ


@dataclass(frozen=True)
class Result:
    """Rows complete with what is computed, and their totals."""

    report: Report
    rows: list[Row] = field(default_factory=list)
    totals: Figures = field(default_factory=dict)


REPORTS: dict[str, Report] = {}


def register(report: Report) -> Report:
    REPORTS[report.name] = report
    return report


def result(report: Report, session: Session, filters: Filters) -> Result:
    for_large_reads(session)
    rows = report.run(session, filters)
    totals: Figures = {c.name: sum(row.figures[c.name] for row in rows) for c in report.columns if c.of is None}
    for column in report.columns:
        if column.of is not None:
            totals[column.name] = column.of(totals)
            for row in rows:
                row.figures[column.name] = column.of(row.figures)
    return Result(report, rows, totals)


def percent(part: str, whole: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures[part] * 100 / figures[whole] if figures[whole] else None


def share(part: str, whole: str) -> Callable[[Figures], Decimal | None]:
    """Money for each unit of ``whole``, in cents."""
    return lambda figures: (figures[part] / figures[whole]).quantize(Decimal("0.01")) if figures[whole] else None


NOT_STATED = _("Not stated")
