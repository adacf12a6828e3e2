"""The forms of a key and of a webhook. Must not know requests."""

from __future__ import annotations

from flask import current_app
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    Field,
    IntegerField,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from cti.store import sending
from cti.store.hooks import KINDS
from cti.store.models import User
from webui.common.labels import options
from webui.common.permissions import Permission
from webui.customers.forms import Line

LOCAL = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
OFFERED = (
    (Permission.CUSTOMERS_READ, _("See customers")),
    (Permission.CUSTOMERS_WRITE, _("Create and change customers")),
    (Permission.ORDERS_READ, _("See orders and products")),
    (Permission.ORDERS_WRITE, _("Take and change orders")),
    (Permission.ORDERS_SET_PRICE, _("Change prices in an order")),
    (Permission.FOLLOWUP_USE, _("Call back lost calls, hear messages")),
    (Permission.CALLS_READ_OWN, _("See calls")),
    (Permission.CALLS_READ_ALL, _("See all calls")),
    (Permission.NUMBERS_UNMASKED, _("See phone numbers and ID numbers whole")),
)


class KeyForm(FlaskForm):  # type: ignore[misc]
    """``user``: as whom the key acts; its permissions are at most that user's."""

    name = Line(_("What it is for"), 128, [DataRequired()])
    user = SelectField(_("Acts as"), validators=[DataRequired()])
    permissions = SelectMultipleField(_("May"), choices=options((p.value, words) for p, words in OFFERED))
    expires_at = DateTimeLocalField(_("Until"), [Optional()], format=LOCAL)
    rate = IntegerField(_("Requests a minute"), [InputRequired(), NumberRange(1, 100_000)], default=600)

    def offer(self, session: Session) -> KeyForm:
        users = session.scalars(select(User).where(User.active).order_by(User.name)).all()
        self.user.choices = options((user.id, f"{user.name} ({user.username})") for user in users)
        return self

    def validate_permissions(self, field: Field) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose what the key may do."))


class WebhookForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("What it is for"), 128, [DataRequired()])
    url = Line(_("Address"), 500, [DataRequired()])
    kinds = SelectMultipleField(_("Events"), choices=options((kind, kind) for kind in KINDS))
    active = BooleanField(_("In use"), default=True)

    def validate_url(self, field: Field) -> None:
        try:
            sending.check(field.data or "", private=current_app.extensions["callyard_settings"].webhook_private)
        except sending.Unsendable as error:
            raise ValidationError(gettext("This address cannot be used: %(why)s.", why=str(error))) from None

    def validate_kinds(self, field: Field) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose at least one event."))
