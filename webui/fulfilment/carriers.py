"""Carriers, and the files in which they say what became of our parcels: preview first, then row by row."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cti.domain.errors import CallyardError
from cti.store import shipping
from cti.store.actors import audit
from cti.store.models import Carrier
from webui.common import db
from webui.common.acting import actor
from webui.common.errors import message_for
from webui.common.i18n import choose_timezone
from webui.common.ids import row_id
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.fulfilment import files, queries

SHOWN = 500


def active(session: Session) -> Sequence[Carrier]:
    return session.scalars(select(Carrier).where(Carrier.active).order_by(Carrier.name, Carrier.id)).all()


def every(session: Session) -> Sequence[Carrier]:
    return session.scalars(select(Carrier).order_by(Carrier.active.desc(), Carrier.name, Carrier.id)).all()


def attach(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/carriers", "carriers", listed)
    blueprint.add_url_rule("/carriers", "save_carrier", save, methods=["POST"])
    blueprint.add_url_rule("/told", "told", show_told)
    blueprint.add_url_rule("/told", "preview", preview, methods=["POST"])
    blueprint.add_url_rule("/told/apply", "apply_told", apply_told, methods=["POST"])


@requires(Permission.ORDERS_FULFIL)
def listed() -> ResponseReturnValue:
    database = db.session()
    return render_template("fulfilment/carriers.html", carriers=every(database), busy=queries.busy(database))


@requires(Permission.ORDERS_FULFIL)
def save() -> ResponseReturnValue:
    """A new carrier, or changes of one."""
    database, key = db.session(), row_id(request.form.get("id"))
    carrier = database.get(Carrier, key) if key else None
    fields = {
        "code": one_line(request.form.get("code", ""), 32).upper(),
        "name": one_line(request.form.get("name", ""), 128),
        "phone": one_line(request.form.get("phone", ""), 32),
        "active": carrier is None or "active" in request.form,
    }
    if not fields["code"] or not fields["name"]:
        flash(_("A carrier needs a code and a name."), "danger")
        return redirect(url_for("fulfilment.carriers"), 303)
    before = {name: getattr(carrier, name) for name in fields} if carrier else None
    try:
        if carrier is None:
            carrier = Carrier(**fields)
            database.add(carrier)
        else:
            for name, value in fields.items():
                setattr(carrier, name, value)
        database.flush()
    except IntegrityError:
        database.rollback()
        flash(_("There is a carrier with this code."), "danger")
        return redirect(url_for("fulfilment.carriers"), 303)
    if before != fields:
        action = "carrier.change" if before else "carrier.create"
        audit(database, actor(), action, f"carrier/{carrier.id}", before, fields)
    database.commit()
    return redirect(url_for("fulfilment.carriers"), 303)


@requires(Permission.ORDERS_FULFIL)
def show_told() -> ResponseReturnValue:
    database = db.session()
    return render_template("fulfilment/told.html", carriers=active(database), busy=queries.busy(database), told=None)


@requires(Permission.ORDERS_FULFIL)
def preview() -> ResponseReturnValue:
    """What the file would do, row by row; nothing is changed yet."""
    database, carrier = db.session(), row_id(request.form.get("carrier"))
    try:
        rows = files.rows(request.files.get("file"))
    except files.Unreadable as error:
        flash(str(error), "danger")
        return redirect(url_for("fulfilment.told"), 303)
    told = shipping.read_told(database, rows, carrier, ZoneInfo(choose_timezone()))
    return render_template(
        "fulfilment/told.html",
        carriers=active(database),
        carrier=carrier,
        told=told[:SHOWN],
        good=sum(not row.wrong for row in told),
        bad=sum(bool(row.wrong) for row in told),
        rows=files.packed(rows),
        busy=queries.busy(database),
    )


@requires(Permission.ORDERS_FULFIL)
def apply_told() -> ResponseReturnValue:
    """Every good row by itself: one that fails meanwhile stops no other."""
    database, carrier = db.session(), row_id(request.form.get("carrier"))
    try:
        rows = files.unpacked(request.form.get("rows", ""))
    except files.Unreadable as error:
        flash(str(error), "danger")
        return redirect(url_for("fulfilment.told"), 303)
    done, failed, who = 0, list[str](), actor()
    for row in shipping.read_told(database, rows, carrier, ZoneInfo(choose_timezone())):
        if row.wrong:
            continue
        try:
            shipping.apply_told(database, row, who)
            database.commit()
            done += 1
        except CallyardError as error:
            database.rollback()
            failed.append(f"{row.waybill}: {message_for(error.code, error.params)}")
    audit(database, who, "carrier.import", f"carrier/{carrier}", None, {"done": done, "failed": len(failed)})
    database.commit()
    flash(_("%(done)s parcels were entered.", done=done), "success")
    for text in failed[:10]:
        flash(text, "danger")
    return redirect(url_for("fulfilment.parcels", carrier=carrier), 303)
