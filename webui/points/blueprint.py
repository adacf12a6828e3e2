"""Pages of members and points: the list, a member's statement by period, corrections, rules, the shop's parameters."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store import points, shop
from cti.store.models import Customer, PointRule, RuleKind, User, utc_now
from webui.admin.zone import centre_zone
from webui.calls.forms import moment
from webui.common import audit, db, labels, scope
from webui.common.amounts import parse_price
from webui.common.i18n import localtime
from webui.common.ids import row_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.common.text import one_line
from webui.customers.forms import changes
from webui.orders.queries import products_named
from webui.points import queries
from webui.points.forms import ChangeForm, ParametersForm, RuleForm, fill_parameters, read_parameters, snapshot
from webui.products.forms import MINUTE

blueprint = Blueprint("points", __name__, url_prefix="/points")
PERIOD = timedelta(days=92)
MONTHS = 12
NOTHING = points.Period(0, 0, 0, 0)


@blueprint.get("")
@requires(Permission.CUSTOMERS_READ)
def index() -> ResponseReturnValue:
    text = one_line(request.args.get("q", ""), 64)
    seen = scope.seen(Customer.owner_user_id, Kind.CUSTOMERS)
    found = queries.members(db.session(), text, seen, request.args.get("before", ""))
    return render_template("points/index.html", page=found, q=text)


# ------------------------------------------------------------ one member


@blueprint.get("/member/<int:customer_id>")
@requires(Permission.CUSTOMERS_READ)
def member(customer_id: int) -> ResponseReturnValue:
    return show(load_customer(customer_id), change_form())


@blueprint.post("/member/<int:customer_id>")
@requires(Permission.POINTS_WRITE)
def change(customer_id: int) -> ResponseReturnValue:
    customer, form, database = load_customer(customer_id), change_form(), db.session()
    if not form.validate_on_submit():
        return show(customer, form), 422
    rule = database.get(PointRule, row_id(form.rule.data))
    try:
        points.ensure_member(database, customer.id, "web")
        before = points.balance(database, customer.id)
        if rule is not None:
            points.grant(database, customer.id, rule, user_id=current_user.id, text=form.text.data or "")
        else:
            points.adjust(
                database, customer.id, form.change.data or 0, user_id=current_user.id, text=form.text.data or ""
            )
    except points.NotEnoughPoints as error:
        database.rollback()
        form.change.errors = [*form.change.errors, _("The customer has %(count)s points.", count=error.left)]
        return show(load_customer(customer_id), form), 409
    told = {"balance": points.balance(database, customer.id), "reason": form.text.data or (rule.name if rule else "")}
    audit.record("points.change", f"customer/{customer.id}", {"balance": before}, told)
    database.commit()
    return redirect(url_for("points.member", customer_id=customer.id), 303)


@blueprint.post("/member/<int:customer_id>/join")
@requires(Permission.CUSTOMERS_WRITE)
def join(customer_id: int) -> ResponseReturnValue:
    """A customer who has not bought anything yet becomes a member."""
    customer, database = load_customer(customer_id), db.session()
    points.ensure_member(database, customer.id, "web")
    audit.record("points.join", f"customer/{customer.id}", None, {})
    database.commit()
    return redirect(url_for("points.member", customer_id=customer.id), 303)


def show(customer: Customer, form: ChangeForm) -> str:
    database = db.session()
    since, until = period()
    told = points.statement(database, customer.id, since, until)
    ends_at, ending = points.ends_next(database, customer.id)
    ids = {entry.user_id for entry in told.entries if entry.user_id}
    return render_template(
        "points/member.html",
        customer=customer,
        member=points.member(database, customer.id),
        statement=told,
        months=months(customer_id=customer.id),
        ends_at=ends_at,
        ending=ending,
        since=since,
        until=until,
        users={user_id: user.name for user_id in ids if (user := database.get(User, user_id))},
        form=form,
    )


def period() -> tuple[datetime, datetime]:
    """Both days of the address counted; without them the last three months."""
    until = moment(request.args.get("until", "").strip())
    until = until + timedelta(days=1) if until else utc_now() + timedelta(days=1)
    return moment(request.args.get("since", "").strip()) or until - PERIOD, until


def months(customer_id: int) -> list[tuple[date, date, points.Period]]:
    """(first day, last day, what changed) of the last months in the centre's zone in which there were points."""
    zone = centre_zone()
    firsts = [datetime.now(zone).date().replace(day=1)]
    firsts.append((firsts[0] + timedelta(days=31)).replace(day=1))
    while len(firsts) <= MONTHS:
        firsts.insert(0, (firsts[0] - timedelta(days=1)).replace(day=1))
    edges = [datetime.combine(day, time.min, zone).astimezone(UTC) for day in firsts]
    found = zip(firsts, firsts[1:], points.periods(db.session(), customer_id, edges), strict=False)
    rows = [(first, after - timedelta(days=1), told) for first, after, told in found if told != NOTHING]
    return rows[::-1]


