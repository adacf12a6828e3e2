"""The folder our own Asterisk lives in, ``<var>/asterisk``: made before the start, the same for every installation.

``modules`` and ``data`` lead to the installation by links, so the rendered configuration does not change when another
Asterisk is used. Must not know what the configuration says.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cti.provision.apt import ProvisionFailed
from cti.provision.asterisk import AsteriskInstallation
from cti.switch_settings import SwitchSettings

FOLDERS = ("lib", "db", "data", "agi", "spool", "run", "log")
SOCKET_LIMIT = 107  # bytes of a unix socket's path


def prepare_home(switch: SwitchSettings, installation: AsteriskInstallation) -> None:
    """Make folders and links. May be repeated; an installation at another place is linked anew."""
    home = switch.home
    if len(os.fsencode(home / "run" / "asterisk.ctl")) > SOCKET_LIMIT:
        raise ProvisionFailed(f"the path of {home} is too long for Asterisk's control socket: choose a shorter folder")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in FOLDERS:
        (home / name).mkdir(mode=0o700, exist_ok=True)
    for folder in (switch.spool_dir, switch.prompts_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _link(home / "modules", installation.module_dir)
    for name in ("documentation", "rest-api", "moh"):
        if (installation.data_dir / name).exists():
            _link(home / "data" / name, installation.data_dir / name)
    _link_sounds(home / "data" / "sounds", installation.data_dir / "sounds")


def asterisk_command(switch: SwitchSettings, installation: AsteriskInstallation) -> list[str]:
    """The command that runs our own Asterisk in the foreground. It cannot restart itself: end it and start it anew."""
    return [*installation.argv_prefix, "-C", str(_conf(switch)), "-f", "-n", "-p"]


def is_running(switch: SwitchSettings) -> bool:
    """Whether our own Asterisk has its control socket open (it may be an old one: ``asterisk_cli`` tells)."""
    return (switch.home / "run" / "asterisk.ctl").is_socket()


def asterisk_cli(
    switch: SwitchSettings, installation: AsteriskInstallation, command: str, deadline: float = 10.0
) -> str | None:
    """Run a CLI command in our own running Asterisk; its text, or None if it does not run or answer in time."""
    if not is_running(switch):
        return None
    try:
        done = subprocess.run(
            [*installation.argv_prefix, "-C", str(_conf(switch)), "-n", "-rx", command],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=deadline,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def _conf(switch: SwitchSettings) -> Path:
    return switch.home / "etc" / "asterisk.conf"


def _link_sounds(folder: Path, source: Path) -> None:
    """Every language of the installation, and ``en`` whatever its English is called."""
    folder.mkdir(mode=0o700, exist_ok=True)
    languages = [p for p in sorted(source.glob("*")) if p.is_dir()]
    for language in languages:
        _link(folder / language.name, language.resolve())
    english = next((p for p in languages if p.name.startswith("en")), None)
    if english is not None and not (source / "en").is_dir():
        _link(folder / "en", english.resolve())


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
