"""The switches of this installation with everything filled in: secrets in force, and each one's peers.

The secret that two switches know each other by is derived for the pair from one made at random in ``<var>/secrets``.
Must not know what is done with a switch.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from cti.provision.apt import ProvisionFailed
from cti.provision.secrets import effective_secrets, interconnect_secret
from cti.settings import Settings, SwitchKind, SwitchSettings
from cti.switch_settings import Peer


def all_switches(settings: Settings) -> tuple[SwitchSettings, ...]:
    """Every switch of the centre, complete. Raises ``BadSwitches`` and ``SecretsUnreadable``."""
    switches = settings.switches()
    return tuple(
        replace(
            switch, secret=switch.secret or _secret(settings, switch.kind), peers=_peers(settings, switch, switches)
        )
        for switch in switches
    )


def switch_named(settings: Settings, name: str = "") -> SwitchSettings:
    """The switch called ``name``; without a name the first. Raises ``ProvisionFailed`` with the names there are."""
    switches = all_switches(settings)
    for switch in switches:
        if name in ("", switch.name):
            return switch
    raise ProvisionFailed(f"there is no switch {name!r}: {' '.join(switch.name for switch in switches)}")


def _secret(settings: Settings, kind: SwitchKind) -> str:
    """Of the control port of a switch of our own."""
    made = effective_secrets(settings).ami_secret
    if kind is SwitchKind.FREESWITCH:
        return hmac.new(made.encode(), b"event socket", hashlib.sha256).hexdigest()
    return made


def _peers(settings: Settings, switch: SwitchSettings, switches: tuple[SwitchSettings, ...]) -> tuple[Peer, ...]:
    others = [other for other in switches if other.name != switch.name and other.speaks_sip]
    if others and switch.gateway:
        return (Peer(others[0].name, others[0].sip_host, others[0].sip_port, ""),)
    if not others or not switch.speaks_sip:
        return ()
    key = interconnect_secret(settings.var).encode()
    return tuple(
        Peer(
            other.name,
            other.sip_host,
            other.sip_port,
            hmac.new(key, ":".join(sorted((switch.name, other.name))).encode(), hashlib.sha256).hexdigest(),
        )
        for other in others
    )
