"""The page of queries: build, look, save, share. One form; every button sends it whole and gets it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import or_, select

from cti.store.models import SavedQuery
from webui.common import audit, db, labels
from webui.common.htmx import go, is_fragment
from webui.common.ids import row_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.text import one_line
from webui.finder import search
from webui.finder.document import THINGS, Node, act, from_form, from_json
from webui.finder.fields import BARE, OPERATORS, all_fields

blueprint = Blueprint("finder", __name__, url_prefix="/finder")

MANY = 200


def install(app: Flask) -> None:
    labels.install(app)


@blueprint.get("")
@requires(Permission.CUSTOMERS_READ)
def index() -> ResponseReturnValue:
    saved = load(row_id(request.args.get("saved"))) if request.args.get("saved") else None
    root = from_json(saved.document) if saved else Node("all", [Node()])
    return show(root, saved=saved, look=saved is not None, before=row_id(request.args.get("before")))


@blueprint.post("")
@requires(Permission.CUSTOMERS_READ)
def edit() -> ResponseReturnValue:
    """``do`` is ``show``, ``save``, or what to change and where: ``leaf:0-1``. Without it the form is only redrawn."""
    root = from_form(request.form)
    what, _colon, path = request.form.get("do", "").partition(":")
    saved = load(row_id(request.form.get("saved"))) if request.form.get("saved") else None
    if what == "save":
        return save(root, saved)
    focus = act(root, what, path) if path else ""
    return show(root, saved=saved, look=what == "show", focus=focus, before=row_id(request.form.get("before")))


def save(root: Node, saved: SavedQuery | None) -> ResponseReturnValue:
    """Under a new name it is another query; somebody else's shared one is saved as one's own."""
    name = one_line(request.form.get("name", ""), 64)
    try:
        search.condition(root)
    except search.WrongQuery as error:
        return show(root, saved=saved, wrong=error.paths), 422
    if not name:
        return show(root, saved=saved, error=_("Enter a name.")), 422
    database = db.session()
    kept = saved if saved is not None and saved.user_id == current_user.id and saved.name == name else None
    if kept is None:
        kept = SavedQuery(user_id=current_user.id, name=name)
        database.add(kept)
    kept.document, kept.shared = root.json(), request.form.get("shared") == "yes"
    database.flush()
    audit.record("query.save", f"query/{kept.id}", None, {"name": name, "shared": kept.shared})
    database.commit()
    return go(url_for("finder.index", saved=kept.id))


@blueprint.post("/<int:query_id>/delete")
@requires(Permission.CUSTOMERS_READ)
def delete(query_id: int) -> ResponseReturnValue:
    saved = load(query_id)
    if saved.user_id != current_user.id:
        abort(403)
    audit.record("query.delete", f"query/{saved.id}", {"name": saved.name}, None)
    db.session().delete(saved)
    db.session().commit()
    return redirect(url_for("finder.index"), 303)


def load(query_id: int) -> SavedQuery:
    """A query of the user's own, or one that is shared."""
    found = db.session().get(SavedQuery, query_id) if valid_number(query_id) else None
    if found is None:
        abort(404)
    if found.user_id != current_user.id and not found.shared:
        abort(403)
    return found


def saved_queries() -> list[SavedQuery]:
    mine = or_(SavedQuery.user_id == current_user.id, SavedQuery.shared)
    query = select(SavedQuery).where(mine).order_by(SavedQuery.name, SavedQuery.id)
    return list(db.session().scalars(query.limit(MANY)))


def show(
    root: Node,
    *,
    saved: SavedQuery | None = None,
    look: bool = False,
    focus: str = "",
    before: int = 0,
    wrong: list[str] | None = None,
    error: str = "",
) -> str:
    result = None
    if look:
        try:
            result = search.run(db.session(), root, before)
        except search.WrongQuery as trouble:
            wrong = trouble.paths
    facts: Mapping[str, Any] = {
        "root": root,
        "fields": all_fields(),
        "things": THINGS,
        "operators": OPERATORS,
        "bare": BARE,
        "result": result,
        "saved": saved,
        "queries": saved_queries(),
        "focus": focus,
        "wrong": wrong or [],
        "error": error,
        "name": one_line(request.form.get("name", saved.name if saved else ""), 64),
        "shared": saved.shared if saved else False,
    }
    return render_template("finder/_builder.html" if is_fragment() else "finder/index.html", **facts)
