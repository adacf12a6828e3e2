"""Find an Asterisk to run: the one that is named, the machine's own, or a private copy that needs no root.

The private copy lives in ``<dist>/asterisk`` and is started by its own loader, so it does not depend on the
machine's libraries. Must not know how Asterisk is configured (``dialplan``) or watched (``cti.serve``).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cti.provision.apt import PrivateApt, Progress, ProvisionFailed, debian_mirrors, require_space, unpack
from cti.switch_settings import SwitchSettings

SUITES = ("forky", "sid")  # the first Debian suites that carry Asterisk again
PACKAGES = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-wav", "asterisk-moh-opsound-wav")
DEADLINE = 600.0
UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/perl", "usr/lib/systemd")


@dataclass(frozen=True, slots=True)
class AsteriskInstallation:
    """``[*argv_prefix, "-C", <asterisk.conf>, …]`` runs it; ``module_dir`` and ``data_dir`` belong to it."""

    argv_prefix: tuple[str, ...]
    module_dir: Path
    data_dir: Path

    def version(self, deadline: float = 10.0) -> str:
        """``Asterisk 22.10.0``, or raises ``ProvisionFailed``: also the proof that it can run here."""
        try:
            done = subprocess.run(
                [*self.argv_prefix, "-V"], capture_output=True, text=True, timeout=deadline, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProvisionFailed(f"{self.argv_prefix[-1]}: {error}") from error
        if done.returncode:
            raise ProvisionFailed(f"{self.argv_prefix[-1]} does not run: {done.stderr.strip()[:200]}")
        return done.stdout.strip()


def find_asterisk(switch: SwitchSettings) -> AsteriskInstallation | None:
    """The Asterisk that would be run now, without fetching anything; None if there is none."""
    if switch.program:
        program = shutil.which(switch.program)
        if program is None:
            raise ProvisionFailed(f"CALLYARD_ASTERISK_BIN={switch.program}: no such program")
        return _system_installation(Path(program))
    if on_path := shutil.which("asterisk", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"):
        return _system_installation(Path(on_path))
    return private_installation(switch.dist_dir / "asterisk")


def ensure_asterisk(switch: SwitchSettings, progress: Progress, deadline: float = DEADLINE) -> AsteriskInstallation:
    """``find_asterisk``, else fetch a private copy. Several processes may ask at once: one fetches, the rest wait.

    Raises ``ProvisionFailed`` with one line that says what to do.
    """
    if found := find_asterisk(switch):
        return found
    target = switch.dist_dir / "asterisk"
    end = time.monotonic() + deadline
    try:
        switch.dist_dir.mkdir(parents=True, exist_ok=True)
        with _lock(switch.dist_dir / ".asterisk.lock", progress, end):
            if found := private_installation(target):
                return found
            require_space(switch.dist_dir)
            _fetch(target, progress, end)
    except OSError as error:
        raise ProvisionFailed(f"cannot get Asterisk into {target}: {error.strerror or error}") from error
    installation = private_installation(target)
    if installation is None:
        raise ProvisionFailed(f"the fetched Asterisk in {target} is not complete: delete that folder and try again")
    return installation


def private_installation(root: Path) -> AsteriskInstallation | None:
    """The unpacked copy in ``root``, whatever the machine's architecture; None if it is not there."""
    program = root / "usr/sbin/asterisk"
    if not program.exists():
        return None
    loader = next((p for p in sorted(root.glob("usr/lib/*/ld-linux*.so*")) if not p.is_dir()), None)
    modules = next(iter(sorted(root.glob("usr/lib/*/asterisk/modules"))), root / "usr/lib/asterisk/modules")
    if loader is None or not modules.is_dir():
        return None
    libraries = f"{loader.parent}:{root / 'usr/lib'}"
    return AsteriskInstallation(
        argv_prefix=(str(loader), "--library-path", libraries, str(program)),
        module_dir=modules,
        data_dir=root / "usr/share/asterisk",
    )


def _system_installation(program: Path) -> AsteriskInstallation:
    prefix = program.resolve().parent.parent
    roots = [prefix, *(prefix.parents[:1] if prefix.name in {"usr", "local"} else [])]
    libs = [Path(p) for root in roots for p in (*sorted(root.glob("lib/*-*")), root / "lib64", root / "lib")]
    modules = next((m for lib in libs if (m := lib / "asterisk/modules").is_dir()), None)
    data = next(
        (d for d in (prefix / "share/asterisk", Path("/usr/share/asterisk"), Path("/var/lib/asterisk"))
         if (d / "documentation").is_dir()),
        None,
    )  # fmt: skip
    if modules is None or data is None:
        raise ProvisionFailed(
            f"{program}: cannot find its modules and data folders near it; "
            "set CALLYARD_ASTERISK_BIN to another program, or CALLYARD_AMI_HOST to use it as it runs"
        )
    return AsteriskInstallation((str(program),), modules, data)


def _fetch(target: Path, progress: Progress, end: float) -> None:
    """Download and unpack beside ``target``, then rename: it is whole or not there."""
    work = target.with_name(".asterisk.partial")
    shutil.rmtree(work, ignore_errors=True)
    failure: ProvisionFailed | None = None
    try:
        for mirror, suite in [(m, s) for m in debian_mirrors() for s in SUITES]:
            try:
                progress(f"Asterisk: downloading from Debian {suite} (about 110 MB, once)")
                archives = PrivateApt(work / "apt", suite, end).fetch(mirror, PACKAGES)
            except ProvisionFailed as error:
                failure = failure or error
                continue
            progress(f"Asterisk: unpacking {len(archives)} packages")
            unpack(archives, work / "root", end)
            _finish(work / "root")
            (work / "root").rename(target)
            progress("Asterisk: ready")
            return
    finally:
        shutil.rmtree(work, ignore_errors=True)
    raise ProvisionFailed(f"cannot download Asterisk: {failure}; or install asterisk yourself, or CALLYARD_SWITCH=sim")


def _finish(root: Path) -> None:
    for name in UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
    installation = private_installation(root)
    if installation is None:
        raise ProvisionFailed("the downloaded packages hold no runnable Asterisk")
    installation.version()


@contextlib.contextmanager
def _lock(path: Path, progress: Progress, end: float) -> Iterator[None]:
    """Hold an exclusive file lock; the kernel frees it when its holder dies."""
    with path.open("w") as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    progress("Asterisk: another process is fetching it, waiting")
                    told = True
                if time.monotonic() > end:
                    raise ProvisionFailed(f"{path} is held by another process for too long") from None
                time.sleep(0.2)
        yield
