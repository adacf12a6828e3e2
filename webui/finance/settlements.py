"""Settlements with carriers: begun for a period, checked line by line or from the carrier's file, closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from cti.domain.errors import MoneyRefused
from cti.domain.orders import LineDecision
from cti.store import settling
from cti.store.actors import Actor
from cti.store.models import Settlement
from cti.store.settling import Reported
from webui.common import db
from webui.common.acting import actor, attempt
from webui.common.ids import row_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.finance import forms, queries
from webui.fulfilment import carriers, files
from webui.review.forms import day_of

TOLD = 5


def attach(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("", "index", index)
    blueprint.add_url_rule("/settlements", "open_settlement", begin, methods=["POST"])
    blueprint.add_url_rule("/settlements/<int:settlement_id>", "settlement", show)
    blueprint.add_url_rule("/settlements/<int:settlement_id>", "change_settlement", change, methods=["POST"])


@requires(Permission.FINANCE_READ)
def index() -> ResponseReturnValue:
    database = db.session()
    return render_template(
        "finance/settlements.html",
        page=queries.settlements(database, request.args.get("before", "")),
        carriers=carriers.active(database),
        period=forms.period({}),
        busy=queries.busy(database),
    )


@requires(Permission.FINANCE_SETTLE)
def begin() -> ResponseReturnValue:
    made: list[Settlement] = []

    def work() -> None:
        since, until = (day_of(request.form.get(name, "")) for name in ("since", "until"))
        if since is None or until is None or not 2000 <= until.year <= 2200:
            raise MoneyRefused("not a period", why="period")
        end: datetime = forms.Period(since, until).until
        carrier = row_id(request.form.get("carrier"))
        made.append(settling.open_statement(db.session(), carrier, since, until, end, actor()))

    if attempt(work):
        return redirect(url_for("finance.settlement", settlement_id=made[0].id), 303)
    return redirect(url_for("finance.index"), 303)


@requires(Permission.FINANCE_READ)
def show(settlement_id: int) -> ResponseReturnValue:
    found = load(settlement_id)
    return render_template(
        "finance/settlement.html",
        found=found,
        orders=queries.orders_of(db.session(), found),
        differing=[line for line in found.lines if line.difference],
        differences=queries.differences_of(db.session(), found),
        busy=queries.busy(db.session()),
    )


@requires(Permission.FINANCE_SETTLE)
def change(settlement_id: int) -> ResponseReturnValue:
    """What the pressed button says: save lines, take the file in, agree, close, throw away."""
    load(settlement_id)
    act, database = request.form.get("act", ""), db.session()
    work: dict[str, Callable[[], Any]] = {
        "save": lambda: save(settlement_id),
        "file": lambda: take_file(settlement_id),
        "agree": lambda: then(settling.agree, settlement_id),
        "close": lambda: then(settling.close, settlement_id),
        "drop": lambda: settling.drop(database, settlement_id, actor()),
    }
    if act not in work:
        abort(400)
    if attempt(work[act]) and act == "drop":
        return redirect(url_for("finance.index"), 303)
    return redirect(url_for("finance.settlement", settlement_id=settlement_id), 303)


def then(act: Callable[[Session, int, Actor], Settlement], settlement_id: int) -> None:
    """First what stands in the form, then ``act``."""
    save(settlement_id)
    act(db.session(), settlement_id, actor())


def save(settlement_id: int) -> None:
    """Amounts, fees, words and decisions of the lines as they stand in the form."""
    found, rows, notes = load(settlement_id), list[Reported](), dict[int, str]()
    decisions = dict[int, LineDecision]()
    for line in found.lines:
        text = request.form.get(f"reported-{line.id}")
        if text is None:
            continue
        notes[line.id] = one_line(request.form.get(f"note-{line.id}", ""), 255)
        decision = request.form.get(f"decision-{line.id}", line.decision)
        decisions[line.id] = LineDecision(decision) if decision in set(LineDecision) else line.decision
        if text.strip():
            fee = forms.amount(request.form.get(f"fee-{line.id}", "").strip() or "0")
            rows.append(Reported(line.waybill, forms.amount(text), fee))
    if rows or notes:
        settling.report(db.session(), settlement_id, rows, actor())
        settling.explain(db.session(), settlement_id, notes, actor(), decisions)


def take_file(settlement_id: int) -> None:
    """The carrier's list: waybill, amount, fee. Good rows are taken, the others are told."""
    try:
        told = list(read(files.rows(request.files.get("file"))))
    except files.Unreadable as error:
        flash(str(error), "danger")
        return
    good = [row for row in told if isinstance(row, Reported)]
    settling.report(db.session(), settlement_id, good, actor())
    flash(_("%(count)s rows were taken in.", count=len(good)), "success")
    bad = [row for row in told if isinstance(row, str)]
    for text in bad[:TOLD]:
        flash(text, "warning")
    if len(bad) > TOLD:
        flash(_("%(count)s more rows are wrong.", count=len(bad) - TOLD), "warning")


def read(rows: list[list[str]]) -> Iterable[Reported | str]:
    """Each row below the heading as it can be used, or what is wrong with it."""
    seen: set[str] = set()
    for at, row in enumerate(rows[1:], 2):
        waybill, amount, fee = (cell.strip() for cell in (*row, "", "", "")[:3])
        try:
            if not waybill or waybill in seen or len(waybill) > 64:
                raise MoneyRefused("twice", why="amount")
            yield Reported(waybill, forms.amount(amount), forms.amount(fee) if fee else Decimal(0))
            seen.add(waybill)
        except MoneyRefused:
            yield _("Row %(row)s (%(waybill)s): no amount, or the waybill stands twice.", row=at, waybill=waybill)


def load(settlement_id: int) -> Settlement:
    found = queries.settlement(db.session(), settlement_id) if valid_number(settlement_id) else None
    if found is None:
        abort(404)
    return found
