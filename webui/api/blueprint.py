"""Keys of the API and webhooks, as administrators make, watch and end them."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Flask, abort, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_smorest import Api
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from cti.store import apikeys, sending
from cti.store.models import ApiKey, HookDelivery, HookState, Webhook, utc_now
from webui.api import access, calls, customers, members, orders, own, reading, tickets
from webui.api.forms import KeyForm, WebhookForm
from webui.common import audit, db, labels
from webui.common.i18n import to_utc
from webui.common.ids import valid_id, valid_number
from webui.common.permissions import Permission, requires
from webui.common.security import csrf

blueprint = Blueprint("api", __name__, url_prefix="/admin/api")
SHOWN = 100
PARTS = (customers, orders, tickets, calls, members)


class Documented(Api):  # type: ignore[misc]
    """The site answers errors itself: see ``webui.common.errors``."""

    def _register_error_handlers(self) -> None:
        pass


def install(app: Flask) -> None:
    labels.install(app)
    app.config |= {"API_TITLE": "Callyard", "API_VERSION": "1", "OPENAPI_VERSION": "3.0.3"}
    api = Documented(app, spec_kwargs={"security": [{"key": []}]})
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    for part in {part.blueprint for part in PARTS}:
        api.register_blueprint(part)
        csrf.exempt(part)
    app.extensions["callyard_openapi"] = api.spec
    access.install(app)


def description() -> dict[str, Any]:
    return own.described(current_app.extensions["callyard_openapi"].to_dict())


@blueprint.get("/openapi.json")
@requires(Permission.ADMIN_API)
def openapi() -> ResponseReturnValue:
    return jsonify(description())


@blueprint.get("/docs")
@requires(Permission.ADMIN_API)
def docs() -> ResponseReturnValue:
    """The same for people."""
    return render_template("api/docs.html", operations=list(reading.operations(description())))


# ---------------------------------------------------------------- keys


@blueprint.get("")
@requires(Permission.ADMIN_API)
def index() -> ResponseReturnValue:
    return show_keys(KeyForm(formdata=None))


@blueprint.post("")
@requires(Permission.ADMIN_API)
def create_key() -> ResponseReturnValue:
    """The key is in this answer and nowhere else, ever."""
    form, database = KeyForm(), db.session()
    if not form.offer(database).validate_on_submit():
        return show_keys(form), 422
    expires = to_utc(form.expires_at.data) if form.expires_at.data else None
    allowed = form.permissions.data or []
    key, text = apikeys.make(database, form.name.data, form.user.data, allowed, expires, form.rate.data)
    audit.record("apikey.create", f"apikey/{key.id}", None, snapshot(key))
    database.commit()
    return show_keys(KeyForm(formdata=None), made=text)


@blueprint.post("/keys/<key_id>/revoke")
@requires(Permission.ADMIN_API)
def revoke(key_id: str) -> ResponseReturnValue:
    key = db.session().get(ApiKey, key_id) if valid_id(key_id) else None
    if key is None:
        abort(404)
    if key.revoked_at is None:
        key.revoked_at = utc_now()
        audit.record("apikey.revoke", f"apikey/{key.id}", snapshot(key), None)
        db.session().commit()
    return redirect(url_for("api.index"), 303)


def show_keys(form: KeyForm, made: str = "") -> str:
    form.offer(db.session())
    keys = db.session().scalars(select(ApiKey).order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc()))
    return render_template("api/keys.html", form=form, keys=keys.unique().all(), made=made, now=utc_now())


def snapshot(key: ApiKey) -> dict[str, Any]:
    over = key.expires_at.isoformat() if key.expires_at else None
    return {
        "name": key.name,
        "prefix": key.prefix,
        "user": key.user_id,
        "permissions": key.permissions,
        "expires": over,
    }


# ---------------------------------------------------------------- webhooks


@blueprint.get("/webhooks")
@requires(Permission.ADMIN_API)
def webhooks() -> ResponseReturnValue:
    return show_webhooks(WebhookForm(formdata=None))


@blueprint.post("/webhooks")
@requires(Permission.ADMIN_API)
def create_webhook() -> ResponseReturnValue:
    return store_webhook(Webhook(secret=secrets.token_urlsafe(32)[:48]))


@blueprint.get("/webhooks/<webhook_id>")
@requires(Permission.ADMIN_API)
def show_webhook(webhook_id: str) -> ResponseReturnValue:
    """The webhook, and what was and will be delivered to it."""
    webhook = load_webhook(webhook_id)
    form = WebhookForm(formdata=None, name=webhook.name, url=webhook.url, active=webhook.active)
    form.kinds.data = webhook.kinds.split()
    return show_webhooks(form, webhook)


@blueprint.post("/webhooks/<webhook_id>")
@requires(Permission.ADMIN_API)
def change_webhook(webhook_id: str) -> ResponseReturnValue:
    return store_webhook(load_webhook(webhook_id))


@blueprint.post("/webhooks/<webhook_id>/delete")
@requires(Permission.ADMIN_API)
def delete_webhook(webhook_id: str) -> ResponseReturnValue:
    webhook = load_webhook(webhook_id)
    audit.record("webhook.delete", f"webhook/{webhook.id}", {"name": webhook.name, "url": webhook.url}, None)
    db.session().delete(webhook)
    db.session().commit()
    return redirect(url_for("api.webhooks"), 303)


@blueprint.post("/deliveries/<int:delivery_id>/again")
@requires(Permission.ADMIN_API)
def send_again(delivery_id: int) -> ResponseReturnValue:
    """The worker sends it within seconds."""
    delivery = db.session().get(HookDelivery, delivery_id) if valid_number(delivery_id) else None
    if delivery is None:
        abort(404)
    sending.again(delivery, utc_now())
    audit.record("webhook.again", f"webhook/{delivery.webhook_id}", None, {"delivery": delivery.id})
    db.session().commit()
    return redirect(url_for("api.show_webhook", webhook_id=delivery.webhook_id), 303)


def store_webhook(webhook: Webhook) -> ResponseReturnValue:
    form, database, known = WebhookForm(), db.session(), webhook.id is not None
    if not form.validate_on_submit():
        return show_webhooks(form, webhook if known else None), 422
    before = {"name": webhook.name, "url": webhook.url, "kinds": webhook.kinds.split()} if known else None
    webhook.name, webhook.url, webhook.active = form.name.data, form.url.data, bool(form.active.data)
    webhook.kinds = f" {' '.join(form.kinds.data or [])} "
    database.add(webhook)
    database.flush()
    after = {"name": webhook.name, "url": webhook.url, "kinds": webhook.kinds.split()}
    audit.record(f"webhook.{'change' if known else 'create'}", f"webhook/{webhook.id}", before, after)
    database.commit()
    flash(_("The webhook is saved."), "success")
    return redirect(url_for("api.show_webhook", webhook_id=webhook.id), 303)


def show_webhooks(form: WebhookForm, webhook: Webhook | None = None) -> str:
    database = db.session()
    state = request.args.get("state", "")
    waiting = (
        select(HookDelivery.webhook_id, HookDelivery.state, func.count())
        .where(HookDelivery.state != HookState.DONE)
        .group_by(HookDelivery.webhook_id, HookDelivery.state)
    )
    counts = {(row[0], str(row[1])): row[2] for row in database.execute(waiting)}
    query = select(HookDelivery).options(joinedload(HookDelivery.webhook)).order_by(HookDelivery.id.desc()).limit(SHOWN)
    if webhook is not None:
        query = query.where(HookDelivery.webhook_id == webhook.id)
    if state in list(HookState):
        query = query.where(HookDelivery.state == HookState(state))
    return render_template(
        "api/webhooks.html",
        form=form,
        webhook=webhook,
        webhooks=database.scalars(select(Webhook).order_by(Webhook.name)).all(),
        deliveries=database.scalars(query).all(),
        counts=counts,
        state=state,
    )


def load_webhook(webhook_id: str) -> Webhook:
    webhook = db.session().get(Webhook, webhook_id) if valid_id(webhook_id) else None
    if webhook is None:
        abort(404)
    return webhook
