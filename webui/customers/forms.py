"""The customer's form: fields, phones and addresses as rows; and what it changes. Must not know requests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import gettext, lazy_pgettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    Field,
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, Length, Optional, Regexp

from cti.domain.errors import BadRequest
from cti.domain.phones import normalise
from cti.store import regions
from cti.store.initials import initials
from cti.store.models import Address, Customer, CustomerPhone, Sex
from webui.common import phones
from webui.common.labels import choices, options, pairs
from webui.common.text import many_lines, one_line

ROWS = 20
EMAIL = r"^[^@\s<>\"']{1,64}@[^@\s<>\"']+\.[^@\s<>\"']+$"


class Line(StringField):  # type: ignore[misc]
    """A text of one line."""

    def __init__(self, label: Any, limit: int, validators: Iterable[Any] = (), **kwargs: Any) -> None:
        super().__init__(label, [*validators, Length(max=limit)], filters=[one_line], **kwargs)


def known_number(_form: Form, field: Field) -> None:
    if field.data and not phone_number(field.data):
        raise ValidationError(gettext("This is not a phone number."))


class PhoneForm(Form):  # type: ignore[misc]
    """``number`` is what was typed, or a token of a number that this user may not read."""

    number = Line(_("Phone number"), 128, [known_number])
    label = SelectField(_("Kind"), choices=choices("phone_label"), default="mobile")


class AddressForm(Form):  # type: ignore[misc]
    city = Line(_("City"), 128)
    line = Line(_("Address"), 255)
    postcode = Line(_("Postcode"), 16)
    recipient = Line(_("Recipient"), 128)
    phone = Line(_("Recipient's phone"), 128, [known_number])
    is_default = BooleanField(_("Default"))


class CustomerForm(FlaskForm):  # type: ignore[misc]
    name = Line(_("Full name"), 128, [DataRequired(lazy_pgettext("person", "Enter a name."))])
    sex = SelectField(_("Sex"), choices=choices("sex"), default="unknown")
    birthday = DateField(_("Birthday"), [Optional()])
    id_number = Line(_("ID number"), 32)
    email = Line(_("E-mail"), 254, [Optional(), Regexp(EMAIL, message=_("This is not an e-mail address."))])
    source = SelectField(_("Source"), choices=[], default="")
    category = SelectField(_("Category"), choices=[], default="")
    level = SelectField(_("Level"), choices=[], default="")
    remarks = TextAreaField(_("Remarks"), [Length(max=4000)], filters=[many_lines])
    phones = FieldList(FormField(PhoneForm), min_entries=1, max_entries=ROWS)
    addresses = FieldList(FormField(AddressForm), min_entries=1, max_entries=ROWS)
    call_id = HiddenField()
    seen = HiddenField()

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        """``customer`` may hold codes from elsewhere (an import); they stay choosable."""
        super().__init__(*args, **kwargs)
        for name in ("source", "category", "level"):
            known = [("", "—"), *pairs(name)]
            present = getattr(customer, name) if customer else ""
            extra = [] if present in dict(known) else [(present, present)]
            getattr(self, name).choices = options(known + extra)

    def validate_birthday(self, field: Field) -> None:
        if field.data and not date(1900, 1, 1) <= field.data <= datetime.now(UTC).date():
            raise ValidationError(_("This is not a birthday."))

    def validate_phones(self, field: Field) -> None:
        numbers = [phone_number(row["number"]) for row in field.data if row["number"]]
        if len(numbers) != len(set(numbers)):
            raise ValidationError(_("The same phone number stands twice."))


def shown_token(value: str) -> str:
    """A sealed number as this user may see it; nothing for a forged one, whose row says what is wrong."""
    try:
        return phones.shown(phones.reveal(value))
    except BadRequest:
        return ""


def phone_number(text: str) -> str:
    """The normalised number, from a token or as typed; empty when it is none."""
    try:
        plain = phones.reveal(text)
    except BadRequest:
        return ""
    number = normalise(plain)
    return number if sum(c.isdigit() for c in number) >= 3 else ""


def fill(form: CustomerForm, customer: Customer) -> None:
    """Put a customer into a form that was not sent. Numbers the user may not read go in as tokens."""
    for name in SIMPLE:
        getattr(form, name).data = getattr(customer, name)
    if not phones.may_see():
        form.id_number.data = ""
    form.sex.data = customer.sex.value
    form.seen.data = stamp(customer)
    for rows in (form.phones, form.addresses):
        while rows.entries:
            rows.pop_entry()
    for phone in customer.phones[:ROWS]:
        form.phones.append_entry({"number": phones.conceal(phone.number), "label": phone.label})
    for address in customer.addresses[:ROWS]:
        values = {name: getattr(address, name) for name in ADDRESS}
        form.addresses.append_entry(values | {"phone": phones.conceal(address.phone)})
    for rows in (form.phones, form.addresses):
        if not rows.entries:
            rows.append_entry()


def apply(form: CustomerForm, customer: Customer) -> None:
    """Write a valid form to the customer; rows that were emptied are removed."""
    for name in SIMPLE:
        value = getattr(form, name).data
        if name == "id_number" and customer.id is not None and not phones.may_see():
            continue
        setattr(customer, name, value if value is not None or name == "birthday" else "")
    customer.name_initials = initials(customer.name)
    customer.email = customer.email.lower()
    customer.sex = Sex(form.sex.data)
    apply_phones(form, customer)
    apply_addresses(form, customer)
    regions.settle(customer)


def apply_phones(form: CustomerForm, customer: Customer) -> None:
    present = {phone.number: phone for phone in customer.phones}
    kept = []
    for row in form.phones.data:
        number = phone_number(row["number"] or "")
        if not number:
            continue
        phone = present.get(number) or CustomerPhone(number=number)
        phone.label = row["label"]
        kept.append(phone)
    customer.phones[:] = kept


def apply_addresses(form: CustomerForm, customer: Customer) -> None:
    rows = [row for row in form.addresses.data if row["line"] or row["city"]]
    spare = list(customer.addresses)
    kept = []
    for row in rows:
        address = spare.pop(0) if spare else Address()
        for name in ADDRESS:
            setattr(address, name, row[name] or "")
        address.phone = phone_number(row["phone"] or "")
        address.is_default = bool(row["is_default"])
        kept.append(address)
    defaults = [address for address in kept if address.is_default] or kept[:1]
    for address in kept:
        address.is_default = address is defaults[0]
    customer.addresses[:] = kept


SIMPLE = ("name", "birthday", "id_number", "email", "source", "category", "level", "remarks")
ADDRESS = ("city", "line", "postcode", "recipient", "is_default")


def stamp(customer: Customer) -> str:
    """Changes with every change of the customer: a form of an older state is not saved over a newer one."""
    return str(round(customer.updated_at.timestamp() * 1_000_000))


def snapshot(customer: Customer) -> dict[str, Any]:
    """The customer as the audit keeps it."""
    return {
        **{name: str(getattr(customer, name) or "") for name in SIMPLE},
        "sex": str(customer.sex or ""),
        "phones": [f"{p.number} {p.label}" for p in customer.phones],
        "addresses": [
            " ".join(filter(None, (a.city, a.line, a.postcode, a.recipient, a.phone))) for a in customer.addresses
        ],
        "custom": dict(customer.custom or {}),
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs, on both sides."""
    names = [name for name in after if before.get(name) != after[name]]
    return {n: before.get(n) for n in names}, {n: after[n] for n in names}


IN_PLACE = ("level", "source", "category", "sex", "remarks")


def set_field(customer: Customer, name: str, value: str) -> bool:
    """One field that may be changed where it is shown; ``False`` for another one, or for a value it cannot have."""
    if name not in IN_PLACE:
        return False
    if name == "remarks":
        customer.remarks = many_lines(value)
        return True
    field = getattr(CustomerForm(formdata=None, customer=customer), name)
    if value not in {choice[0] for choice in field.iter_choices()}:
        return False
    setattr(customer, name, Sex(value) if name == "sex" else value)
    return True
