"""The form of a callback ticket, and what came of one. Must not know requests."""

from __future__ import annotations

import re

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length

from cti.domain.errors import BadRequest
from cti.store.models import TicketState
from webui.common.phones import diallable
from webui.common.text import many_lines
from webui.customers.forms import Line

NUMBER = re.compile(r"\+?[0-9]{3,31}")
UNREACHABLE = "unreachable"
RESULTS = (TicketState.CANCELLED.value, UNREACHABLE, TicketState.COMPLAINT.value, TicketState.DONE.value)
"""What can be said of a ticket by a button; *ordered* is said by the order itself."""


class TicketForm(FlaskForm):  # type: ignore[misc]
    """``number`` is as the page showed it (``shown``), or typed; ``token`` stands for the number that was shown."""

    number = Line(_("Number"), 40, [DataRequired()], id="ticket-number")
    name = Line(lazy_pgettext("person", "Name"), 128, id="ticket-name")
    other = Line(_("Another number, or when to call"), 128, id="ticket-other")
    note = TextAreaField(_("What the customer wants"), [Length(max=1000)], filters=[many_lines], id="ticket-note")
    urgent = BooleanField(_("Urgent"), id="ticket-urgent")
    token = HiddenField(id="ticket-token", validators=[Length(max=128)])
    shown = HiddenField(id="ticket-shown", validators=[Length(max=40)])
    customer_id = HiddenField(id="ticket-customer", validators=[Length(max=20)])
    call_id = HiddenField(id="ticket-call", validators=[Length(max=40)])

    def validate_number(self, _field: Field) -> None:
        try:
            number = self.dialled()
        except BadRequest:
            number = ""
        if not NUMBER.fullmatch(number):
            raise ValidationError(gettext("This is not a number that can be called."))

    def dialled(self) -> str:
        """The number that is meant. Raises ``BadRequest``."""
        as_shown = bool(self.token.data) and self.number.data == self.shown.data
        return diallable(self.token.data if as_shown else self.number.data)
