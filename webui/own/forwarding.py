"""An agent's own calls to a number outside, within what administrators allow."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, ValidationError
from wtforms.validators import Optional, Regexp

from cti.store import forwarding
from cti.store.models import Agent, PhoneKind
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.permissions import Permission
from webui.customers.forms import Line


class ForwardForm(FlaskForm):  # type: ignore[misc]
    """Empty: not at all."""

    number = Line(_("Outside number"), 21, [Optional(), Regexp(r"^\+?[0-9]{5,20}$", message=_("5 to 20 digits."))])

    def validate_number(self, field: Field) -> None:
        allowed = forwarding.prefixes(db.session())
        if field.data and not forwarding.fits(field.data, allowed):
            raise ValidationError(gettext("Only numbers that begin with %(prefixes)s.", prefixes=", ".join(allowed)))


def own_agent() -> Agent | None:
    """The agent who may set it; ``None``: nobody allows it, or there is no agent."""
    may = current_user.agent_id and current_user.can(Permission.FORWARDING_OWN) and forwarding.prefixes(db.session())
    return db.session().get(Agent, current_user.agent_id) if may else None


def panel() -> dict[str, object]:
    """What the page shows of it; nothing where it may not be set."""
    agent = own_agent()
    if agent is None:
        return {}
    form = ForwardForm(formdata=None, number=agent.outside_number)
    return {"forward_form": form, "forward_prefixes": forwarding.prefixes(db.session())}


def save(form: ForwardForm, agent: Agent) -> ResponseReturnValue:
    """Without a number the agent's calls come to the browser's phone again."""
    before = {"outside_number": agent.outside_number, "phone": str(agent.phone)}
    agent.outside_number = form.number.data or ""
    if agent.phone is PhoneKind.OUTSIDE and not agent.outside_number:
        agent.phone = PhoneKind.WEB
    after = {"outside_number": agent.outside_number, "phone": str(agent.phone)}
    if after != before:
        audit.record("forwarding.set", f"agent/{agent.id}", before, after)
        db.session().commit()
        announce(switch=False)
    return redirect(url_for("own.page"), 303)
