"""A running Asterisk as the tests see it: its command socket, its process and what CPU it used."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.rig.processes import cpu_seconds


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
