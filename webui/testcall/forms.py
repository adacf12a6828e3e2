"""The test call's form: which service number, who calls, which key is pressed."""

from __future__ import annotations

from collections.abc import Sequence

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
    switch = SelectField(_("Comes in at the switch"))

    def offer(self, dids: list[tuple[str, str]], keys: list[tuple[str, str]], switches: Sequence[str]) -> None:
        """``switches`` is empty where there is no choice."""
        self.dialed.choices = [SelectChoice(number, label) for number, label in dids]
        self.digits.choices = [*(SelectChoice(key, label) for key, label in keys), SelectChoice("", _("None"))]
        self.switch.choices = [SelectChoice(name, name) for name in switches]
        if not switches:
            del self.switch
