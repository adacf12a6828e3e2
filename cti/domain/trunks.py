"""What a SIP trunk is: how it is reached, how numbers change on their way through it, what number is shown.

Numbers are changed here and nowhere else, so that the same digits leave every kind of switch. Must not know calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class DtmfMode(StrEnum):
    RFC2833 = "rfc2833"
    INFO = "info"
    INBAND = "inband"


class DidFrom(StrEnum):
    """Where the dialled number of a call that comes in is read."""

    REQUEST = "request"  # the request line
    TO = "to"
    FIXED = "fixed"  # always the trunk's ``did_fixed``


class CallerId(StrEnum):
    """The number a call out shows."""

    FIXED = "fixed"  # the trunk's ``caller_number``
    OWN = "own"  # the service number of the agent, else of the agent's queue, else the fixed one
    CALLER = "caller"  # a call that is passed on shows its caller; every other as ``OWN``


class CallerIn(StrEnum):
    """The headers that carry the shown number."""

    FROM = "from"
    PAI = "pai"  # P-Asserted-Identity; From carries the account's user name
    BOTH = "both"


CODECS = ("alaw", "ulaw", "g722")
DEFAULT_CODECS = ("alaw", "ulaw")
MOST_RULES = 50


@dataclass(frozen=True, slots=True)
class NumberRule:
    """For numbers that start with ``prefix`` (empty: all): drop ``strip`` digits in front, then put ``add`` there."""

    prefix: str = ""
    strip: int = 0
    add: str = ""


def apply_rules(rules: Iterable[NumberRule], number: str) -> str:
    """The number after the first rule that fits; unchanged where none does. An empty number stays empty."""
    for rule in rules:
        if number and number.startswith(rule.prefix):
            return rule.add + number[rule.strip :]
    return number


def read_rules(documents: Sequence[Mapping[str, Any]]) -> tuple[NumberRule, ...]:
    """Rules out of JSON. Raises ``KeyError``, ``TypeError`` or ``ValueError``."""
    return tuple(NumberRule(str(d.get("prefix", "")), int(d.get("strip", 0)), str(d.get("add", ""))) for d in documents)
