"""Sign in, sign out, change the own password and language. Sessions are signed cookies tied to password and epoch."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user

from cti.store.models import RoleRights, User
from webui.auth import passwords, queries
from webui.auth.forms import LoginForm, PasswordForm
from webui.common import audit, db
from webui.common.htmx import go, wants_json
from webui.common.i18n import COOKIE_KEY, LOCALES
from webui.common.identity import MARKER, describe, login_marker
from webui.common.pages import home
from webui.common.permissions import public, signed_in

blueprint = Blueprint("auth", __name__)

FAILURES_PER_ADDRESS = "40/minute"
OPEN_TO_OLD_PASSWORD = {"auth.password", "auth.change_password", "auth.logout", "auth.locale", "static", "health.live"}


def install(app: Flask) -> None:
    limiter = app.extensions["callyard_limiter"]
    for name in ("auth.sign_in", "auth.change_password"):
        view = app.view_functions[name]
        app.view_functions[name] = limiter.limit(FAILURES_PER_ADDRESS, deduct_when=_failed)(view)
    app.before_request(demand_new_password)


def _failed(response: Response) -> bool:
    return response.status_code == 422


@blueprint.get("/")
@signed_in
def start() -> ResponseReturnValue:
    return redirect(home())


@blueprint.get("/session")
@signed_in
def alive() -> ResponseReturnValue:
    """Whether the session stands: a script whose event stream was refused asks here."""
    return {"ok": True}


@blueprint.get("/login")
@public
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(home())
    return render_template("auth/login.html", form=LoginForm(), next=request.args.get("next", ""))


@blueprint.post("/login")
@public
def sign_in() -> ResponseReturnValue:
    form = LoginForm()
    user = check(form) if form.validate_on_submit() else None
    wanted = request.form.get("next", "")
    if user is None:
        page = render_template("auth/login.html", form=form, next=wanted, wrong=True)
        return page, 422
    open_session(user)
    return redirect(wanted if is_local(wanted) else url_for("auth.start"), 303)


def check(form: LoginForm) -> User | None:
    """The user who signed in, or None; either way it is counted and audited."""
    name, password = str(form.username.data), str(form.password.data)
    database, now = db.session(), datetime.now(UTC)
    user = queries.by_name(database, name)
    counted = queries.count_try(database, user, now) if user else False
    right = passwords.verify(user.password_hash if user and counted and user.active else "", password)
    if user is None or not right:
        audit.record("login.failed", f"user/{user.id}" if user else "", username=name)
        database.commit()
        return None
    queries.signed_in(database, user, password, now)
    if session.get(COOKIE_KEY) in LOCALES:  # picked on the login page
        user.locale = session[COOKIE_KEY]
    audit.record("login", f"user/{user.id}", user=user)
    database.commit()
    return user


def open_session(user: User) -> None:
    """A new session: nothing of the one before the login is kept but the language."""
    session.clear()
    session.permanent = True
    session[MARKER] = login_marker(user)
    login_user(describe(user, user.agent, db.session().get(RoleRights, user.role)))


def is_local(target: str) -> bool:
    """Only our own pages: one leading slash, no backslash or control character that a browser would read away."""
    return target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()


@blueprint.post("/logout")
@signed_in
def logout() -> ResponseReturnValue:
    audit.record("logout", f"user/{current_user.id}")
    db.session().commit()
    logout_user()
    session.clear()
    return go(url_for("auth.login"))


@blueprint.get("/password")
@signed_in
def password() -> ResponseReturnValue:
    return render_template("auth/password.html", form=PasswordForm())


@blueprint.post("/password")
@signed_in
def change_password() -> ResponseReturnValue:
    form, database = PasswordForm(), db.session()
    user = database.get_one(User, current_user.id)
    if not form.validate_on_submit():
        return render_template("auth/password.html", form=form), 422
    if not passwords.verify(user.password_hash, str(form.present.data)):
        form.present.errors = [_("That is not your present password.")]
        return render_template("auth/password.html", form=form), 422
    queries.set_password(database, user, str(form.fresh.data))
    audit.record("password.change", f"user/{user.id}")
    database.commit()
    open_session(user)
    return go(url_for("auth.start"))


@blueprint.post("/locale")
@public
def locale() -> ResponseReturnValue:
    """Change the language: of the user when signed in, else of this browser session."""
    wanted = request.form.get("locale", "")
    if wanted in LOCALES:
        session[COOKIE_KEY] = wanted
        if current_user.is_authenticated:
            db.session().get_one(User, current_user.id).locale = wanted
            db.session().commit()
    target = request.form.get("next", "")
    return go(target if is_local(target) else url_for("auth.start"))


def demand_new_password() -> ResponseReturnValue | None:
    """Whoever still has a one-time password can do nothing but replace it."""
    if not current_user.is_authenticated or not current_user.must_change_password:
        return None
    if request.endpoint is None or request.endpoint in OPEN_TO_OLD_PASSWORD:
        return None
    if wants_json():
        return {"ok": False, "error": "password.change", "message": _("Change your password first.")}, 403
    return go(url_for("auth.password"))
