"""Phone numbers on pages: masked unless the user may see them; opaque tokens, so that a masked one can be dialled.

A token is the number sealed under the site's key (synthetic IV: HMAC of the number, then a keystream from it), so a
page holds nothing to read and a made-up token is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from flask import Flask, current_app
from flask_login import current_user

from cti.domain.errors import BadRequest
from webui.common.permissions import Permission

KEY = "callyard_number_key"
MARK = "~"
STARS = "****"
LONGEST = 32
LANDLINE = re.compile(r"\+86(10\d{8}|2\d{9}|[3-9]\d{8,10})")
DIALLABLE = re.compile(r"\+?[0-9*#]{1,31}")


def may_see() -> bool:
    return bool(current_user and current_user.is_authenticated and current_user.can(Permission.NUMBERS_UNMASKED))


def mask(number: str) -> str:
    """``+8613800138000`` as ``+86138****8000``; numbers of six digits or fewer (extensions) stay."""
    digits = sum(c.isdigit() for c in number)
    if digits <= 6:
        return number
    tail = number[-4:]
    head = number[: max(1, len(number) - 8)]
    return f"{head}{STARS}{tail}"


def shown(number: str | None) -> str:
    """The number as this user may see it."""
    if not number:
        return ""
    return pretty(number) if may_see() else mask(pretty(number))


def pretty(number: str) -> str:
    """A Chinese number as people here write it; everything else as it is."""
    if re.fullmatch(r"\+86(1\d{10}|[48]00\d{7})", number):
        return number[3:]
    return f"0{number[3:]}" if is_landline(number) else number


def is_landline(number: str) -> bool:
    """A Chinese one, as stored."""
    return LANDLINE.fullmatch(number) is not None


def conceal(number: str) -> str:
    """The number for a page's hidden use: plain for who may see it, else a token."""
    return number if may_see() or not number else seal(number, sealing_key())


def reveal(value: str) -> str:
    """A token's number, or a plain value as it is. Raises ``BadRequest`` for a forged token."""
    if not value.startswith(MARK):
        return value
    return unseal(value, sealing_key())


def diallable(value: str) -> str:
    """A number that may be dialled, from a token or as typed with spaces, dots, dashes and brackets."""
    number = re.sub(r"[\s.()/-]", "", reveal(value.strip()))
    if not DIALLABLE.fullmatch(number):
        raise BadRequest("not a number that can be dialled", field="number")
    return number


def seal(number: str, key: bytes) -> str:
    plain = number.encode()[:LONGEST].ljust(LONGEST, b"\0")
    tag = _mac(key, b"tag" + plain)[:16]
    sealed = bytes(a ^ b for a, b in zip(plain, _mac(key, b"key" + tag), strict=True))
    return MARK + base64.urlsafe_b64encode(tag + sealed).decode().rstrip("=")


def unseal(token: str, key: bytes) -> str:
    try:
        raw = base64.urlsafe_b64decode(token[len(MARK) :] + "=" * (-(len(token) - len(MARK)) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadRequest("not a number token") from error
    if len(raw) != 16 + LONGEST:
        raise BadRequest("not a number token")
    tag = raw[:16]
    plain = bytes(a ^ b for a, b in zip(raw[16:], _mac(key, b"key" + tag), strict=True))
    if not hmac.compare_digest(tag, _mac(key, b"tag" + plain)[:16]):
        raise BadRequest("not a number token")
    return plain.rstrip(b"\0").decode(errors="replace")


def install(app: Flask) -> None:
    app.extensions[KEY] = hashlib.sha256(b"numbers:" + str(app.secret_key).encode()).digest()
    app.jinja_env.filters.update(phone=shown, conceal=conceal)


def sealing_key() -> bytes:
    key: bytes = current_app.extensions[KEY]
    return key


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()
