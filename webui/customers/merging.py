"""Pages that make two customers one: who may be the same, compare and choose field by field, undo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, select

from cti.store import duplicates, merging
from cti.store.merging import MergeRefused
from cti.store.models import Customer, CustomerMerge
from webui.common import audit, db, phones
from webui.common.ids import row_id
from webui.common.permissions import Permission, requires
from webui.customers import queries
from webui.customers.access import load, seen_customers
from webui.customers.forms import snapshot

HIDDEN = {"id_number"}  # only for those who may see numbers


def attach(blueprint: Blueprint) -> None:
    blueprint.get("/duplicates")(index_of_duplicates)
    blueprint.get("/<int:customer_id>/merge")(compare)
    blueprint.get("/<int:customer_id>/merge/find")(find_other)
    blueprint.post("/<int:customer_id>/merge")(merge)
    blueprint.post("/merges/<int:merge_id>/undo")(undo)


@dataclass(frozen=True, slots=True)
class Line:
    """One field of the two; ``take`` says whether the right one is proposed."""

    name: str
    left: Any
    right: Any
    take: bool


@requires(Permission.CUSTOMERS_MERGE)
def index_of_duplicates() -> ResponseReturnValue:
    """Who may be the same: by number, a page at a time, or by name and address."""
    by = "address" if request.args.get("by") == "address" else "phone"
    database, after = db.session(), phones.reveal(request.args.get("after", "")[:128])
    if by == "phone":
        groups = duplicates.sharing_a_number(database, after)
    else:
        groups = duplicates.same_name_and_address(database)
    shown = [(key, kept) for key, rows in groups if len(kept := seen_customers(rows)) > 1]
    more = groups[-1][0] if by == "phone" and len(groups) >= 20 else ""
    return render_template("customers/duplicates.html", groups=shown, by=by, more=more)


@requires(Permission.CUSTOMERS_MERGE)
def compare(customer_id: int) -> ResponseReturnValue:
    """Both beside each other; without a second one, who it may be."""
    left = load(customer_id)
    other = row_id(request.args.get("with", "")[:20])
    right = load(other) if other else None
    if right is None:
        likely = duplicates.like(db.session(), left)
        return render_template("customers/merge_choose.html", customer=left, likely=likely)
    if right.id == left.id:
        abort(404)
    counts = {one.id: counted(one.id) for one in (left, right)}
    return render_template("customers/merge.html", left=left, right=right, lines=lines(left, right), counts=counts)


@requires(Permission.CUSTOMERS_MERGE)
def find_other(customer_id: int) -> ResponseReturnValue:
    """A piece: search results to compare with."""
    customer = load(customer_id)
    rows = queries.found(db.session(), request.args.get("q", ""), queries.MATCHES).rows
    others = [row for row in rows if row.id != customer.id]
    return render_template("customers/_merge_found.html", customer=customer, customers=others)


@requires(Permission.CUSTOMERS_MERGE)
def merge(customer_id: int) -> ResponseReturnValue:
    left, right = load(customer_id), load(row_id(request.form.get("with")) or 0)
    winner, loser = (right, left) if request.form.get("stay") == str(right.id) else (left, right)
    take = [name for name in merging.FIELDS if request.form.get(name) == str(loser.id)]
    before = {"winner": snapshot(winner), "loser": snapshot(loser)}
    database = db.session()
    try:
        made = merging.merge(database, winner.id, loser.id, take, current_user.id)
    except MergeRefused as error:
        return refused(error, url_for("customers.show", customer_id=left.id))
    database.refresh(winner)
    audit.record("customer.merge", f"customer/{winner.id}", before, {"merge": made.id} | snapshot(winner))
    database.commit()
    flash(_("%(name)s is now one customer. The merge can be undone in the timeline.", name=winner.name), "success")
    return redirect(url_for("customers.show", customer_id=winner.id), 303)


@requires(Permission.CUSTOMERS_MERGE)
def undo(merge_id: int) -> ResponseReturnValue:
    database = db.session()
    made = database.get(CustomerMerge, merge_id) if merge_id < 2**62 else None
    if made is None:
        abort(404)
    winner = load(made.winner_id)
    before = snapshot(winner)
    try:
        merging.undo(database, merge_id, current_user.id)
    except MergeRefused as error:
        return refused(error, url_for("customers.show", customer_id=winner.id))
    loser = database.get_one(Customer, made.loser_id)
    after = {"merge": merge_id, "winner": snapshot(winner), "loser": snapshot(loser)}
    audit.record("customer.unmerge", f"customer/{winner.id}", before, after)
    database.commit()
    flash(_("%(name)s is a customer of their own again.", name=loser.name), "success")
    return redirect(url_for("customers.show", customer_id=loser.id), 303)


def refused(error: MergeRefused, back: str) -> ResponseReturnValue:
    db.session().rollback()
    words = {
        "same": _("A customer cannot be merged with itself."),
        "gone": _("This customer is no longer there."),
        "undone": _("This merge was undone already."),
        "further": _("This customer was merged with another one meanwhile. Undo that merge first."),
    }
    flash(words[str(error.params["why"])], "danger")
    return redirect(back, 303)


def lines(left: Customer, right: Customer) -> list[Line]:
    """Fields in which they differ; what is missing on the left is proposed from the right."""
    names = [name for name in merging.FIELDS if name not in HIDDEN or phones.may_see()]
    pairs = ((name, getattr(left, name), getattr(right, name)) for name in names)
    return [Line(name, one, two, take=bool(two) and not meaningful(one)) for name, one, two in pairs if one != two]


def meaningful(value: Any) -> bool:
    return bool(value) and value != "unknown"


def counted(customer_id: int) -> list[tuple[str, int]]:
    """(table, rows) of everything that would move."""
    database = db.session()
    found = []
    for column in merging.pointing():
        count = database.scalar(select(func.count()).select_from(column.table).where(column == customer_id)) or 0
        found.append((column.table.name, count))
    return found
