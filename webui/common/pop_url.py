"""Addresses of another system's pages, written by administrators with places for what is known of a call.

Whatever fills a place comes from callers and phones: it is escaped whole, and the scheme and the host are not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

PLACES = ("number", "caller_name", "call_id", "queue", "dialed", "agent")
LONGEST = 500

_PLACE = re.compile(r"\{([^{}]*)\}")


def trouble(template: str) -> str:
    """What is wrong with it: ``scheme``, ``host``, ``place`` or ``length``; empty for an address that can be used."""
    if len(template) > LONGEST:
        return "length"
    try:
        parts = urlsplit(template)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "host"
    if parts.scheme not in ("http", "https"):
        return "scheme"
    if not host or parts.username is not None or re.search(r"[{}\\\s]", parts.netloc):
        return "host"
    named = _PLACE.findall(template)
    rest = _PLACE.sub("", template)
    if any(name not in PLACES for name in named) or re.search(r"[{}\\\s<>\"]", rest) or not rest.isprintable():
        return "place"
    return ""


def fill(template: str, values: Mapping[str, str]) -> str:
    """The address for one call; empty where the template is none."""
    if not template or trouble(template):
        return ""
    return _PLACE.sub(lambda found: quote(values.get(found[1], ""), safe=""), template)
