"""Configurations of one switch on disk: each a folder of ``<home>/releases``; ``<home>/etc`` links to the one in force.

A change is whole or not there. Must not know what the files say, nor a running switch.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cti.domain.errors import CallyardError

KEPT_RELEASES = 20


class NothingToRollBack(CallyardError):
    code = "dialplan.no_previous"


@dataclass(frozen=True, slots=True)
class Releases:
    """``ending`` is that of the files a configuration is made of (``.conf``)."""

    home: Path
    ending: str

    @property
    def folder(self) -> Path:
        return self.home / "releases"

    def in_force(self) -> Path | None:
        """The folder of the configuration in force."""
        link = self.home / "etc"
        return link.resolve() if link.is_symlink() and link.is_dir() else None

    def put(self, files: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        """Put ``files`` in force; the release's name and the names of what changed, none if nothing did."""
        current = self.in_force()
        changed = differences(self.read(current) if current else {}, files)
        if current and not changed:
            return current.name, ()
        release = self._write(files)
        self._switch(release)
        self._prune(keep=release)
        return release.name, changed

    def back(self) -> tuple[str, tuple[str, ...]]:
        """Put the one before in force again. Raises ``NothingToRollBack``."""
        current = self.in_force()
        earlier = [r for r in self._sorted() if current is not None and r.name < current.name]
        if current is None or not earlier:
            raise NothingToRollBack("there is no earlier configuration")
        changed = differences(self.read(current), self.read(earlier[-1]))
        self._switch(earlier[-1])
        return earlier[-1].name, changed

    def read(self, release: Path) -> dict[str, str]:
        return {p.name: p.read_text(encoding="utf-8") for p in release.glob(f"*{self.ending}")}

    def _sorted(self) -> list[Path]:
        return sorted(p for p in self.folder.glob("[0-9]*") if p.is_dir())

    def _write(self, files: Mapping[str, str]) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        existing = self._sorted()
        name = f"{int(existing[-1].name) + 1 if existing else 1:08d}"
        temporary = self.folder / f".{name}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
        for file, text in files.items():
            handle = os.open(temporary / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
        temporary.rename(self.folder / name)
        return self.folder / name

    def _switch(self, release: Path) -> None:
        link = self.home / "etc"
        temporary = link.with_name(f".etc.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(Path("releases") / release.name)
        temporary.replace(link)

    def _prune(self, keep: Path) -> None:
        for old in [r for r in self._sorted() if r != keep][: -(KEPT_RELEASES - 1)]:
            shutil.rmtree(old, ignore_errors=True)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))