def change_form() -> ChangeForm:
    form = ChangeForm()
    rows = [(str(rule.id), f"{rule.name} (+{rule.points})") for rule in queries.activities(db.session())]
    form.rule.choices = labels.options([("", _("Correction")), *rows])
    return form


def load_customer(customer_id: int) -> Customer:
    customer = db.session().get(Customer, customer_id) if valid_number(customer_id) else None
    if customer is None:
        abort(404)
    scope.must_see(customer.owner_user_id, Kind.CUSTOMERS)
    return customer


# ------------------------------------------------------------ rules


@blueprint.get("/rules")
@requires(Permission.CUSTOMERS_READ)
def rules() -> ResponseReturnValue:
    return render_template("points/rules.html", rules=queries.rules(db.session()), now=utc_now())


@blueprint.get("/rules/new")
@requires(Permission.POINTS_WRITE)
def new_rule() -> ResponseReturnValue:
    form = RuleForm()
    form.spend.data, form.starts.data = "1.00", localtime(utc_now(), MINUTE)
    return render_template("points/rule.html", form=form, rule=None)


@blueprint.post("/rules/new")
@requires(Permission.POINTS_WRITE)
def create_rule() -> ResponseReturnValue:
    return save_rule(None)


@blueprint.get("/rules/<int:rule_id>")
@requires(Permission.POINTS_WRITE)
def edit_rule(rule_id: int) -> ResponseReturnValue:
    rule = load_rule(rule_id)
    form = RuleForm(formdata=None, obj=rule)
    form.kind.data, form.spend.data = rule.kind.value, f"{rule.spend:.2f}"
    form.product.data = rule.product.code if rule.product else ""
    form.starts.data, form.ends.data = localtime(rule.starts_at, MINUTE), localtime(rule.ends_at, MINUTE)
    return render_template("points/rule.html", form=form, rule=rule)


@blueprint.post("/rules/<int:rule_id>")
@requires(Permission.POINTS_WRITE)
def change_rule(rule_id: int) -> ResponseReturnValue:
    return save_rule(load_rule(rule_id))


def save_rule(rule: PointRule | None) -> ResponseReturnValue:
    form, database = RuleForm(), db.session()
    form.validate_on_submit()
    code = (form.product.data or "").split(" ")[0].lower()
    product = products_named(database, [code]).get(code) if code and form.kind.data == "product" else None
    if form.kind.data == "product" and code and product is None:
        form.product.errors = [*form.product.errors, _("There is no product with this code.")]
    if form.errors:
        return render_template("points/rule.html", form=form, rule=rule), 422
    before = snapshot(rule) if rule else None
    rule = rule or PointRule()
    rule.name, rule.kind, rule.points = str(form.name.data), RuleKind(form.kind.data), form.points.data
    rule.spend, rule.product = parse_price(form.spend.data or "") or Decimal(1), product
    rule.valid_days, rule.active = form.valid_days.data or 0, bool(form.active.data)
    rule.starts_at = moment(form.starts.data or "") or rule.starts_at or utc_now()
    rule.ends_at = moment(form.ends.data or "")
    database.add(rule)
    database.flush()
    if before is None:
        audit.record("point_rule.create", f"point_rule/{rule.id}", None, snapshot(rule))
    else:
        audit.record("point_rule.change", f"point_rule/{rule.id}", *changes(before, snapshot(rule)))
    database.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("points.rules"), 303)


def load_rule(rule_id: int) -> PointRule:
    rule = db.session().get(PointRule, rule_id) if valid_number(rule_id) else None
    if rule is None:
        abort(404)
    return rule


# ------------------------------------------------------------ the shop's parameters


@blueprint.get("/parameters")
@requires(Permission.ADMIN_FIELDS)
def parameters() -> ResponseReturnValue:
    form = ParametersForm(formdata=None)
    fill_parameters(form, shop.parameters(db.session()))
    return render_template("points/parameters.html", form=form)


@blueprint.post("/parameters")
@requires(Permission.ADMIN_FIELDS)
def change_parameters() -> ResponseReturnValue:
    form, database = ParametersForm(), db.session()
    if not form.validate_on_submit():
        return render_template("points/parameters.html", form=form), 422
    before: dict[str, Any] = shop.parameters(database).document()
    wanted = read_parameters(form)
    shop.store(database, wanted)
    audit.record("shop.parameters", "settings/shop", *changes(before, wanted.document()))
    database.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("points.parameters"), 303)
