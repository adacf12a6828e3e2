"""What the spans of DAHDI boards are: ports of analog boards, E1 lines by PRI, R2 or SS7, and the channels they make.

DAHDI counts channels over all spans, in the order in which the driver finds the boards: an E1 takes 31, an analog board
one a port. Must not know a switch's configuration language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from cti.domain.errors import CallyardError

E1_CHANNELS, SIGNALLING_SLOT = 31, 16
MOST_SPANS, MOST_PORTS, MOST_CHANNELS = 16, 32, 512
DEFAULT_TRUNK = "dahdi"
HOST = "dahdi"
"""In place of the host of a trunk that is lines of boards."""
BOARD_PREFIX = "dahdi-"
LONGEST_NAME = 24
"""Of a trunk or telephone: DAHDI keeps 31 characters of what a channel is for."""


class SpanKind(StrEnum):
    ANALOG = "analog"
    PRI = "pri"  # E1, ISDN
    R2 = "r2"  # E1, MFC/R2 (China: SS1)
    SS7 = "ss7"  # E1, ISUP


class CallerIdSent(StrEnum):
    """How analog lines tell the caller's number."""

    BELL = "bell"  # FSK as Bell 202: China
    V23 = "v23"
    DTMF = "dtmf"


class NetworkIndicator(StrEnum):
    NATIONAL = "national"
    NATIONAL_SPARE = "national_spare"
    INTERNATIONAL = "international"
    INTERNATIONAL_SPARE = "international_spare"


class BadSpan(CallyardError):
    """The description of a span is not right; the message names the span and the field."""

    code = "dahdi.bad_span"


OUTSIDE, TELEPHONE, EMPTY = "o", "t", "-"
SWITCH_TYPES = ("euroisdn", "qsig", "national", "dms100", "5ess", "4ess", "ni1")
ECHO = ("mg2", "oslec", "kb1", "sec2", "hwec", "")
_FILE = re.compile(r"(/[A-Za-z0-9_.-]+){1,20}")
_TRUNK = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}")


@dataclass(frozen=True, slots=True)
class Span:
    """``ports`` of an analog board, one character each: ``o`` outside line, ``t`` telephone, ``-`` empty.

    ``timing``: 0 we give the clock, 1 and up the order in which clocks of the other side are taken. ``network``: we
    are the exchange's side of a PRI. ``protocol_file``: R2's advanced timers and tones. Point codes are decimal.
    """

    kind: SpanKind
    name: str = ""
    trunk: str = DEFAULT_TRUNK
    ports: str = ""
    caller_id: CallerIdSent = CallerIdSent.BELL
    polarity: bool = False
    timing: int = 1
    crc4: bool = True
    network: bool = False
    switch_type: str = "euroisdn"
    max_ani: int = 20
    max_dnis: int = 4
    protocol_file: str = ""
    point_code: int = 1
    adjacent: int = 2
    destination: int = 2
    indicator: NetworkIndicator = NetworkIndicator.NATIONAL
    first_cic: int = 1
    echo: str = "mg2"

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def size(self) -> int:
        """How many of DAHDI's channel numbers it takes."""
        return len(self.ports) if self.kind is SpanKind.ANALOG else E1_CHANNELS


@dataclass(frozen=True, slots=True)
class SpanChannel:
    """``number`` is DAHDI's, from 1; ``telephone`` false: an outside line."""

    number: int
    span: int
    telephone: bool


_WHOLE = {
    "timing": (0, MOST_SPANS),
    "max_ani": (0, 30),
    "max_dnis": (1, 30),
    "point_code": (0, 16_383),
    "adjacent": (0, 16_383),
    "destination": (0, 16_383),
    "first_cic": (0, 4_095),
}
_CHOICES: dict[str, Sequence[str]] = {"switch_type": SWITCH_TYPES, "echo": ECHO}
_KINDS: dict[str, type[StrEnum]] = {"kind": SpanKind, "caller_id": CallerIdSent, "indicator": NetworkIndicator}
_SHAPES = {"trunk": _TRUNK, "ports": re.compile(rf"[ot-]{{0,{MOST_PORTS}}}"), "protocol_file": _FILE}


def board_name(switch: str) -> str:
    """The name of the boards of this Asterisk, in tables, on the bus and on pages."""
    return f"{BOARD_PREFIX}{switch}"


def read_spans(documents: object) -> tuple[Span, ...]:
    """Spans in DAHDI's order. Raises ``BadSpan``."""
    if not isinstance(documents, list) or len(documents) > MOST_SPANS:
        raise BadSpan(f"a list of at most {MOST_SPANS} spans is wanted")
    found = tuple(_span(number, document) for number, document in enumerate(documents, 1))
    if sum(span.size for span in found) > MOST_CHANNELS:
        raise BadSpan(f"more than {MOST_CHANNELS} channels")
    return found


def channels(spans: Iterable[Span]) -> tuple[SpanChannel, ...]:
    """Every channel that carries calls."""
    found: list[SpanChannel] = []
    first = 1
    for number, span in enumerate(spans, 1):
        if span.kind is SpanKind.ANALOG:
            used = ((at, port) for at, port in enumerate(span.ports, first) if port != EMPTY)
            found += [SpanChannel(at, number, port == TELEPHONE) for at, port in used]
        else:
            slots = (slot for slot in range(1, E1_CHANNELS + 1) if slot != SIGNALLING_SLOT)
            found += [SpanChannel(first + slot - 1, number, False) for slot in slots]
        first += span.size
    return tuple(found)


def _span(number: int, document: object) -> Span:
    if not isinstance(document, dict) or not {"kind"} <= document.keys() <= {one.name for one in fields(Span)}:
        raise BadSpan(f"span {number}: no span, or a field that is not known")
    given = {name: _value(number, name, value) for name, value in document.items()}
    span = Span(**given)
    if span.kind is SpanKind.ANALOG and not span.ports.strip(EMPTY):
        raise BadSpan(f"span {number}: ports: none is in use")
    return span


def _value(number: int, name: str, value: Any) -> Any:
    if name in _WHOLE:
        least, most = _WHOLE[name]
        right = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    elif name in ("polarity", "crc4", "network"):
        right = isinstance(value, bool)
    elif name in _KINDS:
        right = value in {one.value for one in _KINDS[name]}
        return _KINDS[name](value) if right else _wrong(number, name)
    elif name in _CHOICES:
        right = value in _CHOICES[name]
    elif name == "name":
        right = isinstance(value, str) and len(value) <= 60 and value.isprintable()
    else:
        empty = name == "protocol_file" and value == ""
        right = isinstance(value, str) and (empty or bool(_SHAPES[name].fullmatch(value)))
    return value if right else _wrong(number, name)


def _wrong(number: int, name: str) -> Any:
    raise BadSpan(f"span {number}: {name} is not allowed")
