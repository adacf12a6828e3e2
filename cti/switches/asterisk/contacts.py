"""Where a phone is rung: the address that it registered from, known or asked for, and then dialled by itself.

``PJSIP/1001`` would be read by Asterisk at the time of the call: headers in a contact (``?Route=…``) or ``maddr`` then
say where the call goes, and no event is early enough to tell of them. No sockets.
"""

from __future__ import annotations

import re

from cti.domain.errors import CommandRefused
from cti.switches.asterisk.wire import Action

# No "?" (headers), no "," (Asterisk takes such an address for a list of names), no "&" (here it parts two contacts).
_USER, _HOST = r"[0-9A-Za-z_.!~*'()%+=$;:/-]+@", r"[0-9A-Za-z_.:\[\]-]+"
# No "%" in a parameter's name either: Asterisk reads "m%61ddr" as maddr.
_PARAMETERS = r"(;(?!maddr)[0-9A-Za-z_.!~*'()+$:/\[\]-]*(=[0-9A-Za-z_.!~*'()%+=$:/\[\]-]*)?)*"
_ONE = re.compile(f"sips?:({_USER})?{_HOST}{_PARAMETERS}", re.IGNORECASE)
_OF_SEVERAL = re.compile(f"sips?:{_USER}{_HOST}{_PARAMETERS}", re.IGNORECASE)


def stays(uri: str) -> bool:
    """A call to this contact goes to the place the phone registered from."""
    return bool(_ONE.fullmatch(uri))


def asked(device: str) -> Action:
    """What Asterisk would dial for all contacts that can be reached. ``device`` has been checked."""
    return {"Action": "Getvar", "Variable": f"PJSIP_DIAL_CONTACTS({device})"}


def channel(device: str, address: str) -> str:
    """The channel to dial for a phone at this address."""
    return f"PJSIP/{device}/{address}"


def dialled(device: str, answer: str) -> str:
    """The channel to dial; empty without a contact. Raises ``CommandRefused`` for one that could lead elsewhere."""
    if not answer:
        return ""
    channels = answer.split("&")
    allowed = _ONE if len(channels) == 1 else _OF_SEVERAL
    start = channel(device, "")
    if not all(one.startswith(start) and allowed.fullmatch(one.removeprefix(start)) for one in channels):
        raise CommandRefused(f"{device} has registered a contact that could lead elsewhere", device=device)
    return channels[0]
