"""The page of a report: filters, totals, chart, table; the same as a file. Which there are says the registry."""

from __future__ import annotations

import importlib
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Flask, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from cti.store import media
from cti.store.models import Department, Order
from webui.calls import queries as calls
from webui.common import audit, db, labels, scope
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.orders.queries import sellers
from webui.reports import export, filters, registry
from webui.reports.registry import Column, Report, Result

blueprint = Blueprint("reports", __name__, url_prefix="/reports")

MODULES = ("orders", "media", "satisfaction")
CHARTED_ROWS = 60


def install(app: Flask) -> None:
    labels.install(app)
    for name in MODULES:
        importlib.import_module(f"webui.reports.{name}")
    app.jinja_env.filters["figure"] = figure


@blueprint.get("")
@requires(Permission.REPORTS_READ)
def index() -> ResponseReturnValue:
    return redirect(url_for("reports.show", name=next(iter(registry.REPORTS))))


@blueprint.get("/<name>")
@requires(Permission.REPORTS_READ)
def show(name: str) -> ResponseReturnValue:
    report = load(name)
    asked = read(report)
    found = registry.result(report, db.session(), asked)
    month = asked.since.replace(day=1)
    periods = {
        "month": (month, (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)),
        "before": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "year": (month.replace(month=1), month.replace(month=12, day=31)),
    }
    return render_template(
        "reports/report.html",
        result=found,
        report=report,
        reports=registry.REPORTS.values(),
        asked=asked,
        chart=chart(found, asked.group),
        periods=periods,
        args={k: v for k, v in request.args.items() if k not in ("since", "until", "name") and v},
        choices=choices(report),
    )


@blueprint.get("/<name>.csv")
@requires(Permission.LISTS_EXPORT)
def download(name: str) -> ResponseReturnValue:
    report = load(name)
    asked = read(report)
    found = registry.result(report, db.session(), asked)
    told = {"since": str(asked.since), "until": str(asked.until), "group": asked.group, "rows": len(found.rows)}
    audit.record("report.export", f"report/{name}", None, told)
    db.session().commit()
    text = "".join(export.lines(found, str(report.groups[asked.group]), _("Total")))
    answer = Response(text, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}-{asked.since}-{asked.until}.csv"'
    return answer


def load(name: str) -> Report:
    report = registry.REPORTS.get(name)
    if report is None:
        abort(404)
    return report


def read(report: Report) -> filters.Filters:
    seen = scope.seen(Order.agent_user_id, Kind.ORDERS)
    return filters.read(request.args, report.groups, seen, scope.agent_ids(Kind.CALLS))


def chart(result: Result, group: str) -> dict[str, Any]:
    """What ``chart.js`` draws: the first rows, one series a charted column."""
    report = result.report
    kind = "pie" if group in report.pies else "line" if group in report.lines else "bar"
    rows = result.rows if kind == "line" else result.rows[:CHARTED_ROWS]
    words = {column.name: str(column.label) for column in report.columns}
    names = report.charted[:1] if kind == "pie" else report.charted
    series = [{"name": words[name], "values": [float(row.figures[name]) for row in rows]} for name in names]
    return {"kind": kind, "labels": [row.label for row in rows], "series": series}


def choices(report: Report) -> dict[str, Any]:
    """What the filters of this report offer."""
    database, wanted = db.session(), set(report.filters)
    users = sellers(database, scope.user_ids(Kind.ORDERS)) if "agent" in wanted else []
    departments = select(Department.id, Department.name).order_by(Department.name)
    return {
        "agents": [(user.id, user.name) for user in users],
        "departments": [(row[0], row[1]) for row in database.execute(departments)] if "department" in wanted else [],
        "queues": list(calls.queues(database).items()) if "queue" in wanted else [],
        "media": [(one.id, one.name) for one in media.media(database)] if "medium" in wanted else [],
    }


def figure(value: Any, column: Column) -> str:
    """One figure as it stands in the table."""
    if value is None:
        return "—"
    if column.kind == "percent":
        return f"{value:.1f} %"
    if column.kind == "count":
        return f"{value:,}"
    return f"{Decimal(value):,.2f}"
