"""The other switches of the centre as the templates want them, for Asterisk and FreeSWITCH alike.

Two switches know each other as ``switch-<name>`` by a secret that only they share. Must not know the templates.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from cti.switch_settings import SwitchSettings
from dialplan import escape

PREFIX = "switch-"


@dataclass(frozen=True, slots=True)
class PeerSwitch:
    """``user`` is the other switch's name for itself, ``own_user`` ours towards it. ``address``: empty if not known."""

    user: str
    own_user: str
    host: str
    place: str
    address: str
    secret: str

    @property
    def pattern(self) -> str:
        """A regular expression of the addresses it may call from."""
        if not self.address:
            return ".+"
        return r"127\.[0-9.]+|::1" if ipaddress.ip_address(self.address).is_loopback else re.escape(self.address)

    @property
    def network(self) -> str:
        """The same as an access rule."""
        return "127.0.0.0/8" if self.address.startswith("127.") else self.address


def peers_of(switch: SwitchSettings) -> list[PeerSwitch]:
    """Raises ``UnsafeValue``, naming the switch."""
    own = PREFIX + escape.token(switch.name, "name of a switch")
    found = []
    for peer in switch.peers:
        what = f"switch {peer.name}"
        host = escape.host(peer.host, f"host of {what}").strip("[]")
        if not 0 < peer.port < 65536:
            raise escape.UnsafeValue(f"port of {what}: {peer.port}")
        found.append(
            PeerSwitch(
                user=PREFIX + escape.token(peer.name, "name of a switch"),
                own_user=own,
                host=host,
                place=f"[{host}]:{peer.port}" if ":" in host else f"{host}:{peer.port}",
                address=_address(host),
                secret=escape.secret(peer.secret, f"secret of {what}"),
            )
        )
    return found


def _address(host: str) -> str:
    try:
        return str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host))
    except ValueError:
        return ""
