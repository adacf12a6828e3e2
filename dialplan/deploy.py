"""Put a rendered configuration in force, and take it back.

Each distinct configuration is one folder of ``<home>/releases``; ``etc`` is a link to the one in force, so a
change is whole or not there. Our own running Asterisk is told to read what changed. An outside switch is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cti.provision.asterisk import find_asterisk
from cti.provision.home import asterisk_cli, is_running
from cti.switch_settings import SwitchSettings
from dialplan.releases import KEPT_RELEASES, NothingToRollBack, Releases
from dialplan.render import Rows, check, render

__all__ = ["KEPT_RELEASES", "Applied", "NothingToRollBack", "apply", "in_force", "rollback"]

_PJSIP = (
    "module reload res_pjsip.so res_pjsip_authenticator_digest.so res_pjsip_endpoint_identifier_ip.so "
    "res_pjsip_outbound_registration.so"
)
RELOADS: Mapping[str, str] = {
    "pjsip.conf": _PJSIP,
    "pjsip_agents.conf": _PJSIP,
    "pjsip_trunks.conf": _PJSIP,
    "extensions.conf": "dialplan reload",
    "manager.conf": "manager reload",
    "musiconhold.conf": "moh reload",
    "http.conf": "module reload http",
    "rtp.conf": "module reload res_rtp_asterisk.so",
    "logger.conf": "logger reload",
    "indications.conf": "module reload indications",
    "queues.conf": "queue reload all",
}
_ASKED = re.compile(r"^\[(trunk-[^\]]+)\]\(cy-trunk-aor\)\n[^\[]*^qualify_frequency", re.M)


@dataclass(frozen=True, slots=True)
class Applied:
    """``changed`` file names; ``reloaded`` commands done; ``restart`` names that wait for a restart."""

    release: str
    changed: tuple[str, ...]
    reloaded: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def apply(switch: SwitchSettings, rows: Rows, *, app_queue: bool = False) -> Applied:
    """Render, check, put in force, reload. Does nothing if nothing changed. Raises ``UnsafeValue``, ``BadDialplan``."""
    files = render(switch, rows, app_queue=app_queue)
    check(files)
    release, changed = _releases(switch).put(files)
    return _reload(switch, release, changed, files) if changed else Applied(release, ())


def rollback(switch: SwitchSettings) -> Applied:
    """Put the configuration before the present one in force again. Raises ``NothingToRollBack``."""
    return _reload(switch, *_releases(switch).back(), {})


def in_force(switch: SwitchSettings) -> Path | None:
    """The folder of the configuration in force."""
    return _releases(switch).in_force()


def _releases(switch: SwitchSettings) -> Releases:
    return Releases(switch.home, ".conf")


def _reload(switch: SwitchSettings, release: str, changed: tuple[str, ...], files: Mapping[str, str]) -> Applied:
    """Tell our own Asterisk. Not running: it reads everything when it starts.

    Where trunks changed each is asked at once whether it is there; by itself Asterisk does that within half a minute.
    """
    if not switch.own or not is_running(switch):
        return Applied(release, changed)
    installation = find_asterisk(switch)
    if installation is None:
        return Applied(release, changed)
    trunks = _ASKED.findall(files.get("pjsip_trunks.conf", "")) if "pjsip_trunks.conf" in changed else []
    reloads = dict.fromkeys(RELOADS[name] for name in changed if name in RELOADS)
    commands = [*reloads, *(f"pjsip qualify {trunk}" for trunk in trunks)]
    reloaded = tuple(c for c in commands if asterisk_cli(switch, installation, c) is not None)
    return Applied(release, changed, reloaded, tuple(name for name in changed if name not in RELOADS))
