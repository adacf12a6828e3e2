"""The form of a trunk: what each kind of far side starts with, and what makes a field wrong. Must not know requests.

Whatever passes here can be written into every switch's configuration: ``tests/unit/test_web_trunks.py`` proves it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
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
    IntegerField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp

from cti.domain.trunks import CODECS, DEFAULT_CODECS, MOST_RULES
from cti.store.models import Trunk
from webui.admin.forms import SERVICE_NUMBER
from webui.common.labels import choices, options
from webui.customers.forms import Line

DIALLED = Regexp(r"^\+?[0-9*#]*$", message=_("Digits, * and # only; + in front."))
NAME = r"^[A-Za-z0-9_.+-]+$"
HOST = r"^([A-Za-z0-9_][A-Za-z0-9_.-]*|\[?[0-9A-Fa-f:.]{2,45}\]?)$"
REALM = r"^[A-Za-z0-9_.-]+$"
PROXY = r"^([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]{2,45}\])(:[1-9][0-9]{0,3}|:[1-5][0-9]{4})?$"
WIDEST = {4: 8, 6: 16}  # a larger network would let anybody call in
MOST_NEW_NUMBERS = 20

KINDS: dict[str, dict[str, Any]] = {
    "carrier": {"register": True, "did_from": "to", "caller_id": "fixed", "caller_in": "pai"},
    "pbx": {"caller_id": "caller"},
    "freeswitch": {"port": 5080, "caller_id": "caller"},
    "gateway": {"caller_id": "own", "did_from": "request"},
}
"""What a new trunk begins with where it differs from the form's own defaults."""

PLAIN = (
    "name",
    "host",
    "port",
    "transport",
    "outbound_proxy",
    "username",
    "register",
    "auth_user",
    "realm",
    "expiry",
    "dtmf",
    "max_channels",
    "ping",
    "did_from",
    "did_fixed",
    "caller_id",
    "caller_number",
    "caller_in",
    "hide_number",
    "switches",
    "active",
)
PLACE = ("host", "port", "outbound_proxy")
RULES = ("dial_rules", "did_rules", "caller_rules")


class RuleForm(Form):  # type: ignore[misc]
    """One rule on numbers; a row without anything in it is none."""

    start = Line(_("Begins with"), 20, [DIALLED])
    strip = IntegerField(_("Remove digits"), [Optional(), NumberRange(0, 20)])
    add = Line(_("Put in front"), 20, [DIALLED])


class NewNumberForm(Form):  # type: ignore[misc]
    """A service number that is made together with the trunk."""

    number = Line(_("Service number"), 21, [Optional(), Regexp(SERVICE_NUMBER, message=_("2 to 20 digits."))])
    target = SelectField(_("Goes to"), choices=[], default="")

    def validate_target(self, field: Field) -> None:
        if self.number.data and not field.data:
            raise ValidationError(gettext("Choose what it reaches."))


def rules(label: Any) -> FieldList:
    return FieldList(FormField(RuleForm), label, min_entries=1, max_entries=MOST_RULES)


