"""Put a rendered configuration in force, and take it back.

Each distinct configuration is one folder of ``<var>/asterisk/releases``; ``etc`` is a link to the one in force, so a
change is whole or not there. Our own running Asterisk is told to read what changed. An outside switch is never touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cti.domain.errors import CallyardError
from cti.provision.asterisk import find_asterisk
from cti.provision.home import asterisk_cli, asterisk_home, is_running
from cti.settings import Settings
from dialplan.render import Rows, check, render

KEPT_RELEASES = 20

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


class NothingToRollBack(CallyardError):
    code = "dialplan.no_previous"


@dataclass(frozen=True, slots=True)
class Applied:
    """``changed`` file names; ``reloaded`` commands done; ``restart`` names that wait for a restart."""

    release: str
    changed: tuple[str, ...]
    reloaded: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def apply(settings: Settings, rows: Rows, *, app_queue: bool = False) -> Applied:
    """Render, check, put in force, reload. Does nothing if nothing changed. Raises ``UnsafeValue``, ``BadDialplan``."""
    files = render(settings, rows, app_queue=app_queue)
    check(files)
    current = in_force(settings)
    changed = _differences(_read(current) if current else {}, files)
    if current and not changed:
        return Applied(current.name, ())
    release = _write(_releases(settings), files)
    _switch(settings, release)
    _prune(_releases(settings), keep=release)
    return _reload(settings, release.name, changed)


def rollback(settings: Settings) -> Applied:
    """Put the configuration before the present one in force again. Raises ``NothingToRollBack``."""
    current = in_force(settings)
    releases = _sorted(_releases(settings))
    earlier = [r for r in releases if current is not None and r.name < current.name]
    if current is None or not earlier:
        raise NothingToRollBack("there is no earlier configuration")
    changed = _differences(_read(current), _read(earlier[-1]))
    _switch(settings, earlier[-1])
    return _reload(settings, earlier[-1].name, changed)


def in_force(settings: Settings) -> Path | None:
    """The folder of the configuration in force."""
    link = asterisk_home(settings) / "etc"
    return link.resolve() if link.is_symlink() and link.is_dir() else None


def _releases(settings: Settings) -> Path:
    return asterisk_home(settings) / "releases"


def _sorted(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("[0-9]*") if p.is_dir())


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    existing = _sorted(folder)
    name = f"{int(existing[-1].name) + 1 if existing else 1:08d}"
    temporary = folder / f".{name}.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    for file, text in files.items():
        handle = os.open(temporary / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
    temporary.rename(folder / name)
    return folder / name


def _switch(settings: Settings, release: Path) -> None:
    link = asterisk_home(settings) / "etc"
    temporary = link.with_name(f".etc.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(Path("releases") / release.name)
    temporary.replace(link)


def _prune(folder: Path, keep: Path) -> None:
    for old in [r for r in _sorted(folder) if r != keep][: -(KEPT_RELEASES - 1)]:
        shutil.rmtree(old, ignore_errors=True)


def _read(release: Path) -> dict[str, str]:
    return {p.name: p.read_text(encoding="utf-8") for p in release.glob("*.conf")}


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))


def _reload(settings: Settings, release: str, changed: tuple[str, ...]) -> Applied:
    """Tell our own Asterisk. Not running: it reads everything when it starts."""
    if settings.ami_host or not is_running(settings):
        return Applied(release, changed)
    installation = find_asterisk(settings)
    if installation is None:
        return Applied(release, changed)
    commands = dict.fromkeys(RELOADS[name] for name in changed if name in RELOADS)
    reloaded = tuple(c for c in commands if asterisk_cli(settings, installation, c) is not None)
    return Applied(release, changed, reloaded, tuple(name for name in changed if name not in RELOADS))
