"""A running switch as the tests see it: its commands, its process, and the few questions that are asked of every kind.

``Switch`` is what a test may use without knowing which switch it runs on; ``rx`` speaks the switch's own language.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cti.provision.switches import switch_named
from cti.settings import Settings
from dialplan.freeswitch_deploy import tell
from tests.e2e.rig.processes import cpu_seconds


class Switch(Protocol):
    """One running switch. ``name`` is the setting's: ``asterisk`` or ``freeswitch``."""

    @property
    def name(self) -> str: ...
    @property
    def sip_port(self) -> int: ...
    @property
    def pid(self) -> int: ...
    @property
    def sip(self) -> str: ...

    def rx(self, command: str, deadline: float = 10.0) -> str:
        """Run one command of the switch's own and give its output."""

    def wait_rx(self, command: str, expected: str, deadline: float = 10.0) -> str:
        """Repeat ``command`` until ``expected`` is in its output."""

    def hang_up_everybody(self) -> None: ...

    def channels(self) -> int:
        """How many channels live, of whatever kind."""

    def phones_at(self, port: int, numbers: Sequence[str]) -> int:
        """How many of the phones ``numbers`` are registered at ``port`` of this machine and answer there."""

    def place_known(self, number: str, port: int) -> bool:
        """Whether phone ``number``, just registered from ``port``, would be rung there already."""

    def cpu_seconds(self) -> float: ...


class _Commands:
    """What is the same for every switch that has ``rx``, ``pid`` and ``sip_port``."""

    name: str
    sip_port: int
    pid: int

    @property
    def sip(self) -> str:
        return f"127.0.0.1:{self.sip_port}"

    def rx(self, command: str, deadline: float = 10.0) -> str:
        raise NotImplementedError

    def wait_rx(self, command: str, expected: str, deadline: float = 10.0) -> str:
        """Repeat ``command`` until ``expected`` is in its output."""
        end = time.monotonic() + deadline
        while expected not in (output := self.rx(command)):
            if time.monotonic() > end:
                raise AssertionError(
                    f"{self.name}: no {expected!r} in {command!r} within {deadline} s: {output[-1500:]}"
                )
            time.sleep(0.1)
        return output

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)


@dataclass(frozen=True)
class RunningSwitch(_Commands):
    """Asterisk. ``argv`` starts the program up to its options; ``etc`` is the folder that it reads."""

    argv: tuple[str, ...]
    etc: Path
    sip_port: int
    pid: int
    name: str = "asterisk"

    def rx(self, command: str, deadline: float = 10.0) -> str:
        done = subprocess.run(
            [*self.argv, "-C", str(self.etc / "asterisk.conf"), "-rx", command],
            capture_output=True,
            timeout=deadline,
            check=False,
        )
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def hang_up_everybody(self) -> None:
        self.rx("channel request hangup all")

    def channels(self) -> int:
        found = re.search(r"^(\d+) active channels?$", self.rx("core show channels count"), re.M)
        return int(found[1]) if found else -1

    def phones_at(self, port: int, numbers: Sequence[str]) -> int:
        lines = [line for line in self.rx("pjsip show contacts").splitlines() if f"127.0.0.1:{port} " in line]
        if len(lines) < len(numbers) or not all(" Avail " in line for line in lines):
            for number in numbers:  # whoever was asked while the port changed hands did not answer
                self.rx(f"pjsip qualify {number}")
        return sum(" Avail " in line for line in lines)

    def place_known(self, number: str, port: int) -> bool:
        return True  # Asterisk looks it up as it dials


@dataclass(frozen=True)
class RunningFreeSwitch(_Commands):
    """FreeSWITCH, by its event socket. It asks phones only every 15 s, so a registered one counts."""

    settings: Settings
    sip_port: int
    pid: int
    name: str = "freeswitch"

    def rx(self, command: str, deadline: float = 10.0) -> str:
        return tell(switch_named(self.settings, self.name), [command], [])

    def hang_up_everybody(self) -> None:
        self.rx("hupall normal_clearing")

    def channels(self) -> int:
        found = re.search(r"^(\d+) session\(s\) - peak", self.rx("status"), re.M)
        return int(found[1]) if found else -1

    def phones_at(self, port: int, numbers: Sequence[str]) -> int:
        lines = self.rx("sofia status profile callyard reg").splitlines()
        return sum(line.startswith("Contact:") and f"@127.0.0.1:{port}" in line for line in lines)

    def place_known(self, number: str, port: int) -> bool:
        return self.rx(f"global_getvar cy_place_{number}").strip().endswith(f":{port}")  # told by our driver
