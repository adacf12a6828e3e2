"""The test call's form: which service number, who calls, which key is pressed."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField
from wtforms.validators import InputRequired


class TestCallForm(FlaskForm):  # type: ignore[misc]
    __test__ = False  # not a pytest class

    dialed = SelectField(_("Service number"))
    caller = RadioField(
        _("Caller"),
        [InputRequired()],
        choices=[("known", _("A customer we know")), ("unknown", _("Somebody new"))],
        default="known",
    )
    digits = SelectField(_("Key pressed in the menu"))

    def offer(self, dids: list[tuple[str, str]], keys: list[tuple[str, Any]]) -> None:
        self.dialed.choices = dids
        self.digits.choices = [*keys, ("", _("None"))]
