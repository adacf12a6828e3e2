"""Customers in figures: where they live, sex, age, and how they became more. Each section is a piece of its own."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from cti.store import customer_stats
from cti.store.customer_stats import Step
from cti.store.locations import path_of
from webui.admin.zone import centre_zone
from webui.common import db, labels
from webui.common.permissions import Permission, requires

SPAN = {Step.DAY: 31, Step.MONTH: 365 * 2, Step.YEAR: 365 * 10}
SHOWN = 20  # places in the chart; all stand in the table


def attach(blueprint: Blueprint) -> None:
    blueprint.get("/statistics")(statistics_page)
    blueprint.get("/statistics/regions")(regions)
    blueprint.get("/statistics/people")(people)
    blueprint.get("/statistics/growth")(growth)


@requires(Permission.REPORTS_READ)
def statistics_page() -> ResponseReturnValue:
    return render_template("customers/statistics.html", zone=str(centre_zone()))


@requires(Permission.REPORTS_READ)
def regions() -> ResponseReturnValue:
    """Provinces, or the cities of one, or the districts of a city."""
    within = request.args.get("within", "")
    if not re.fullmatch(r"|\d{2}|\d{4}", within):
        within = ""
    rows = customer_stats.by_region(db.session(), within)
    total = sum(count for _code, _name, count in rows)
    figures = [(code, name or _("Not known"), count, share(count, total)) for code, name, count in rows]
    above = [(within[:n], path_of(within[:n].ljust(6, "0"))) for n in (2, 4) if len(within) >= n]
    chart = bars([name for _code, name, *_rest in figures[:SHOWN]], [row[2] for row in figures[:SHOWN]])
    return render_template(
        "customers/_regions.html", rows=figures, total=total, within=within, above=above, chart=chart
    )


@requires(Permission.REPORTS_READ)
def people() -> ResponseReturnValue:
    database = db.session()
    sexes = [(labels.label(sex, "sex"), count) for sex, count in customer_stats.by_sex(database).items()]
    ages = [(age_words(band), count) for band, count in customer_stats.by_age(database, today())]
    total = sum(count for _name, count in sexes)
    return render_template(
        "customers/_people.html",
        sexes=[(name, count, share(count, total)) for name, count in sexes],
        ages=[(name, count, share(count, total)) for name, count in ages],
        total=total,
        sex_chart={"kind": "pie"} | series([name for name, _count in sexes], [count for _name, count in sexes]),
        age_chart=bars([name for name, _count in ages], [count for _name, count in ages]),
    )


@requires(Permission.REPORTS_READ)
def growth() -> ResponseReturnValue:
    step = Step(request.args.get("step")) if request.args.get("step") in list(Step) else Step.MONTH
    last = day_of(request.args.get("until", "")) or today()
    first = day_of(request.args.get("since", "")) or last - timedelta(days=SPAN[step])
    first, last = min(first, last), max(first, last)
    database, zone = db.session(), centre_zone()
    steps = customer_stats.growth(database, step, first, last, zone)
    there = customer_stats.before(database, steps[0][0], zone)
    rows = []
    for begin, count in steps:
        there += count
        rows.append((begin.strftime({Step.DAY: "%Y-%m-%d", Step.MONTH: "%Y-%m", Step.YEAR: "%Y"}[step]), count, there))
    chart = bars([row[0] for row in rows], [row[1] for row in rows])
    return render_template(
        "customers/_growth.html", rows=rows[::-1], step=step.value, first=first, last=last, chart=chart,
        cut=len(steps) >= customer_stats.MOST,
    )  # fmt: skip


def bars(names: list[str], values: list[int]) -> dict[str, Any]:
    return {"kind": "bar"} | series(names, values)


def series(names: list[str], values: list[int]) -> dict[str, Any]:
    return {"labels": names, "series": [{"name": _("Customers"), "values": values}]}


def share(count: int, total: int) -> float:
    return 100 * count / total if total else 0.0


def age_words(band: str) -> str:
    if not band:
        return _("Not known")
    begin, end = band.split("-")
    if not begin:
        return _("up to %(age)s", age=end)
    return f"{begin}–{end}" if end else _("%(age)s and older", age=begin)


def today() -> date:
    return datetime.now(centre_zone()).date()


def day_of(text: str) -> date | None:
    """A day of this and the last century; anything else is none."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day if 1950 <= day.year <= 2100 else None