class TrunkForm(FlaskForm):  # type: ignore[misc]
    """``secret`` empty leaves the present one; ``has_secret`` says whether there is one. It is good for the place that
    it was given for: who does not know it must not have it sent elsewhere (``moved``)."""

    id = Line(_("Short name"), 20, [DataRequired(), Regexp(r"^[a-z0-9-]+$", message=_("Small letters, digits, dash."))])
    name = Line(_("Name"), 128, [DataRequired()])
    host = Line(_("Host"), 253, [DataRequired(), Regexp(HOST, message=_("A host name or address."))])
    port = IntegerField(_("Port"), [InputRequired(), NumberRange(0, 65535)], default=5060)
    transport = SelectField(_("Transport"), choices=choices("transport"), default="udp")
    outbound_proxy = Line(
        _("Outbound proxy"), 255, [Optional(), Regexp(PROXY, message=_("A host name or address, with :port or not."))]
    )
    register = BooleanField(_("Register there with a user name"))
    username = Line(_("User name"), 64, [Optional(), Regexp(NAME, message=_("Letters, digits and _ . + - only."))])
    secret = PasswordField(_("Password"), [Length(max=128)])
    auth_user = Line(
        _("Authentication user"), 64, [Optional(), Regexp(NAME, message=_("Letters, digits and _ . + - only."))]
    )
    realm = Line(_("Realm"), 64, [Optional(), Regexp(REALM, message=_("A host name or address."))])
    expiry = IntegerField(_("Register every (s)"), [InputRequired(), NumberRange(60, 86_400)], default=300)
    sources = Line(_("Calls may come from"), 1000)
    codec_1 = SelectField(_("First choice"), choices=options((c, c) for c in CODECS), default=DEFAULT_CODECS[0])
    codec_2 = SelectField(_("Second"), choices=options([("", "—"), *((c, c) for c in CODECS)]), default="ulaw")
    codec_3 = SelectField(_("Third"), choices=options([("", "—"), *((c, c) for c in CODECS)]), default="")
    dtmf = SelectField(_("Keys pressed travel as"), choices=choices("dtmf"), default="rfc2833")
    max_channels = IntegerField(_("Calls at once"), [InputRequired(), NumberRange(0, 9999)], default=0)
    ping = BooleanField(_("Ask twice a minute whether it is there"), default=True)
    did_from = SelectField(_("The number dialled stands in"), choices=choices("did_from"), default="request")
    did_fixed = Line(_("Always this number"), 32, [Optional(), Regexp(SERVICE_NUMBER, message=_("2 to 20 digits."))])
    did_rules = rules(_("Numbers dialled in"))
    caller_rules = rules(_("Callers' numbers"))
    dial_rules = rules(_("Numbers dialled out"))
    caller_id = SelectField(_("Number shown"), choices=choices("caller_id"), default="fixed")
    caller_number = Line(_("Fixed number"), 32, [Optional(), Regexp(r"^\+?[0-9]+$", message=_("Digits only."))])
    caller_in = SelectField(_("Shown in"), choices=choices("caller_in"), default="both")
    hide_number = BooleanField(_("Ask the other side to hide it"))
    switches = SelectMultipleField(_("Switches that carry it"), choices=[])
    active = BooleanField(_("In use"), default=True)
    numbers = FieldList(
        FormField(NewNumberForm), _("Service numbers of this trunk"), min_entries=1, max_entries=MOST_NEW_NUMBERS
    )
    has_secret = moved = False

    def offer(self, switches: Iterable[str], targets: list[tuple[str, str]], has_secret: bool) -> None:
        """What can be chosen now."""
        self.switches.choices = options((name, name) for name in dict.fromkeys(switches))
        for row in self.numbers:
            row.form.target.choices = options([("", "—"), *targets])
        self.has_secret = has_secret

    def validate_host(self, field: Field) -> None:
        if re.fullmatch(r"[0-9.]+|.*:.*", field.data or ""):
            address(field.data)

    def validate_secret(self, field: Field) -> None:
        if not field.data:
            return
        if not re.fullmatch(r"[\x21-\x7e]+", field.data):
            raise ValidationError(gettext("Printable ASCII characters only, no blanks."))
        if re.search(r"[\[\]{}$]", field.data) or field.data.startswith(">"):
            raise ValidationError(gettext("No brackets, braces or dollar signs: switches would misread them."))

    def validate_sources(self, field: Field) -> None:
        for part in networks(field.data):
            try:
                network = ipaddress.ip_network(as_network(part))
            except ValueError:
                raise ValidationError(gettext("Not an address or network: %(text)s", text=part[:60])) from None
            if network.prefixlen < WIDEST[network.version]:
                raise ValidationError(gettext("%(text)s is too large: anybody could call in.", text=part[:60]))

    def validate_codec_3(self, _field: Field) -> None:
        chosen = self.codecs()
        if len(set(chosen)) < len(chosen):
            raise ValidationError(gettext("Each codec once."))

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and then what the fields need of each other."""
        valid = bool(super().validate(extra_validators))
        for field, message in self.missing():
            field.errors = [*field.errors, message]
            valid = False
        return valid

    def missing(self) -> Iterator[tuple[Field, str]]:
        if self.register.data and not self.username.data:
            yield self.username, gettext("Registering needs a user name.")
        if self.username.data and not (self.secret.data or self.has_secret):
            yield self.secret, gettext("A user name needs a password.")
        elif self.username.data and not self.secret.data and self.moved:
            yield self.secret, gettext("Enter the password again: from now on it goes to another place.")
        if self.did_from.data == "fixed" and not self.did_fixed.data:
            yield self.did_fixed, gettext("Enter the number that every call shall reach.")

    def codecs(self) -> list[str]:
        return [c.data for c in (self.codec_1, self.codec_2, self.codec_3) if c.data]

    def values(self) -> dict[str, Any]:
        """The row's fields but ``id`` and ``secret``."""
        found: dict[str, Any] = {}
        for name in PLAIN:
            value = getattr(self, name).data
            found[name] = "" if value is None else value
        found |= {name: rule_documents(getattr(self, name)) for name in RULES}
        return found | {"codecs": self.codecs(), "sources": [as_network(part) for part in networks(self.sources.data)]}


def of_trunk(trunk: Trunk) -> dict[str, Any]:
    """What the form shows of a row; the password is not in it."""
    found: dict[str, Any] = {name: getattr(trunk, name) for name in ("id", *PLAIN)}
    codecs = [*trunk.codecs, "", "", ""]
    found |= {f"codec_{at}": codecs[at - 1] for at in (1, 2, 3)}
    found |= {name: [rule_row(rule) for rule in getattr(trunk, name)] for name in RULES}
    return found | {"sources": ", ".join(trunk.sources)}


def leads_elsewhere(form: TrunkForm, trunk: Trunk) -> bool:
    """What is sent to the far side would go to another place than the trunk's."""
    return any((getattr(form, name).data or "") != (getattr(trunk, name) or "") for name in PLACE)


def rule_documents(rows: FieldList) -> list[dict[str, Any]]:
    written = [row for row in rows.data if row["start"] or row["strip"] or row["add"]]
    return [{"prefix": r["start"] or "", "strip": r["strip"] or 0, "add": r["add"] or ""} for r in written]


def rule_row(rule: dict[str, Any]) -> dict[str, Any]:
    return {"start": rule.get("prefix", ""), "strip": rule.get("strip", 0), "add": rule.get("add", "")}


def networks(text: str | None) -> list[str]:
    return [part for part in re.split(r"[,;\s]+", text or "") if part]


def as_network(text: str) -> str:
    """``203.0.113.5/24`` as ``203.0.113.0/24``; a single address stays one. Raises ``ValueError``."""
    return str(ipaddress.ip_network(text, strict=False)) if "/" in text else str(ipaddress.ip_address(text))


def address(text: str) -> None:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise ValidationError(gettext("This is not an IP address.")) from None
