"""Pages of money: refunds, payments, invoices, the books. Settlements, differences, charges have files of their own."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cti.domain.orders import RefundState
from cti.domain.tariffs import as_money
from cti.store import money, orders, reconciling
from cti.store.models import Order
from webui.common import db, labels
from webui.common.acting import actor, attempt
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.finance import charges, differences, forms, queries, settlements

blueprint = Blueprint("finance", __name__, url_prefix="/finance")


def install(app: Flask) -> None:
    labels.install(app)
    app.jinja_env.filters["fine_money"] = lambda amount: f"{as_money(amount):,.4f}"


@blueprint.get("/refunds")
@requires(Permission.FINANCE_READ)
def refunds() -> ResponseReturnValue:
    state = request.args.get("state", RefundState.REQUESTED.value)
    state = state if state in list(RefundState) else ""
    database = db.session()
    found = queries.refunds(database, state, request.args.get("before", ""))
    return render_template("finance/refunds.html", page=found, state=state, busy=queries.busy(database))


@blueprint.post("/refunds/<int:refund_id>/decide")
@requires(Permission.REFUNDS_APPROVE)
def decide(refund_id: int) -> ResponseReturnValue:
    known(refund_id)
    attempt(lambda: money.decide(db.session(), refund_id, request.form.get("approve") == "yes", actor()))
    return redirect(url_for("finance.refunds"), 303)


@blueprint.post("/refunds/<int:refund_id>/pay")
@requires(Permission.REFUNDS_PAY)
def pay(refund_id: int) -> ResponseReturnValue:
    known(refund_id)
    reference = one_line(request.form.get("reference", ""), 128)
    attempt(lambda: money.pay_back(db.session(), refund_id, reference, actor()))
    return redirect(url_for("finance.refunds", state="approved"), 303)


@blueprint.get("/payments")
@requires(Permission.FINANCE_READ)
def payments() -> ResponseReturnValue:
    """What is to come before goods go, and what came in."""
    database = db.session()
    return render_template(
        "finance/payments.html",
        waiting=queries.to_pay_first(database),
        page=queries.receipts(database, request.args.get("before", "")),
        busy=queries.busy(database),
    )


@blueprint.post("/orders/<int:order_id>/receive")
@requires(Permission.FINANCE_RECEIVE)
def receive(order_id: int) -> ResponseReturnValue:
    known(order_id)
    reference = one_line(request.form.get("reference", ""), 128)

    def work() -> None:
        order = orders.lock(db.session(), order_id)
        money.receive(db.session(), order, forms.amount(request.form.get("amount", "")), reference, actor())

    attempt(work)
    return back(order_id, "payments")


@blueprint.post("/orders/<int:order_id>/refund")
@requires(Permission.FINANCE_RECEIVE)
def ask_refund(order_id: int) -> ResponseReturnValue:
    """What was paid too much and nobody asked for, as after a rejected refund."""
    known(order_id)
    reason = one_line(request.form.get("reason", ""), 255)
    attempt(lambda: money.ask_for_excess(db.session(), orders.lock(db.session(), order_id), actor(), reason))
    return back(order_id, "books")


@blueprint.get("/invoices")
@requires(Permission.FINANCE_READ)
def invoices() -> ResponseReturnValue:
    text = one_line(request.args.get("q", ""), 64)
    found = queries.invoices(db.session(), text, request.args.get("before", ""))
    busy = queries.busy(db.session())
    return render_template("finance/invoices.html", page=found, text=text, args=request.args, busy=busy)


@blueprint.post("/orders/<int:order_id>/invoice")
@requires(Permission.INVOICES_WRITE)
def issue_invoice(order_id: int) -> ResponseReturnValue:
    known(order_id)
    title = one_line(request.form.get("title", ""), 128)
    tax_number = one_line(request.form.get("tax_number", ""), 32)

    def work() -> None:
        money.issue_invoice(db.session(), orders.lock(db.session(), order_id), title, tax_number, actor())

    attempt(work)
    return back(order_id, "invoices")


@blueprint.post("/invoices/<int:invoice_id>/void")
@requires(Permission.INVOICES_WRITE)
def void_invoice(invoice_id: int) -> ResponseReturnValue:
    known(invoice_id)
    reason = one_line(request.form.get("reason", ""), 255)
    attempt(lambda: money.void_invoice(db.session(), invoice_id, reason, actor()))
    return redirect(url_for("finance.invoices"), 303)


@blueprint.get("/books")
@requires(Permission.FINANCE_READ)
def books() -> ResponseReturnValue:
    """Do the accounts of all orders of a time add up?"""
    period, database = forms.period(request.args), db.session()
    found = reconciling.books(database, period.since, period.until)
    return render_template("finance/books.html", books=found, period=period, busy=queries.busy(database))


def back(order_id: int, otherwise: str) -> ResponseReturnValue:
    """To the order's page, if the form came from there."""
    if request.form.get("back") == "order" and db.session().get(Order, order_id) is not None:
        return redirect(url_for("orders.show", order_id=order_id), 303)
    return redirect(url_for(f"finance.{otherwise}"), 303)


def known(number: int) -> None:
    if not valid_number(number):
        abort(404)


settlements.attach(blueprint)
differences.attach(blueprint)
charges.attach(blueprint)
