"""Put a rendered configuration in force, and take it back.

Each distinct configuration is one folder of ``<home>/releases``; ``etc`` is a link to the one in force, so a
change is whole or not there. Our own running Asterisk is told to read what changed. An outside switch is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cti.provision.asterisk import find_asterisk
from cti.provision.home import asterisk_cli, is_running
from cti.switch_settings import SwitchSettings
from dialplan.releases import KEPT_RELEASES, NothingToRollBack, Releases
from dialplan.render import Rows, check, render

__all__ = ["KEPT_RELEASES", "Applied", "NothingToRollBack", "apply", "in_force", "rollback"]

TRUNKS, MODULES = "pjsip_trunks.conf", "modules.conf"
LINES, DRIVER = "chan_dahdi.conf", "dahdi_system.conf"
_PJSIP = (
    "module reload res_pjsip.so res_pjsip_authenticator_digest.so res_pjsip_endpoint_identifier_ip.so "
    "res_pjsip_outbound_registration.so"
)
RELOADS: Mapping[str, str] = {
    "pjsip.conf": _PJSIP,
    "pjsip_agents.conf": _PJSIP,
    TRUNKS: _PJSIP,
    "extensions.conf": "dialplan reload",
    "manager.conf": "manager reload",
    "musiconhold.conf": "moh reload",
    "http.conf": "module reload http",
    "rtp.conf": "module reload res_rtp_asterisk.so",
    "logger.conf": "logger reload",
    "indications.conf": "module reload indications",
    "queues.conf": "queue reload all",
}
_SECTION = re.compile(r"^\[(trunk-[^\]]+)\](.*?)(?=^\[|\Z)", re.M | re.S)
_AT_ONCE = (("\nqualify_frequency", "pjsip qualify {}"), ("\ntype = registration", "pjsip send register {}"))


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
    releases = _releases(switch)
    before = _texts(releases.in_force(), (TRUNKS, LINES, DRIVER))
    release, changed = releases.put(files)
    if not changed:
        return Applied(release, ())
    return _reload(
        switch, release, changed, [*boards_anew(before, files), *at_once(before.get(TRUNKS, ""), files[TRUNKS])]
    )


def rollback(switch: SwitchSettings) -> Applied:
    """Put the configuration before the present one in force again. Raises ``NothingToRollBack``."""
    releases = _releases(switch)
    before = _texts(releases.in_force(), (LINES, DRIVER))
    release, changed = releases.back()
    return _reload(switch, release, changed, boards_anew(before, _texts(releases.in_force(), (LINES, DRIVER))))


def in_force(switch: SwitchSettings) -> Path | None:
    """The folder of the configuration in force."""
    return _releases(switch).in_force()


def _releases(switch: SwitchSettings) -> Releases:
    return Releases(switch.home, ".conf")


def boards_anew(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What to do when lines of DAHDI boards changed. What they are for is read while calls go on; channels that come
    or go need the driver unloaded, which Asterisk refuses while one of them is in a call: it is done by its restart."""
    old, new = before.get(LINES), after.get(LINES)
    if old == new:
        return []
    if old is not None and new is not None and before.get(DRIVER) == after.get(DRIVER):
        return ["module reload chan_dahdi.so"]
    unload = ["module unload chan_dahdi.so"] if old is not None else []
    return unload + (["module load chan_dahdi.so"] if new is not None else [])


def _texts(folder: Path | None, names: Sequence[str]) -> dict[str, str]:
    """Of the files that are there."""
    paths = [folder / name for name in names] if folder is not None else []
    return {path.name: path.read_text("utf-8") for path in paths if path.exists()}


def at_once(before: str, after: str) -> list[str]:
    """What to do with the trunks that changed: ask whether they are there, and register.

    By itself Asterisk does the first within half a minute, and takes a new password when it tries the next time.
    """
    old, new = _trunks(before), _trunks(after)
    found = ((name, text) for name, text in new.items() if old.get(name) != text)
    return [command.format(name) for name, text in found for mark, command in _AT_ONCE if mark in text]


def _trunks(text: str) -> dict[str, str]:
    """All that is said of each trunk."""
    found: dict[str, str] = {}
    for name, body in _SECTION.findall(text):
        found[name] = found.get(name, "") + body
    return found


def _reload(switch: SwitchSettings, release: str, changed: tuple[str, ...], more: Sequence[str]) -> Applied:
    """Tell our own Asterisk, then have it carry out ``more``. Not running: it reads everything when it starts."""
    if not switch.own or not is_running(switch):
        return Applied(release, changed)
    installation = find_asterisk(switch)
    if installation is None:
        return Applied(release, changed)
    commands = [*dict.fromkeys(RELOADS[name] for name in changed if name in RELOADS), *more]
    reloaded = tuple(c for c in commands if asterisk_cli(switch, installation, c) is not None)
    dahdi_only = {LINES, *((MODULES,) if {LINES, MODULES} <= {*changed} else ())}
    waiting = tuple(name for name in changed if name not in RELOADS and name not in dahdi_only)
    return Applied(release, changed, reloaded, waiting)
