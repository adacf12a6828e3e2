"""A running Asterisk as the tests see it: its command socket, its process and what CPU it used."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunningSwitch:
    """``argv`` starts the program up to its options; ``etc`` is the folder that it reads."""

    argv: tuple[str, ...]
    etc: Path
    sip_port: int
    pid: int

    @property
    def sip(self) -> str:
        return f"127.0.0.1:{self.sip_port}"

    def rx(self, command: str, deadline: float = 10.0) -> str:
        """Run one CLI command and give its output."""
        done = subprocess.run(
            [*self.argv, "-C", str(self.etc / "asterisk.conf"), "-rx", command],
            capture_output=True,
            timeout=deadline,
            check=False,
        )
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def wait_rx(self, command: str, expected: str, deadline: float = 10.0) -> str:
        """Repeat ``command`` until ``expected`` is in its output."""
        end = time.monotonic() + deadline
        while expected not in (output := self.rx(command)):
            if time.monotonic() > end:
                raise AssertionError(f"asterisk: no {expected!r} in {command!r} within {deadline} s: {output[-1500:]}")
            time.sleep(0.1)
        return output

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processes(words: Sequence[str]) -> list[int]:
    """Ids of processes whose command line holds all ``words``."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            if all(any(word in part for part in line) for word in words):
                found.append(int(folder.name))
    return found
