"""Text that may stand in a switch's configuration file. Everything from people or databases passes here.

Asterisk reads ``;`` as the start of a comment, ``[`` at a line's start as a section and a line's end as the end of the
value; there is no quoting. So control characters are refused, ``;`` is escaped, and names are reduced.
Must not know the templates.
"""

from __future__ import annotations

import re
import unicodedata

from cti.domain.errors import CallyardError

_TOKEN = re.compile(r"[A-Za-z0-9_.+-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[?[0-9A-Fa-f:.]{2,45}\]?")


class UnsafeValue(CallyardError):
    """A value that cannot be written into a switch's configuration; the message names the field."""

    code = "dialplan.unsafe_value"


def conf_value(value: object, what: str = "value") -> str:
    """Any printable text after ``key=``. Raises ``UnsafeValue``."""
    text = _plain(value, what)
    if text != text.strip() or text.startswith(">") or len(text) > 512:
        raise UnsafeValue(f"{what}: must not start or end with a blank, start with '>' or exceed 512 characters")
    if any(c in text for c in "[]"):
        raise UnsafeValue(f"{what}: must not hold brackets")
    return text.replace(";", "\\;")


def token(value: object, what: str = "name") -> str:
    """A section name, user name or extension: letters, digits and ``_ . + -``. Raises ``UnsafeValue``."""
    text = str(value)
    if not _TOKEN.fullmatch(text):
        raise UnsafeValue(f"{what} {text[:70]!r}: only letters, digits and _ . + - are allowed")
    return text


def host(value: object, what: str = "host") -> str:
    """A host name or address. Raises ``UnsafeValue``."""
    text = str(value)
    if not _HOST.fullmatch(text):
        raise UnsafeValue(f"{what} {text[:70]!r}: not a host name or address")
    return text


def secret(value: object, what: str = "secret", least: int = 8) -> str:
    """A password: printable, no blanks; one that others chose may be short. Raises ``UnsafeValue``, not showing it."""
    text = conf_value(value, what)
    if len(text) < least or any(c.isspace() for c in text):
        raise UnsafeValue(f"{what}: needs at least {least} characters and no blanks")
    return text


def display(value: object, what: str = "name") -> str:
    """A person's or trunk's name for caller id, 64 characters; what SIP or Asterisk would misread is dropped."""
    text = "".join(c for c in str(value) if unicodedata.category(c)[0] != "C" and c not in '"<>\\;[]$,')
    return " ".join(text.split())[:64].strip()


def plan_path(value: object, what: str = "path") -> str:
    """A file path used inside the dialplan, where ``$ & , | ( )`` would be read. Raises ``UnsafeValue``."""
    text = conf_value(value, what)
    if any(c in text for c in "$&,|()\"'\\"):
        raise UnsafeValue(f"{what} {text!r}: choose a folder without $ & , | ( ) quotes, semicolons or backslashes")
    return text


def _plain(value: object, what: str) -> str:
    text = str(value)
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise UnsafeValue(f"{what}: must not hold line ends or other control characters")
    return text
