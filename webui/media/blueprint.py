"""Pages of media and airings: a week, one airing with what it brought, the import of a plan."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select

from cti.store import media
from cti.store.models import Airing, Did, Medium, Order
from webui.common import audit, db, labels, scope
from webui.common.i18n import choose_timezone, to_utc
from webui.common.ids import valid_number
from webui.common.permissions import Permission, requires
from webui.common.rights import Kind
from webui.media import plan, queries
from webui.media.forms import AiringForm, MediumForm

blueprint = Blueprint("media", __name__, url_prefix="/media")


def install(app: Flask) -> None:
    labels.install(app)


# ---------------------------------------------------------------- the plan


@blueprint.get("")
@requires(Permission.MEDIA_READ)
def index() -> ResponseReturnValue:
    """The week of ``day``, Monday first."""
    monday = week_of(request.args.get("day", ""))
    since, until = (to_utc(datetime.combine(monday + timedelta(days=d), time())) for d in (0, 7))
    airings = media.between(db.session(), since, until)
    costs = {airing.id: airing.cost for airing in airings}
    found = queries.brought(db.session(), queries.starting(since, until), costs, seen())
    zone = ZoneInfo(choose_timezone())
    days: list[tuple[date, list[Airing]]] = [(monday + timedelta(days=d), []) for d in range(7)]
    for airing in airings:
        days[(airing.starts_at.astimezone(zone).date() - monday).days][1].append(airing)
    total = sum(found.values(), queries.Brought())
    today = datetime.now(zone).date()
    return render_template("media/week.html", days=days, monday=monday, brought=found, total=total, today=today)


def week_of(text: str) -> date:
    day = a_day(text) or datetime.now(ZoneInfo(choose_timezone())).date()
    return day - timedelta(days=day.weekday())


def a_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 < day.year < 2200 else None


@blueprint.get("/airings/new")
@requires(Permission.MEDIA_WRITE)
def new() -> ResponseReturnValue:
    form = AiringForm(formdata=None)
    day = a_day(request.args.get("day", ""))
    if day is not None:
        form.starts_at.data = datetime.combine(day, time(20))
        form.ends_at.data = form.starts_at.data + timedelta(minutes=30)
    return show_form(form)


@blueprint.post("/airings/new")
@requires(Permission.MEDIA_WRITE)
def create() -> ResponseReturnValue:
    return store(Airing(products=[]))


@blueprint.get("/airings/<int:airing_id>")
@requires(Permission.MEDIA_READ)
def show(airing_id: int) -> ResponseReturnValue:
    """What it brought, and when, minute by minute."""
    airing, database = load(airing_id), db.session()
    found = queries.brought(database, select(Airing.id).where(Airing.id == airing.id), {airing.id: airing.cost}, seen())
    calls = media.by_minute(media.call_times(database, airing.id), airing.starts_at)
    orders = media.by_minute(media.order_times(database, airing.id, seen()), airing.starts_at)
    length = max(len(calls), len(orders))
    minutes = [(n, calls[n] if n < len(calls) else 0, orders[n] if n < len(orders) else 0) for n in range(length)]
    return render_template("media/airing.html", airing=airing, brought=found[airing.id], minutes=minutes)


@blueprint.get("/airings/<int:airing_id>/edit")
@requires(Permission.MEDIA_WRITE)
def edit(airing_id: int) -> ResponseReturnValue:
    airing = load(airing_id)
    zone = ZoneInfo(choose_timezone())
    times = {name: getattr(airing, name).astimezone(zone).replace(tzinfo=None) for name in ("starts_at", "ends_at")}
    codes = " ".join(product.code for product in airing.products)
    plain = {
        "programme": airing.programme,
        "dnis": airing.dnis,
        "remarks": airing.remarks,
        "cost": f"{airing.cost:.2f}",
    }
    return show_form(AiringForm(formdata=None, medium=str(airing.medium_id), products=codes, **times, **plain), airing)


@blueprint.post("/airings/<int:airing_id>/edit")
@requires(Permission.MEDIA_WRITE)
def change(airing_id: int) -> ResponseReturnValue:
    return store(load(airing_id))


@blueprint.post("/airings/<int:airing_id>/delete")
@requires(Permission.MEDIA_WRITE)
def delete(airing_id: int) -> ResponseReturnValue:
    """Only what brought no order: figures of the past do not change."""
    airing, database = load(airing_id), db.session()
    if database.scalar(select(func.count()).where(Order.airing_id == airing.id)):
        abort(409)
    audit.record("airing.delete", f"airing/{airing.id}", snapshot(airing), None)
    day = airing.starts_at.astimezone(ZoneInfo(choose_timezone())).date()
    database.delete(airing)
    database.commit()
    return redirect(url_for("media.index", day=day), 303)


def store(airing: Airing) -> ResponseReturnValue:
    form, database = AiringForm(), db.session()
    known = airing.id is not None
    put_choices(form, airing)
    before = snapshot(airing) if known else None
    if not form.validate_on_submit():
        return show_form(form, airing), 422
    why = plan.fill(database, form, airing)
    if why:
        form.products.errors = [*form.products.errors, why]
        database.rollback()
        return show_form(form, load(airing.id) if known else None), 422
    try:
        media.save(database, airing)
    except media.AiringsOverlap as error:
        database.rollback()
        form.starts_at.errors = [*form.starts_at.errors, plan.overlap_words(error)]
        return show_form(form, load(airing.id) if known else None), 422
    audit.record(f"airing.{'change' if known else 'create'}", f"airing/{airing.id}", before, snapshot(airing))
    database.commit()
    return redirect(url_for("media.show", airing_id=airing.id), 303)


def show_form(form: AiringForm, airing: Airing | None = None) -> str:
    put_choices(form, airing)
    dids = db.session().scalars(select(Did.number).order_by(Did.number)).all()
    shown = airing if airing is not None and airing.id is not None else None
    return render_template("media/airing_form.html", form=form, airing=shown, numbers=dids)


def put_choices(form: AiringForm, airing: Airing | None) -> None:
    """Media in use, and the airing's own."""
    with db.session().no_autoflush:
        found = media.media(db.session())
    own = airing.medium_id if airing is not None else None
    form.medium.choices = [(str(m.id), m.name) for m in found if m.active or m.id == own]


