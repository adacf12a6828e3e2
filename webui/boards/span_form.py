"""The form of one span of a DAHDI board. What passes here passes ``cti.domain.dahdi.read_spans``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext as pgettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, SelectField, ValidationError
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, Regexp

from cti.domain.dahdi import ECHO, LONGEST_NAME, MOST_PORTS, MOST_SPANS, SWITCH_TYPES, Span, SpanKind
from webui.boards import words
from webui.common.labels import options
from webui.customers.forms import Line

OF_KIND: Mapping[SpanKind, tuple[str, ...]] = {
    SpanKind.ANALOG: ("ports", "caller_id", "polarity"),
    SpanKind.PRI: ("timing", "crc4", "network", "switch_type"),
    SpanKind.R2: ("timing", "crc4", "max_ani", "max_dnis", "protocol_file"),
    SpanKind.SS7: ("timing", "crc4", "point_code", "adjacent", "destination", "indicator", "first_cic"),
}
COMMON = ("name", "trunk", "echo")


def _whole(label: Any, least: int, most: int, default: int) -> IntegerField:
    return IntegerField(label, [InputRequired(), NumberRange(least, most)], default=default)


class SpanForm(FlaskForm):  # type: ignore[misc]
    """Only the fields of its kind are shown and kept; ``taken`` are trunks that are reached by SIP."""

    name = Line(_("Name"), 60)
    trunk = Line(
        _("Trunk"),
        LONGEST_NAME,
        [DataRequired(), Regexp(r"^[a-z0-9-]+$", message=_("Small letters, digits, dash."))],
        default="dahdi",
    )
    ports = Line(
        _("Ports"),
        MOST_PORTS,
        [Regexp(r"^[ot-]*[ot][ot-]*$", message=_("o, t and - only, at least one in use."))],
        default="oooo",
    )
    caller_id = SelectField(_("Caller-id comes as"), choices=options(words.CALLER_ID.items()), default="bell")
    polarity = BooleanField(_("The exchange reverses the line at the answer and at the end"))
    timing = _whole(_("Clock"), 0, MOST_SPANS, 1)
    crc4 = BooleanField(_("CRC4"), default=True)
    network = BooleanField(_("We are the exchange's side (NT)"))
    switch_type = SelectField(
        _("Kind of exchange"), choices=options((one, one) for one in SWITCH_TYPES), default="euroisdn"
    )
    max_ani = _whole(_("Digits of the caller's number, at most"), 0, 30, 20)
    max_dnis = _whole(_("Digits of the dialled number, at most"), 1, 30, 4)
    protocol_file = Line(
        _("Advanced protocol file"),
        200,
        [Optional(), Regexp(r"^(/[A-Za-z0-9_.-]+){1,20}$", message=_("A path that begins with /."))],
    )
    point_code = _whole(_("Our point code"), 0, 16_383, 1)
    adjacent = _whole(_("Point code of the neighbour"), 0, 16_383, 2)
    destination = _whole(_("Point code of the exchange"), 0, 16_383, 2)
    indicator = SelectField(_("Network"), choices=options(words.INDICATORS.items()), default="national")
    first_cic = _whole(_("First circuit (CIC)"), 0, 4_095, 1)
    echo = SelectField(
        _("Echo canceller"),
        choices=options((one, one or pgettext("echo canceller", "none")) for one in ECHO),
        default="mg2",
    )
    taken: frozenset[str] = frozenset()

    def begin(self, kind: SpanKind) -> None:
        """Forget the fields of other kinds."""
        self.kind = kind
        for name in {field for fields in OF_KIND.values() for field in fields} - set(OF_KIND[kind]):
            delattr(self, name)

    def validate_trunk(self, field: Field) -> None:
        if field.data in self.taken:
            raise ValidationError(gettext("This trunk is reached by SIP. Choose another short name."))

    def document(self) -> dict[str, Any]:
        names = (*COMMON, *OF_KIND[self.kind])
        given = {name: getattr(self, name).data for name in names}
        return {"kind": self.kind.value} | {name: "" if value is None else value for name, value in given.items()}


def shown(span: Span) -> dict[str, Any]:
    """What the form begins with."""
    return {name: getattr(span, name) for name in (*COMMON, *OF_KIND[span.kind])}
