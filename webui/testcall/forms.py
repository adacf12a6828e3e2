"""The test call's form: which service number, who calls, which key is pressed."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectChoice, SelectField
from wtforms.validators import InputRequired


class TestCallForm(FlaskForm):  # type: ignore[misc]
    __test__ = False  # not a pytest class

    dialed = SelectField(_("Service number"))
    caller = RadioField(
        _("Caller"),
        [InputRequired()],
        choices=[SelectChoice("known", _("Known customer")), SelectChoice("unknown", _("Somebody new"))],
        default="known",
    )
    digits = SelectField(_("Key pressed in the menu"))

    def offer(self, dids: list[tuple[str, str]], keys: list[tuple[str, str]]) -> None:
        self.dialed.choices = [SelectChoice(number, label) for number, label in dids]
        self.digits.choices = [*(SelectChoice(key, label) for key, label in keys), SelectChoice("", _("None"))]
