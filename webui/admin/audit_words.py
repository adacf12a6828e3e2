"""What the audit keeps, in words: names of fields, values, objects. What has no words here shows by its code.

Words of fields are those of the form that the object is changed by. Must not know the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from flask_babel import gettext, pgettext
from wtforms.fields.core import UnboundField

from webui.admin import (
    calendar_form,
    cities,
    departments,
    forms,
    group_form,
    lists,
    outbound_form,
    parameters,
    queue_form,
    reasons,
    right_words,
    rule_form,
    trunk_form,
)
from webui.admin import fields as own_fields
from webui.admin.audit_names import FIELDS, FIELDS_OF, KINDS, KINDS_OF, OBJECTS
from webui.api import forms as api_forms
from webui.calls.forms import NoteForm
from webui.common.i18n import localtime
from webui.common.labels import LABELS, PROVIDED, label
from webui.customers.forms import CustomerForm
from webui.media.forms import AiringForm, MediumForm
from webui.orders.entry_form import OrderForm
from webui.own.forms import BulletinForm
from webui.own.forwarding import ForwardForm
from webui.points.forms import ParametersForm
from webui.points.forms import RuleForm as PointRuleForm
from webui.products.forms import ProductForm
from webui.products.gifts import GiftForm
from webui.products.prices import NewPriceForm
from webui.stock.forms import MovementForm, WarehouseForm
from webui.tickets.forms import TicketForm

FORMS: dict[str, tuple[type, ...]] = {
    "agent": (ForwardForm,),
    "airing": (AiringForm,),
    "apikey": (api_forms.KeyForm,),
    "bulletin": (BulletinForm,),
    "calendar": (calendar_form.CalendarForm,),
    "call": (NoteForm,),
    "customer": (CustomerForm,),
    "department": (departments.DepartmentForm,),
    "did": (forms.NumberForm,),
    "fields": (own_fields.OwnFieldForm,),
    "gift": (GiftForm,),
    "group": (group_form.GroupForm,),
    "list": (lists.ListForm,),
    "medium": (MediumForm,),
    "menu": (forms.MenuForm,),
    "order": (OrderForm,),
    "outbound": (outbound_form.OutboundForm,),
    "place": (cities.PlaceForm,),
    "point_rule": (PointRuleForm,),
    "product": (ProductForm, NewPriceForm, MovementForm),
    "queue": (queue_form.QueueForm,),
    "reasons": (reasons.ReasonForm,),
    "rule": (rule_form.RuleForm,),
    "settings": (ParametersForm,),
    "ticket": (TicketForm,),
    "trunk": (trunk_form.TrunkForm,),
    "user": (forms.UserForm,),
    "warehouse": (WarehouseForm,),
    "webhook": (api_forms.WebhookForm,),
}

RIGHTS: dict[str, Any] = {code: words for _title, rows in right_words.GROUPS for code, words in rows.items()}

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:?\d\d|Z)")
TARGET = re.compile(r"([a-z]+):(.*)")


def parted(thing: str) -> tuple[str, str]:
    kind, _slash, key = thing.partition("/")
    return kind, key


def object_words(thing: str) -> str:
    """``order/12`` as a person says it."""
    kind, key = parted(thing)
    return f"{OBJECTS[kind]} {key}".rstrip() if kind in OBJECTS else thing


def field_words(thing: str, name: str) -> str:
    """What a field of an object is called."""
    kind, key = parted(thing)
    if kind == "codes" and (key in LABELS or key in PROVIDED):
        return label(name, key)
    if kind in ("role", "user") and name in RIGHTS:
        return str(RIGHTS[name])
    if kind == "parameters" and name in parameters.WORDS:
        return str(parameters.WORDS[name])
    if name.startswith("scope."):
        return label(name.removeprefix("scope."), "data_kind")
    found = FIELDS_OF.get((kind, name)) or of_forms(kind).get(name) or FIELDS.get(name)
    return str(found) if found else name


@cache
def of_forms(kind: str) -> dict[str, Any]:
    """The words that stand at the fields of the forms of a kind of object."""
    return {name: words for form in FORMS.get(kind, ()) for name, words in named(form)}


def named(form: type) -> Iterator[tuple[str, Any]]:
    for name in dir(form):
        field = getattr(form, name)
        words = (*field.args, field.kwargs.get("label"))[0] if isinstance(field, UnboundField) else None
        if words and not isinstance(words, UnboundField | type):
            yield name, words


def value_words(thing: str, name: str, value: Any) -> str:
    """A value as it is read: codes by their words, moments in the user's zone, several things one after the other."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, dict):
        rows = [(field_words(thing, key), value_words(thing, key, one)) for key, one in value.items()]
        return "; ".join(f"{key}: {words}" for key, words in rows if words)
    if isinstance(value, list):
        between = "; " if any(isinstance(one, dict) for one in value) else pgettext("between parts of a sentence", ", ")
        return between.join(value_words(thing, name, one) for one in value)
    return of_code(thing, name, value) if isinstance(value, str) else str(value)


def of_code(thing: str, name: str, value: str) -> str:
    kind = KINDS_OF.get((parted(thing)[0], name)) or ("scope" if name.startswith("scope.") else KINDS.get(name))
    if kind:
        return label(value, kind)
    if MOMENT.fullmatch(value):
        return localtime(datetime.fromisoformat(value))
    if name in ("target", "otherwise") and (found := TARGET.fullmatch(value)):
        return f"{label(found[1], 'target')} {found[2]}".rstrip()
    return value
