"""Where a switch behind a router that translates addresses is for those beyond it: not where it is for itself.

Must not know a template's syntax.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from cti.switch_settings import SwitchSettings
from dialplan import escape

ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened on
LOOPBACK_NETWORK = "127.0.0.0/8"
ROUTED = ("192.0.2.1", 9)  # nothing is sent there: the machine is asked from which address it would


@dataclass(frozen=True, slots=True)
class Outside:
    """``address`` is empty where the switch is no other for anybody; ``networks`` reach it at its own address all the
    same, which is among them: Asterisk writes ``address`` only in the place of one of these. ``own`` and ``shown`` are
    numbers: a browser phone is given both."""

    address: str = ""
    networks: tuple[str, ...] = ()
    own: str = ""
    shown: str = ""


def own_address() -> str:
    """The address that packets of this machine leave from; empty where there is no way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ROUTED)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def outside_of(switch: SwitchSettings, own: Callable[[], str] = own_address) -> Outside:
    """Raises ``UnsafeValue``."""
    if not switch.external_address:
        return Outside()
    address = escape.host(switch.external_address, "CALLYARD_EXTERNAL_ADDRESS")
    here = own() if switch.bind in ANYWHERE else switch.bind
    near = (LOOPBACK_NETWORK, here, *switch.local_networks)
    return Outside(address, tuple(str(ip_network(n)) for n in near if n), here, _number(address))


def _number(address: str) -> str:
    """The address as a number, empty where its name is nobody's now."""
    try:
        return str(ip_address(address))
    except ValueError:
        pass
    try:
        return socket.gethostbyname(address)
    except OSError:
        return ""