def load(airing_id: int) -> Airing:
    airing = db.session().get(Airing, airing_id) if valid_number(airing_id) else None
    if airing is None:
        abort(404)
    return airing


def snapshot(airing: Airing) -> dict[str, Any]:
    plain = ("medium_id", "programme", "dnis", "starts_at", "ends_at", "cost", "remarks")
    values: dict[str, Any] = {name: getattr(airing, name) for name in plain}
    told = {name: value if isinstance(value, int) else str(value) for name, value in values.items()}
    return told | {"products": [product.code for product in airing.products]}


def seen() -> Any:
    """Orders that the user may see; of others nothing is counted."""
    return scope.seen(Order.agent_user_id, Kind.ORDERS)


# ---------------------------------------------------------------- import


@blueprint.get("/import")
@requires(Permission.MEDIA_WRITE)
def import_page() -> ResponseReturnValue:
    return render_template("media/import.html", text="", saved=None, refused=[], tried=False)


@blueprint.post("/import")
@requires(Permission.MEDIA_WRITE)
def import_plan() -> ResponseReturnValue:
    """Rows that are right are saved, the others are shown with the reason; ``try`` saves nothing."""
    upload = request.files.get("file")
    text = plan.decode(upload.read()) if upload and upload.filename else request.form.get("text", "")
    saved, refused = plan.take(db.session(), text)
    tried = "try" in request.form
    if tried:
        db.session().rollback()
    else:
        audit.record("airing.import", "airing/", None, {"saved": saved, "refused": len(refused)})
        db.session().commit()
    page = render_template("media/import.html", text=text, saved=saved, refused=refused, tried=tried)
    return page, 422 if refused else 200


# ---------------------------------------------------------------- media


@blueprint.get("/channels")
@requires(Permission.MEDIA_READ)
def channels() -> ResponseReturnValue:
    return show_channels(MediumForm(formdata=None))


@blueprint.post("/channels")
@requires(Permission.MEDIA_WRITE)
def create_medium() -> ResponseReturnValue:
    return store_medium(Medium())


@blueprint.get("/channels/<int:medium_id>")
@requires(Permission.MEDIA_WRITE)
def edit_medium(medium_id: int) -> ResponseReturnValue:
    medium = load_medium(medium_id)
    return show_channels(MediumForm(formdata=None, obj=medium, kind=medium.kind.value), medium)


@blueprint.post("/channels/<int:medium_id>")
@requires(Permission.MEDIA_WRITE)
def change_medium(medium_id: int) -> ResponseReturnValue:
    return store_medium(load_medium(medium_id))


def store_medium(medium: Medium) -> ResponseReturnValue:
    form, database, known = MediumForm(), db.session(), medium.id is not None
    valid = form.validate_on_submit()
    same = select(Medium.id).where(Medium.name == form.name.data, Medium.id != (medium.id or 0))
    if valid and database.scalar(same) is not None:
        form.name.errors = [*form.name.errors, _("There is a medium of this name already.")]
        valid = False
    if not valid:
        return show_channels(form, medium if known else None), 422
    before = {"name": medium.name, "active": medium.active} if known else None
    form.apply(medium)
    database.add(medium)
    database.flush()
    after = {"name": medium.name, "active": medium.active}
    audit.record(f"medium.{'change' if known else 'create'}", f"medium/{medium.id}", before, after)
    database.commit()
    return redirect(url_for("media.channels"), 303)


def show_channels(form: MediumForm, medium: Medium | None = None) -> str:
    return render_template("media/channels.html", form=form, medium=medium, media=media.media(db.session()))


def load_medium(medium_id: int) -> Medium:
    medium = db.session().get(Medium, medium_id) if valid_number(medium_id) else None
    if medium is None:
        abort(404)
    return medium
