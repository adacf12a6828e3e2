"""The forms of signing in and changing one's own password."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField, ValidationError
from wtforms.validators import DataRequired, EqualTo, Length

from webui.auth import passwords
from webui.common.text import one_line


class LoginForm(FlaskForm):  # type: ignore[misc]
    username = StringField(_("User name"), [DataRequired(), Length(max=64)], filters=[one_line])
    password = PasswordField(_("Password"), [DataRequired(), Length(max=passwords.LONGEST)])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    present = PasswordField(_("Present password"), [DataRequired(), Length(max=passwords.LONGEST)])
    fresh = PasswordField(_("New password"), [DataRequired()])
    again = PasswordField(_("New password again"), [DataRequired(), EqualTo("fresh", _("The two do not match."))])

    def validate_fresh(self, field: Field) -> None:
        if not passwords.acceptable(field.data or "", current_user.username):
            raise ValidationError(_("At least 10 characters, not all alike, without your user name."))
        if field.data == self.present.data:
            raise ValidationError(_("Choose a password that is new."))
