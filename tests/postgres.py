"""A real PostgreSQL for tests, from Debian's package: its own cluster in a temporary folder, on a unix socket.

``find_programs`` says by name what is missing. The server can be stopped and started again under a running test.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

DEADLINE = 60  # seconds for any one program


def find_programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``: the newest of Debian's, or that of PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*folders, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


class Postgres:
    """One cluster. Not root: as ourselves; root: as user ``postgres``, because the server refuses root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="cy-pg-"))
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._data = self.folder / "data"
        self._run("initdb", "-D", str(self._data), "-U", "callyard", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self._databases = 0

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-w", "-t", "30", "-o", options, "start")

    def stop(self) -> None:
        """At once, as in a crash: open connections are lost."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-t", "30", "-m", "immediate", "stop")

    def new_database(self, template: str = "template0") -> str:
        """The address of a fresh database: empty, or a copy of ``template`` that nobody is connected to."""
        self._databases += 1
        name = f"test{self._databases}"
        self._run("createdb", "-h", str(self.folder), "-U", "callyard", "-T", template, name)
        return f"postgresql://callyard@/{name}?host={self.folder}"

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(self._programs / program), *arguments]
        if self._user:
            command = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--init-groups", *command]
        with (self.folder / "setup.log").open("ab") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=DEADLINE, cwd=self.folder
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{(self.folder / 'setup.log').read_text()[-2000:]}")
