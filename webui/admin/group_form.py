"""The form of a ring group: whose phones ring, how, and where the call goes then. Must not know requests."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, FieldList, Form, FormField, SelectField, ValidationError
from wtforms.validators import DataRequired, Optional, Regexp

from cti.domain.config.routes import MemberKind, RingOrder
from cti.store.models import Agent, RingGroup
from webui.admin import queries
from webui.admin.forms import seconds
from webui.common.labels import choices, label, options
from webui.customers.forms import Line

MEMBERS = 50
OUTSIDE = "outside:"


class MemberForm(Form):  # type: ignore[misc]
    """One phone; a row without ``who`` is none. ``who`` is ``<kind>:<agent id>``, or names that there is a number."""

    who = SelectField(lazy_pgettext("phone", "Rings"), choices=[], default="")
    number = Line(_("Outside number"), 33, [Optional(), Regexp(r"^\+?[0-9]{3,32}$", message=_("3 to 32 digits."))])

    def validate_who(self, field: Field) -> None:
        if field.data == OUTSIDE and not self.number.data:
            raise ValidationError(gettext("Which number?"))

    def document(self) -> dict[str, str]:
        kind, _colon, agent_id = self.who.data.partition(":")
        return {"kind": kind, "id": self.number.data if kind == MemberKind.OUTSIDE else agent_id}


class GroupForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Name"), 128, [DataRequired()])
    order = SelectField(_("How they ring"), choices=choices("ring_order"), default="at_once")
    ring_timeout = seconds(_("Ring for (s)"), 120, 3)
    otherwise = SelectField(_("Then goes to"), choices=[], default="hangup:")
    members = FieldList(FormField(MemberForm), _("Phones"), min_entries=1, max_entries=MEMBERS)

    def validate_members(self, rows: FieldList) -> None:
        found = [tuple(row.form.document().values()) for row in rows if row.form.who.data]
        if not found:
            raise ValidationError(gettext("At least one phone."))
        if len(set(found)) < len(found):
            raise ValidationError(gettext("A phone stands there twice."))

    def apply(self, group: RingGroup) -> None:
        group.name, group.ring_timeout = self.name.data, self.ring_timeout.data
        group.order = RingOrder(self.order.data)
        group.members = [row.form.document() for row in self.members if row.form.who.data]
        group.otherwise_kind, group.otherwise_id = queries.split_target(self.otherwise.data)


def values(group: RingGroup) -> dict[str, Any]:
    """What the form shows of a group."""
    rows = [
        {"who": OUTSIDE, "number": m["id"]} if m["kind"] == MemberKind.OUTSIDE else {"who": f"{m['kind']}:{m['id']}"}
        for m in group.members
    ]
    otherwise = f"{group.otherwise_kind.value}:{group.otherwise_id}"
    plain = {"name": group.name, "ring_timeout": group.ring_timeout, "order": group.order.value}
    return {**plain, "otherwise": otherwise, "members": rows}


def offer(form: GroupForm, agents: list[Agent], targets: list[tuple[str, str]], group: RingGroup | None) -> None:
    """What can be chosen: not the group itself as its further target. Who stands in it and is gone is named so."""
    kinds = (MemberKind.AGENT, MemberKind.PHONE)
    people = {f"{kind}:{a.id}": f"{a.number} {a.user.name} · {label(kind, 'member')}" for a in agents for kind in kinds}
    used = [row["who"] for row in values(group)["members"]] if group is not None else []
    people |= {who: gettext("%(name)s (is gone)", name=who) for who in used if who not in people and who != OUTSIDE}
    found = options([("", "—"), *people.items(), (OUTSIDE, label("outside", "member"))])
    for row in form.members:
        row.form.who.choices = found
    own = f"group:{group.id}" if group is not None else ""
    form.otherwise.choices = options([(value, text) for value, text in targets if value != own])
