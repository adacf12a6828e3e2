"""Fetch Debian packages with all their dependencies into a folder: no root, the machine's own apt state untouched.

apt gets its own state, cache and sources; its mirror address is the one the machine already uses; signatures are
checked with the machine's Debian keyring. Must not know which programs it fetches or why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cti.domain.errors import CallyardError
from cti.provision.child import die_with_parent

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/etc/apt/trusted.gpg"),
)
NEEDED_BYTES = 700 * 2**20  # lists, archives and unpacked files together; measured 460 MB

Progress = Callable[[str], None]


class ProvisionFailed(CallyardError):
    """Something the machine lacks; the message is one line that says what to do."""

    code = "provision.failed"


@dataclass(frozen=True, slots=True)
class PrivateApt:
    """apt that lives in ``folder`` and reads one ``suite``. ``deadline`` is a ``time.monotonic`` value."""

    folder: Path
    suite: str
    deadline: float

    def fetch(self, mirror: str, packages: Sequence[str]) -> list[Path]:
        """Download ``packages`` and all they need from ``mirror``; the archives' paths."""
        self._prepare(mirror)
        _run([*self._apt_get(), "update", "--error-on=any"], self.deadline)
        _run([*self._apt_get(), "install", "--yes", "--download-only", *packages], self.deadline)
        return sorted((self.folder / "cache" / "archives").glob("*.deb"))

    def _prepare(self, mirror: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("state/lists/partial", "cache/archives/partial", "empty.d"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "status").touch()
        (self.folder / "sources.list").write_text(
            f"deb [signed-by={_keyring()}] {mirror} {self.suite} main\n", encoding="utf-8"
        )

    def _apt_get(self) -> list[str]:
        options = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Cache::archives": self.folder / "cache" / "archives",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": self.folder / "empty.d",
            "Dir::Etc::preferences": self.folder / "no-preferences",
            "Dir::Etc::preferencesparts": self.folder / "empty.d",
            "Dir::Log": self.folder,
            "APT::Default-Release": self.suite,
            "APT::Install-Recommends": "false",
            "APT::Keep-Downloaded-Packages": "true",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            "Acquire::https::Timeout": "30",
            "DPkg::Post-Invoke": "",
            "APT::Update::Post-Invoke": "",
        }
        return ["apt-get", "-q", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]


def debian_mirrors() -> list[str]:
    """Addresses the machine's own apt uses, main archive first. Raises ``ProvisionFailed``."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise ProvisionFailed("this machine has no apt: install asterisk yourself, or set CALLYARD_SWITCH=sim")
    listed = _run(
        ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)", "Created-By: Packages"],
        time.monotonic() + 30,
    )
    unique = list(dict.fromkeys(line.strip() for line in listed.splitlines() if "://" in line))
    mirrors = [uri for uri in unique if "debian" in uri and "security" not in uri]
    if not mirrors:
        raise ProvisionFailed(
            "apt on this machine lists no Debian archive: install asterisk yourself, or set CALLYARD_SWITCH=sim"
        )
    return mirrors


def unpack(archives: Sequence[Path], target: Path, deadline: float) -> None:
    """``dpkg -x`` every archive into ``target``, two at a time."""
    target.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for done in [pool.submit(_run, ["dpkg", "-x", str(a), str(target)], deadline) for a in archives]:
            done.result()


def require_space(folder: Path, needed: int = NEEDED_BYTES) -> None:
    """Raise ``ProvisionFailed`` unless ``folder``'s disk has ``needed`` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ProvisionFailed(
            f"{folder}: {free // 2**20} MB free, {needed // 2**20} MB needed to get Asterisk: "
            "make room, or point CALLYARD_DIST at another disk"
        )


def _keyring() -> Path:
    for path in KEYRINGS:
        if path.exists():
            return path
    raise ProvisionFailed("no Debian archive keyring: apt-get install debian-archive-keyring")


def _run(command: Sequence[str], deadline: float) -> str:
    """Run to the end or the deadline; standard output. A failure's last meaningful line becomes the message."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    parent = os.getpid()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=max(1.0, deadline - time.monotonic()),
            env=environment,
            check=False,
            preexec_fn=lambda: die_with_parent(parent),
        )
    except subprocess.TimeoutExpired as error:
        raise ProvisionFailed(f"{command[0]} did not finish in time: is the network slow or cut off?") from error
    except OSError as error:
        raise ProvisionFailed(f"{command[0]}: {error.strerror or error}") from error
    if done.returncode:
        raise ProvisionFailed(f"{command[0]}: {_reason(done.stderr.decode(errors='replace'))}")
    return done.stdout.decode(errors="replace")


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if any("No space left" in line for line in lines):
        return "no space left on the disk"
    errors = [line for line in lines if line.startswith(("E:", "Err:", "dpkg-deb: error"))]
    return (errors or lines or ["failed without a word"])[0][:300]
