"""The form of a queue: how callers wait, how agents are chosen, who belongs to it. Must not know requests."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, Regexp

from cti.store.models import Queue
from webui.admin.forms import EXTENSION, LEVELS, PROMPT, Seconds, SkillForm, once, seconds
from webui.admin.overflow_form import RULES, OverflowForm, row
from webui.common import pop_url
from webui.common.labels import choices
from webui.customers.forms import Line

NEEDS = 8
FIELDS = (
    "number",
    "name",
    "ring_timeout",
    "wrapup",
    "announce_every",
    "announce_max",
    "music",
    "service_level_seconds",
    "level_after",
    "priority",
    "age",
    "voicemail_greeting",
    "voicemail_max",
    "tickets",
    "ticket_after",
    "callback",
    "callback_tries",
    "callback_every",
    "survey",
    "announce_wait",
    "announce_number",
    "last_agent_days",
    "last_agent_wait",
    "retry_within",
    "retry_points",
    "pop_url",
    "active",
)
DEFAULTS = {
    "ring_timeout": 15.0,
    "wrapup": 15.0,
    "announce_every": 15.0,
    "announce_max": 3,
    "music": "default",
    "service_level_seconds": 20.0,
    "level_after": 0.0,
    "priority": 0.0,
    "age": 60.0,
    "voicemail_greeting": "voicemail_greeting",
    "voicemail_max": 120.0,
    "tickets": True,
    "ticket_after": 5.0,
    "callback": False,
    "callback_tries": 3,
    "callback_every": 300.0,
    "survey": False,
    "announce_wait": False,
    "announce_number": False,
    "last_agent_days": 0,
    "last_agent_wait": 30.0,
    "retry_within": 0.0,
    "retry_points": 1,
    "active": True,
}


def whole_steps(_form: Form, field: Field) -> None:
    """A part of a second would wake the engine for nothing."""
    if field.data is not None and 0 < field.data < 1:
        raise ValidationError(gettext("0 or at least one second."))


def page_of_a_call(_form: Form, field: Field) -> None:
    """Only addresses that ``webui.common.pop_url`` can fill in."""
    if field.data and pop_url.trouble(field.data):
        known = " ".join(f"{{{name}}}" for name in pop_url.PLACES)
        raise ValidationError(gettext("An address as https://host/path; places after the host: %(known)s", known=known))


class MemberForm(Form):  # type: ignore[misc]
    agent_id = HiddenField()
    member = BooleanField()
    order = IntegerField(_("Rank"), [Optional(), NumberRange(0, 9999)])
    level = SelectField(_("Level"), choices=LEVELS, coerce=int, default=1)
    weight = IntegerField(_("Weight"), [Optional(), NumberRange(1, 100)], default=1)


class NeedForm(SkillForm):
    """One skill that the queue's calls ask for; a row without a name is none."""

    relax_every = Seconds(_("One level less every (s)"), [Optional(), NumberRange(0, 3600), whole_steps], default=0.0)

    def document(self) -> dict[str, Any]:
        relax_every = self.relax_every.data or 0.0
        return {"skill": self.name.data, "level": self.level.data, "relax_every": relax_every}


class QueueForm(FlaskForm):  # type: ignore[misc]
    """Times are in seconds."""

    number = Line(_("Number"), 8, [DataRequired(), Regexp(EXTENSION, message=_("2 to 8 digits."))])
    name = Line(_("Name"), 128, [DataRequired()])
    strategy = SelectField(_("Strategy"), choices=choices("strategy"), default="longest_idle")
    ring_timeout = seconds(_("Ring for (s)"), 120, 3)
    wrapup = seconds(_("Wrap-up (s)"), 3600)
    announce_every = seconds(_("Announce every (s)"), 600, 5)
    announce_max = IntegerField(_("Announce at most"), [InputRequired(), NumberRange(0, 100)])
    music = Line(
        _("Music"), 64, [DataRequired(), Regexp(r"^[A-Za-z0-9_-]+$", message=_("Letters, digits, dash only."))]
    )
    service_level_seconds = seconds(_("Service level (s)"), 3600, 1)
    level_after = Seconds(_("Next level after (s)"), [InputRequired(), NumberRange(0, 3600), whole_steps])
    priority = seconds(_("Head start (s)"), 3600)
    age = seconds(_("A point of priority is worth (s)"), 3600)
    voicemail_greeting = Line(_("Greeting before a message"), 128, [DataRequired(), PROMPT])
    voicemail_max = seconds(_("Longest message (s)"), 3600, 5)
    tickets = BooleanField(_("Callers who gave up are to be called back"), default=True)
    ticket_after = seconds(_("If they waited for (s)"), 3600)
    callback = BooleanField(_("Callers may keep their place and be called back"))
    callback_tries = IntegerField(_("Call at most (times)"), [InputRequired(), NumberRange(1, 20)])
    callback_every = seconds(_("Again after (s)"), 86_400, 10)
    survey = BooleanField(_("Ask callers how satisfied they are when the agent has hung up"))
    announce_wait = BooleanField(_("Tell callers about how long they will wait"))
    announce_number = BooleanField(_("Say the agent's number before they talk"))
    last_agent_days = IntegerField(_("Served within (days)"), [InputRequired(), NumberRange(0, 3650)])
    last_agent_wait = seconds(_("Wait for that agent (s)"), 3600)
    retry_within = seconds(_("Gave up or was cut off within (s)"), 86_400)
    retry_points = IntegerField(_("Then so many points ahead"), [InputRequired(), NumberRange(1, 100)])
    overflow = FieldList(FormField(OverflowForm), _("Overflow"), min_entries=1, max_entries=RULES)
    pop_url = Line(_("Page of another system"), pop_url.LONGEST, [Optional(), page_of_a_call])
    active = BooleanField(_("In use"), default=True)
    needs = FieldList(FormField(NeedForm), _("Skills asked for"), [once], min_entries=1, max_entries=NEEDS)
    members = FieldList(FormField(MemberForm), max_entries=2000)

    def need_documents(self) -> list[dict[str, Any]]:
        return [row.form.document() for row in self.needs if row.form.name.data]

    def overflow_documents(self) -> list[dict[str, Any]]:
        return [row.form.document() for row in self.overflow if row.form.when.data]


def values(queue: Queue) -> dict[str, Any]:
    """What the form shows of a queue, but for its members."""
    needs = [{"name": n["skill"], "level": n["level"], "relax_every": n["relax_every"]} for n in queue.needs]
    rows = {"needs": needs, "overflow": [row(document) for document in queue.overflow]}
    return {name: getattr(queue, name) for name in FIELDS} | {"strategy": queue.strategy.value} | rows
